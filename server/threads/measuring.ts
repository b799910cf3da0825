/** What the geometry and the curvature thread share: steps from a ring, through the page, into the outbox. */
import { filter } from "rxjs";
import type { RunStatus } from "../../shared/readings.ts";
import { type BusyMs, pipeline } from "../pipeline.ts";
import type { Modes, StreamDefinition, StreamRole } from "../streams/define.ts";
import { streams } from "../streams/index.ts";
import type { Run } from "../training/run.ts";
import type { MeasuringRequest, PackedSample } from "./messages.ts";
import { endModes } from "./mode-line.ts";
import { Outbox } from "./outbox.ts";
import { ringSteps } from "./ring.ts";
import { everySecond, post, reportFailure } from "./thread.ts";

type Begin = Extract<MeasuringRequest, { kind: "begin" }>;

export function measure(
  role: Exclude<StreamRole, "trainer">,
  run: Run,
  modes: Modes,
  { plan, acks, ring, modes: line }: Begin,
  encodeWeights: (theta: Float32Array) => Uint8Array = () => {
    throw new Error(`${role}: no stream of this thread has vectors`);
  },
): void {
  const outbox = new Outbox(acks, post);
  const busyMs: BusyMs = {};
  const reportBusy = everySecond(() => post({ kind: "busy", busyMs: { ...busyMs } }));
  const mine = streams
    .filter(({ descriptor }) =>
      plan.streams.some((planned) => planned.name === descriptor.name && planned.role === role),
    )
    .map((stream) => onlyDemanded(stream, plan.channels.indexOf(stream.descriptor.name)));
  const publishes = mine.some(({ descriptor }) => descriptor.name === "hessian/eigenvalues");
  if (role === "curvature" && !publishes) endModes(line);
  pipeline(
    ringSteps(ring, 0),
    mine,
    ({ descriptor }) => ({
      run,
      modes,
      every: plan.everyOfStream[descriptor.name] ?? 1,
      channel: plan.channels.indexOf(descriptor.name),
      everyOf: (key) => plan.everyOfKey[key] ?? 1,
    }),
    busyMs,
  ).subscribe({
    next(sample) {
      const { value } = sample;
      if (value instanceof Float32Array) {
        const packed: PackedSample = {
          channel: sample.channel,
          step: sample.step,
          weights: encodeWeights(value),
        };
        outbox.addPacked(packed);
      } else {
        outbox.add(sample);
      }
      // A stream that failed publishes no more: nobody may wait for it.
      if (sample.channel === "run/status" && (value as RunStatus).stream === "hessian/eigenvalues")
        endModes(line);
      // Its next turn may be a second away.
      if (role === "curvature") outbox.flush();
      reportBusy();
    },
    error: reportFailure,
    complete() {
      if (role === "curvature") endModes(line);
      outbox.flush();
      post({ kind: "busy", busyMs: { ...busyMs } });
      run.dispose();
      post({ kind: "done" });
    },
  });
}

/** A step that somebody demanded for one stream is no step for the others. */
function onlyDemanded(stream: StreamDefinition, channel: number): StreamDefinition {
  return {
    ...stream,
    derive: (context) => (steps$) =>
      steps$.pipe(
        filter(({ demanded }) => demanded === null || demanded === channel),
        stream.derive(context),
      ),
  };
}
