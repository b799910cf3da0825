/** What a run is said to be that is stopped in its last moments. Its threads are played: which of them is still busy is not left to chance. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SessionLog } from "../../server/session/log.ts";
import { LiveSession } from "../../server/threads/live-session.ts";
import type { ThreadReply } from "../../server/threads/messages.ts";
import type { ThreadHandle } from "../../server/threads/thread-handle.ts";
import type { Blueprint } from "../../server/training/run.ts";
import type { RunStatus } from "../../shared/readings.ts";
import { buildHeader } from "../support/build-header.ts";
import { readAll } from "../support/read-all.ts";

const STEPS = 1500;

class PlayedThread {
  readonly name: string;
  readonly done: Promise<void>;
  finish: () => void = () => {};
  say: (reply: ThreadReply) => void = () => {};

  constructor(name: string) {
    this.name = name;
    this.done = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  listen(listener: (reply: ThreadReply) => void): void {
    this.say = listener;
  }

  send(message: { readonly kind: string }): void {
    if (message.kind === "control") this.finish();
  }

  async terminate(): Promise<void> {
    this.finish();
  }
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-stop-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A run that stands at this step, as if its training thread had got there. */
async function runAt(step: number) {
  const threads = {
    training: new PlayedThread("training"),
    geometry: new PlayedThread("geometry"),
    curvature: new PlayedThread("curvature"),
  };
  const log = await SessionLog.create({
    header: buildHeader({ steps: STEPS }),
    path: join(folder, "a.mcap"),
  });
  const session = new LiveSession(log, threads as unknown as Record<keyof typeof threads, ThreadHandle>, 1, {
    onTrouble: () => {},
    pausesWithDisk: true,
  });
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
  threads.geometry.finish();
  const said = async () => {
    const channel = session.header.channels.findIndex(({ name }) => name === "run/status");
    const events = (await readAll(session)).filter((event) => event.channel === channel);
    return events.slice(1).map(({ json }) => {
      const { code, message } = JSON.parse(json ?? "") as RunStatus;
      return [code, message];
    });
  };
  return { session, threads, said };
}

it("before the last step, training was stopped", async () => {
  const { session, threads, said } = await runAt(STEPS - 1);
  threads.curvature.finish();
  await session.stop();
  expect(session.status.reason).toBe("stopped");
  expect(await said()).toEqual([["stopped", "training stopped at step 1,499 of 1,500"]]);
  await session.close();
});

it("after the last step, with what was due measured, the run has finished", async () => {
  const { session, threads, said } = await runAt(STEPS);
  const stopped = session.stop();
  threads.curvature.finish();
  await stopped;
  expect(session.status.reason).toBe("finished");
  expect(await said()).toEqual([["finished", "training finished at step 1,500 of 1,500"]]);
  await session.close();
});

it("after the last step, with a measurement given up, its training has finished and it lacks measurements", async () => {
  const { session, said } = await runAt(STEPS);
  await session.stop();
  expect(session.status.reason, "not whole: whoever verifies it must know").toBe("stopped");
  expect(await said()).toEqual([
    ["measurement-abandoned", "a measurement was still running when the run was stopped"],
    ["stopped", "training finished at step 1,500 of 1,500; its last measurements were stopped"],
  ]);
  await session.close();
});

it("where training diverged at the last step, it was stopped there", async () => {
  const { session, threads, said } = await runAt(STEPS);
  threads.training.say({ kind: "diverged", step: STEPS, what: "the loss is NaN" });
  threads.curvature.finish();
  await session.stop();
  expect(session.status.reason).toBe("stopped");
  expect((await said()).at(-1)).toEqual(["stopped", "training stopped at step 1,500 of 1,500"]);
  await session.close();
});
