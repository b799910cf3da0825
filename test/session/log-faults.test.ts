/** What the log does when the disk does what disks do. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlockFile } from "../../server/recording/block-file.ts";
import { type OpenLogFile, openLogFile } from "../../server/recording/log-file-handle.ts";
import { scanRecording } from "../../server/recording/mcap-reader.ts";
import type { RecordingError } from "../../server/recording/recording-error.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording, RecordedSession } from "../../server/session/recorded-session.ts";
import { buildHeader } from "../support/build-header.ts";
import { type Faults, MemoryFile } from "../support/memory-file.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { appendSteps } from "../support/write-steps.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-faults-"));
  path = join(folder, "a.mcap");
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function createOn(file: MemoryFile): Promise<{ log: SessionLog; failures: RecordingError[] }> {
  const log = await SessionLog.create({ header: buildHeader(), path, open: async () => file });
  const failures: RecordingError[] = [];
  log.failure$.subscribe((failure) => failures.push(failure));
  return { log, failures };
}

async function openFile(file: MemoryFile): Promise<RecordedSession> {
  const scan = await scanRecording(file, path, file.bytes.byteLength);
  return new RecordedSession(new BlockFile(path, file, scan.spans), scan);
}

test("a write that takes a few bytes at a time is continued until all are written", async () => {
  const short = new MemoryFile(undefined, { shortWrite: 7 });
  const { log, failures } = await createOn(short);
  await appendSteps(log, 10);
  expect(short.writeCalls).toBeGreaterThan(100);
  const recorded = await openFile(short);
  expect(recorded.fault).toContain("the end of the file");
  expect(fingerprints(await readAll(recorded))).toEqual(fingerprints(await readAll(log)));
  expect(failures).toEqual([]);
});

describe.each([
  ["ENOSPC", "disk-full", "no space is left on the disk"],
  ["EIO", "disk-error", "the disk answered EIO"],
] as const)("a write that fails with %s", (code, expectedCode, sentence) => {
  test("is told once, and what was written before it stays", async () => {
    // Write 0 is the front of the file; each flush is one more.
    for (let call = 1; call < 8; call++) {
      const file = new MemoryFile(undefined, { write: { call, code } });
      const { log, failures } = await createOn(file);
      await appendSteps(log, 60);
      expect(failures).toHaveLength(1);
      expect(failures[0]).toMatchObject({ code: expectedCode, message: `${path}: ${sentence}` });
      expect((await firstValueFrom(log.failure$)).code).toBe(expectedCode);
      const calls = file.writeCalls;
      expect(log.append(0, 99, { json: "1" })).toBe(-1);
      expect(log.backlogBytes).toBe(0);
      await log.whenBelow(0);
      const events = fingerprints(await readAll(log));
      expect(events).toHaveLength(log.status.headSeq + 1);
      await log.finish("failed");
      expect(file.writeCalls).toBe(calls);
      expect(log.status).toMatchObject({ state: "ended", reason: "failed" });
      const recorded = await openFile(file);
      expect(fingerprints(await readAll(recorded))).toEqual(events);
      // The half chunk was cut off again.
      expect(recorded.fault).toBe(`the end of the file at byte ${file.bytes.byteLength}`);
      await log.close();
      expect(failures).toHaveLength(1);
      expect(file.isClosed).toBe(true);
    }
  });
});

test("whoever waits for room is let go when the disk fails", async () => {
  const { log } = await createOn(new MemoryFile(undefined, { write: { call: 1, code: "ENOSPC" } }));
  log.append(2, 0, { bytes: new Uint8Array(2_000_000) });
  await log.whenBelow(0);
  expect(log.status.headSeq).toBe(-1);
  await log.close();
});

test("a sync that fails is told, and the session ends all the same", async () => {
  const { log, failures } = await createOn(new MemoryFile(undefined, { sync: "EIO" }));
  await appendSteps(log, 3);
  await log.finish("finished");
  expect(failures).toMatchObject([{ code: "disk-error" }]);
  expect(log.status).toMatchObject({ state: "ended", reason: "finished" });
  await log.close();
});

test("a file that cannot be begun is refused, and nothing stays behind", async () => {
  const full: OpenLogFile = async (at, flags) => {
    const real = await openLogFile(at, flags);
    const fails = new MemoryFile(undefined, { write: { call: 0, code: "ENOSPC" } });
    return Object.assign(fails, { close: () => real.close() });
  };
  await expect(SessionLog.create({ header: buildHeader(), path, open: full })).rejects.toMatchObject({
    code: "disk-full",
    message: `${path}: no space is left on the disk`,
  });
  expect(await readdir(folder)).toEqual([]);
  await writeFile(path, "a file where a folder should be");
  const below = join(path, "b.mcap");
  await expect(SessionLog.create({ header: buildHeader(), path: below })).rejects.toMatchObject({
    code: "not-found",
    message: `${path}: expected a folder, got a file`,
  });
});

test.each<[string, Faults]>([
  ["has no room", { write: { call: 2, code: "ENOSPC" } }],
  ["cannot be synced", { sync: "EIO" }],
])("when the compact copy %s, the recording is finished where it is", async (_, faults) => {
  const open: OpenLogFile = async (at, flags) => {
    const real = await openLogFile(at, flags);
    if (!at.endsWith(".tmp")) return real;
    const fails = new MemoryFile(undefined, faults);
    return Object.assign(fails, { close: () => real.close() });
  };
  const log = await SessionLog.create({ header: buildHeader(), path, open });
  const failures: RecordingError[] = [];
  log.failure$.subscribe((failure) => failures.push(failure));
  await appendSteps(log, 60);
  const events = fingerprints(await readAll(log));
  await log.finish("finished");
  await log.close();
  expect(failures).toEqual([]);
  expect(await readdir(folder)).toEqual(["a.mcap"]);
  const recorded = await openRecording(path);
  expect(recorded.status.reason).toBe("finished");
  expect(recorded.fault).toBeNull();
  expect(fingerprints(await readAll(recorded))).toEqual(events);
  await recorded.close();
});
