/** A run on a disk that fills up: training waits, goes on by itself once there is room, and the recording lacks nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filter, firstValueFrom } from "rxjs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openRecording } from "../../server/session/recorded-session.ts";
import type { SessionStatus } from "../../server/session/session.ts";
import { startLiveSession } from "../../server/threads/start-live-session.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import type { RunStatus } from "../../shared/readings.ts";
import { FaultyDisk } from "../support/faulty-disk.ts";
import { fingerprints, readAll } from "../support/read-all.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-full-disk-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const NEVER = 1_000_000;

it("training waits for a full disk", async () => {
  const resolved = resolveSettings({
    preset: "spirals",
    steps: 20_000,
    weightsEvery: 50,
    every: { hessian: NEVER, line: NEVER, eval: NEVER, path: NEVER },
  });
  if (!resolved.ok) throw new Error(resolved.problems.join());
  const disk = new FaultyDisk("ENOSPC", 4);
  const said: string[] = [];
  const session = await startLiveSession({
    config: resolved.config,
    folder,
    record: true,
    keeping: { retryMs: 20 },
    open: disk.open,
    onTrouble: (sentence) => said.push(sentence),
  });
  const until = (predicate: (now: SessionStatus) => boolean) =>
    firstValueFrom(session.status$.pipe(filter(predicate)));
  await until(({ trouble, state }) => trouble?.code === "disk-full" && state === "paused");
  const { step } = session.status;
  disk.heal();
  await until(({ trouble, state }) => trouble === null && state === "running");
  await until((now) => now.step > step + 200);
  await session.stop();
  const live = await readAll(session);
  await session.close();

  expect(said).toEqual([
    `${session.recordingPath}: no space is left on the disk. Training is paused until the disk takes events again; nothing is lost so far.`,
    "the disk takes events again; nothing was lost",
  ]);
  const recorded = await openRecording(session.recordingPath ?? "");
  expect(recorded).toMatchObject({ fault: null, status: { reason: "stopped" } });
  expect(fingerprints(await readAll(recorded))).toEqual(fingerprints(live));
  const statusChannel = recorded.header.channels.findIndex(({ name }) => name === "run/status");
  const statuses = live.flatMap(({ channel, json }) =>
    channel === statusChannel ? [JSON.parse(json ?? "") as RunStatus] : [],
  );
  expect(statuses.map(({ code }) => code)).toEqual(
    expect.arrayContaining(["disk-full", "recording-resumed"]),
  );
  await recorded.close();
});
