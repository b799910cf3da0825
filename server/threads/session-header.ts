/** The header of a live session, from what the threads said when they opened. */
import { randomBytes } from "node:crypto";
import type { SessionHeader } from "../../shared/header.ts";
import type { StreamDescriptor } from "../../shared/stream.ts";
import type { BackendFacts } from "../engine/backend.ts";
import { runChannels, streams } from "../streams/index.ts";
import type { Blueprint } from "../training/run.ts";
import type { Opened, PlannedStream } from "./messages.ts";
import { versions } from "./versions.ts";

export interface Schedule {
  readonly everyOfStream: Readonly<Record<string, number>>;
  readonly everyOfKey: Readonly<Record<string, number>>;
  readonly chosenBy: "given" | "measured";
  readonly costsMs: Readonly<Record<string, number>>;
}

export function sessionHeader(options: {
  readonly blueprint: Blueprint;
  readonly planned: readonly PlannedStream[];
  readonly schedule: Schedule;
  readonly training: Opened;
  readonly curvature: Opened;
}): SessionHeader {
  const { blueprint, planned, schedule, training, curvature } = options;
  const { facts, config } = blueprint;
  return {
    formatVersion: 1,
    id: randomBytes(16).toString("hex"),
    name: config.name,
    startedAtMs: Date.now(),
    ...facts,
    schedule: {
      every: { ...schedule.everyOfKey },
      chosenBy: schedule.chosenBy,
      bestEffort: config.bestEffort,
      costsMs: { ...schedule.costsMs },
    },
    weightsEvery: schedule.everyOfStream["train/weights"] ?? 1,
    backend: servedBy(training.backend.name, curvature.backend.name),
    selfTest: curvature.backend.selfTest,
    versions: versions([training.backend.name, curvature.backend.name]),
    channels: [...planned.map((stream) => descriptorOf(stream, schedule)), ...runChannels],
  };
}

function servedBy(training: string, curvature: string): string {
  return training === curvature ? training : `${training} (curvature: ${curvature})`;
}

/** Which backend serves which role, and what was passed over: for `run/status`. */
export function backendSentence(training: BackendFacts, curvature: BackendFacts): string {
  const because = ({ note }: BackendFacts) => (note === null ? "" : ` (${note})`);
  return training.name === curvature.name
    ? `training and curvature on ${training.name}${because(training)}`
    : `training on ${training.name}${because(training)}, curvature on ${curvature.name}${because(curvature)}`;
}

/** The passport, with the cadence that this run gives it. */
function descriptorOf({ name, role }: PlannedStream, schedule: Schedule): StreamDescriptor {
  const definition = streams.find(({ descriptor }) => descriptor.name === name);
  if (definition === undefined) throw new Error(`stream ${name} is not in the registry`);
  const { descriptor } = definition;
  const every = schedule.everyOfStream[name] ?? 1;
  switch (descriptor.cadence.kind) {
    case "scheduled":
      // Where training computes it anyway it costs nothing, and comes at every step.
      return {
        ...descriptor,
        cadence: role === "curvature" ? { kind: "scheduled", every } : { kind: "step" },
      };
    case "sparse":
    case "logged":
      return { ...descriptor, cadence: { ...descriptor.cadence, every } };
    default:
      return descriptor;
  }
}
