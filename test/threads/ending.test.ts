/** How a run ends whose threads are gone, or whose disk takes nothing. Its threads are played. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { filter, firstValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRecording } from "../../server/session/recorded-session.ts";
import { eventually } from "../support/eventually.ts";
import { FaultyDisk } from "../support/faulty-disk.ts";
import { playedRun, STEPS } from "../support/played-run.ts";
import { fingerprints, readAll } from "../support/read-all.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-ending-"));
  path = join(folder, "a.mcap");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("what its threads have not answered when they are sent away is refused", async () => {
  for (const isBroken of [false, true]) {
    const { session, threads } = await playedRun(STEPS, { path });
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
    await rm(path);
  }
});

it("what its threads had between them goes with them: the session itself may be held for days", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  // In a function of its own, so that nothing but the session is left of it.
  const runToEnd = async () => {
    const { session, threads } = await playedRun(STEPS, { path });
    const rings = [threads.geometry.begun.ring, threads.curvature.begun.ring].map(
      (ring) => new WeakRef(ring?.theta as SharedArrayBuffer),
    );
    for (const thread of Object.values(threads)) {
      thread.begun = {};
      thread.finish();
    }
    await session.ended;
    return { session, rings };
  };
  const { session, rings } = await runToEnd();
  await eventually(() => {
    collectGarbage();
    return rings.map((ring) => ring.deref());
  }).toEqual([undefined, undefined]);
  await session.close();
});

describe("where the disk takes nothing any more when the last step has been made", () => {
  /** All of it is done, and nothing of it recorded. */
  async function runOnFullDisk() {
    const disk = new FaultyDisk("ENOSPC", 1);
    const run = await playedRun(STEPS, { path, open: disk.open, retryMs: 1 });
    for (const thread of Object.values(run.threads)) thread.finish();
    await firstValueFrom(run.session.status$.pipe(filter(({ trouble }) => trouble?.code === "disk-full")));
    return { ...run, disk };
  }
  const WAITS = "The end of the run waits until the disk takes events again; nothing is lost so far.";

  it("the end waits for it, and the recording lacks nothing", async () => {
    const { session, disk, told, said } = await runOnFullDisk();
    expect(session.status).toMatchObject({ state: "paused", headSeq: -1, trouble: { isKept: true } });
    disk.heal();
    expect(await session.ended).toBe("finished");
    const full = `${path}: no space is left on the disk. ${WAITS}`;
    const again = "the disk takes events again; nothing was lost";
    expect(told).toEqual([full, again]);
    expect(await said()).toEqual([
      ["finished", "training finished at step 1,500 of 1,500"],
      ["disk-full", full],
      ["recording-resumed", again],
    ]);
    const live = fingerprints(await readAll(session));
    expect(live).toHaveLength(session.watermarks.accepted + 1);
    await session.close();
    const recorded = await openRecording(path);
    expect(recorded).toMatchObject({ fault: null, status: { reason: "finished" } });
    expect(fingerprints(await readAll(recorded))).toEqual(live);
    await recorded.close();
  });

  it.each(["the server", "a control"])(
    "it is waited for until %s stops the run, which says what is lost",
    async (who) => {
      const { session, told } = await runOnFullDisk();
      const { accepted } = session.watermarks;
      expect(await session.control({ action: "resume" })).toMatchObject({ accepted: false, code: "ended" });
      if (who === "the server") await session.stop();
      else expect(await session.control({ action: "stop" })).toEqual({ accepted: true, seq: accepted + 1 });
      expect(await session.ended).toBe("finished");
      expect(told.at(-1)).toBe(
        `${path}: no space is left on the disk; seq 0 to ${session.watermarks.accepted} are lost`,
      );
      expect(session.status).toMatchObject({ state: "ended", trouble: { isKept: false } });
      await session.close();
    },
  );
});
