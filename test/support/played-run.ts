/** A live session whose three threads are played: what they say, and when, is the test's to decide. */
import type { OpenLogFile } from "../../server/recording/log-file-handle.ts";
import { type LogKeeping, SessionLog } from "../../server/session/log.ts";
import { LiveSession } from "../../server/threads/live-session.ts";
import type { ModeLine, ThreadReply } from "../../server/threads/messages.ts";
import { type RingBuffers, RingWriter } from "../../server/threads/ring.ts";
import type { ThreadHandle } from "../../server/threads/thread-handle.ts";
import type { Blueprint } from "../../server/training/run.ts";
import type { RunStatus } from "../../shared/readings.ts";
import { buildHeader } from "./build-header.ts";
import { makeStep } from "./make-steps.ts";
import { readAll } from "./read-all.ts";

export const STEPS = 1500;

interface Begun {
  readonly ring?: RingBuffers;
  readonly modes?: ModeLine;
}

class PlayedThread {
  readonly name: string;
  readonly done: Promise<void>;
  finish: () => void = () => {};
  say: (reply: ThreadReply) => void = () => {};
  /** What it was told to begin with. */
  begun: Begun = {};
  /** A thread that waits for another does not hear that it shall stop. */
  isWaiting = false;
  terminated: () => void = () => {};

  constructor(name: string) {
    this.name = name;
    this.done = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  listen(listener: (reply: ThreadReply) => void): void {
    this.say = listener;
  }

  send(message: { readonly kind: string } & Begun): void {
    if (message.kind === "begin") this.begun = message;
    if (message.kind === "control" && !this.isWaiting) this.finish();
  }

  async terminate(): Promise<void> {
    this.finish();
    this.terminated();
  }
}

/** A run that stands at this step, as if its training thread had got there. */
export async function playedRun(
  step: number,
  kept: LogKeeping & { readonly path: string; readonly open?: OpenLogFile },
) {
  const threads = {
    training: new PlayedThread("training"),
    geometry: new PlayedThread("geometry"),
    curvature: new PlayedThread("curvature"),
  };
  const log = await SessionLog.create({ header: buildHeader({ steps: STEPS }), ...kept });
  const told: string[] = [];
  const session = new LiveSession(
    log,
    threads as unknown as Record<keyof typeof threads, ThreadHandle>,
    1,
    (sentence) => told.push(sentence),
  );
  const blueprint = {
    initial: new Float32Array(6),
    probe: new Uint32Array(4),
    config: { bestEffort: false },
  };
  session.begin(
    blueprint as unknown as Blueprint,
    [],
    { everyOfStream: {}, everyOfKey: {}, chosenBy: "given", costsMs: {} },
    { leftOut: [], backends: "none" },
  );
  threads.training.say({ kind: "batch", samples: [{ channel: "train/loss", step, json: "1" }] });
  const said = async () => {
    const channel = session.header.channels.findIndex(({ name }) => name === "run/status");
    const events = (await readAll(session)).filter((event) => event.channel === channel);
    return events.slice(1).map(({ json }) => {
      const { code, message } = JSON.parse(json ?? "") as RunStatus;
      return [code, message];
    });
  };
  /** The training thread hands a step over to be measured; false when it need not any more. */
  const push = (at: number) =>
    new RingWriter(threads.curvature.begun.ring as RingBuffers).push(makeStep(at, new Float32Array(6)));
  /** Steps that wait to be measured, or are just being. */
  const due = (count: number) => {
    for (let i = 0; i < count; i++) push(step - count + i);
  };
  return { session, threads, told, said, push, due };
}
