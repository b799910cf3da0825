/** What a run is said to be that is stopped in its last moments. Its threads are played: which of them is still busy is not left to chance. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ModeLine } from "../../server/threads/messages.ts";
import { modeTaker } from "../../server/threads/mode-line.ts";
import { playedRun, STEPS } from "../support/played-run.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-stop-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const runAt = (step: number) => playedRun(step, { path: join(folder, "a.mcap") });

it("before the last step, training was stopped", async () => {
  const { session, threads, said } = await runAt(STEPS - 1);
  threads.geometry.finish();
  threads.curvature.finish();
  await session.stop();
  expect(session.status.reason).toBe("stopped");
  expect(await said()).toEqual([["stopped", "training stopped at step 1,499 of 1,500"]]);
  await session.close();
});

it("after the last step, with what was due measured, the run has finished", async () => {
  const { session, threads, said } = await runAt(STEPS);
  const stopped = session.stop();
  threads.geometry.finish();
  threads.curvature.finish();
  await stopped;
  expect(session.status.reason).toBe("finished");
  expect(await said()).toEqual([["finished", "training finished at step 1,500 of 1,500"]]);
  await session.close();
});

it("after the last step, with a measurement given up, its training has finished and it lacks measurements", async () => {
  const { session, threads, said, due } = await runAt(STEPS);
  threads.geometry.finish();
  due(1);
  await session.stop();
  expect(session.status.reason, "not whole: whoever verifies it must know").toBe("stopped");
  expect(await said()).toEqual([
    ["measurement-abandoned", "a measurement was still running when the run was stopped"],
    ["stopped", "training finished at step 1,500 of 1,500; its last measurements were stopped"],
  ]);
  await session.close();
});

it("training that waits for room, and geometry that waits for v₁, end with the measurements", async () => {
  const { session, threads, said, due, push } = await runAt(STEPS - 1);
  const { training, geometry, curvature } = threads;
  const taker = modeTaker(geometry.begun.modes as ModeLine, true);
  training.isWaiting = true;
  due(curvature.begun.ring?.slots ?? 0);
  curvature.terminated = () => {
    expect(taker.take(STEPS - 2), "waits for ever, if for anything").toBeNull();
    geometry.finish();
    expect(push(STEPS - 1)).toBe(false);
    training.finish();
  };
  await session.stop();
  expect(await said()).toEqual([
    ["measurement-abandoned", "a measurement was still running when the run was stopped"],
    ["stopped", "training stopped at step 1,499 of 1,500"],
  ]);
  await session.close();
});

it("a step of training that takes long is waited for, with nothing given up", async () => {
  const { session, threads, said } = await runAt(STEPS - 1);
  threads.training.isWaiting = true;
  const stopped = session.stop();
  setTimeout(() => {
    for (const thread of Object.values(threads)) thread.finish();
  }, 2500);
  await stopped;
  expect(await said()).toEqual([["stopped", "training stopped at step 1,499 of 1,500"]]);
  await session.close();
});

it("where training diverged at the last step, it was stopped there", async () => {
  const { session, threads, said } = await runAt(STEPS);
  threads.training.say({ kind: "diverged", step: STEPS, what: "the loss is NaN" });
  threads.geometry.finish();
  threads.curvature.finish();
  await session.stop();
  expect(session.status.reason).toBe("stopped");
  expect((await said()).at(-1)).toEqual(["stopped", "training stopped at step 1,500 of 1,500"]);
  await session.close();
});
