/** How a run ends whose threads are gone, or whose disk takes nothing. Its threads are played. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { playedRun, STEPS } from "../support/played-run.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-ending-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const runAt = (step: number) => playedRun(step, { path: join(folder, "a.mcap") });

it("what its threads have not answered when they are sent away is refused", async () => {
  for (const isBroken of [false, true]) {
    const { session, threads } = await runAt(STEPS);
    threads.training.isWaiting = true;
    const asked = session.control({ action: "set", learningRate: 0.1 });
    if (isBroken) threads.curvature.say({ kind: "broken", message: "of the test's making" });
    else for (const thread of Object.values(threads)) thread.finish();
    await session.ended;
    expect(await asked).toEqual({
      accepted: false,
      code: "ended",
      message: "set: this session has ended",
    });
    await session.close();
    await rm(join(folder, "a.mcap"));
  }
});
