/** What the log does when the disk does what disks do. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { firstValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlockFile } from "../../server/recording/block-file.ts";
import { type OpenLogFile, openLogFile } from "../../server/recording/log-file-handle.ts";
import { scanRecording } from "../../server/recording/mcap-reader.ts";
import type { RecordingError } from "../../server/recording/recording-error.ts";
import { type LogKeeping, SessionLog } from "../../server/session/log.ts";
import type { Recovery } from "../../server/session/log-writer.ts";
import { openRecording, RecordedSession } from "../../server/session/recorded-session.ts";
import { buildHeader } from "../support/build-header.ts";
import { type DiskFault, FaultyDisk } from "../support/faulty-disk.ts";
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

/** A log on a disk that fails at this operation, and everything it said about it. */
async function createOnDisk(
  fault: DiskFault,
  at: number,
  keeping: LogKeeping = {},
): Promise<{ log: SessionLog; disk: FaultyDisk; failures: RecordingError[]; recovered: Promise<Recovery> }> {
  const disk = new FaultyDisk(fault, at);
  const log = await SessionLog.create({
    header: buildHeader(),
    path,
    open: disk.open,
    retryMs: 1,
    ...keeping,
  });
  const failures: RecordingError[] = [];
  log.failure$.subscribe((failure) => failures.push(failure));
  return { log, disk, failures, recovered: firstValueFrom(log.recovery$, { defaultValue: { lost: null } }) };
}

describe.each([
  ["ENOSPC", "disk-full", "no space is left on the disk"],
  ["EIO", "disk-error", "the disk answered EIO"],
] as const)("a write that fails with %s", (code, expectedCode, sentence) => {
  test("is told once, and nothing is lost once the disk takes events again", async () => {
    const { log, disk, failures, recovered } = await createOnDisk(code, 4);
    await appendSteps(log, 60);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code: expectedCode, message: `${path}: ${sentence}` });
    expect((await firstValueFrom(log.failure$)).code).toBe(expectedCode);
    expect(log.status.trouble).toEqual({
      code: expectedCode,
      message: `${path}: ${sentence}`,
      isKept: true,
    });
    const { accepted, written } = log.watermarks;
    expect(accepted).toBeGreaterThan(written);
    expect(log.status.headSeq).toBe(written);
    expect(log.backlogBytes).toBeGreaterThan(0);
    const early = fingerprints(await readAll(log));
    expect(early).toHaveLength(written + 1);

    disk.heal();
    expect(await recovered).toEqual({ lost: null });
    await log.flush();
    expect(log.status).toMatchObject({ headSeq: accepted, trouble: null });
    await log.finish("finished");
    const events = fingerprints(await readAll(log));
    expect(events).toHaveLength(accepted + 1);
    expect(events.slice(0, early.length)).toEqual(early);
    await log.close();
    const recorded = await openRecording(path);
    expect(recorded).toMatchObject({ fault: null, status: { reason: "finished" } });
    expect(fingerprints(await readAll(recorded))).toEqual(events);
    await recorded.close();
    // A file that failed otherwise than by being full is not written to again.
    expect(await readdir(folder)).toEqual(code === "ENOSPC" ? ["a.mcap"] : ["a.2.mcap", "a.mcap"]);
  });

  test("loses what is said to be lost when the session ends before that", async () => {
    const { log, failures } = await createOnDisk(code, 4);
    await appendSteps(log, 60);
    const { accepted, written } = log.watermarks;
    await log.finish("stopped");
    expect(failures.at(-1)?.message).toBe(`${path}: ${sentence}; seq ${written + 1} to ${accepted} are lost`);
    expect(log.status).toMatchObject({ state: "ended", headSeq: written });
    expect(log.append(0, 99, { json: "1" })).toBe(-1);
    await log.whenBelow(0);
    const events = fingerprints(await readAll(log));
    await log.close();
    const recorded = await openRecording(path);
    expect(recorded.status).toMatchObject({ reason: "interrupted", headSeq: written });
    expect(fingerprints(await readAll(recorded))).toEqual(events);
    await recorded.close();
  });

  test("leaves readers with everything where the run goes on unrecorded, and the recording with a hole that it names", async () => {
    const { log, disk, recovered } = await createOnDisk(code, 4, { onFailure: "continue" });
    await appendSteps(log, 60);
    const { accepted } = log.watermarks;
    expect(log.status).toMatchObject({ headSeq: accepted, trouble: { code: expectedCode, isKept: false } });
    expect(log.watermarks.written).toBeLessThan(accepted);
    const unrecorded = fingerprints(await readAll(log));
    expect(unrecorded).toHaveLength(accepted + 1);

    disk.heal();
    // In memory nothing takes time: without a turn of the event loop, the disk would never be asked again.
    while (log.status.trouble !== null) await Promise.all([appendSteps(log, 20), setImmediate()]);
    const { lost } = await recovered;
    expect(lost?.toSeq).toBeGreaterThanOrEqual(accepted);
    await log.finish("finished");
    const live = await readAll(log);
    await log.close();

    const recorded = await openRecording(path);
    expect(recorded).toMatchObject({ fault: null, status: { reason: "finished" } });
    const events = await readAll(recorded);
    expect(recorded.holeAt(lost?.fromSeq ?? -1)).toEqual(lost);
    const isKept = (seq: number) => seq < (lost?.fromSeq ?? 0) || seq > (lost?.toSeq ?? 0);
    expect(fingerprints(events)).toEqual(fingerprints(live.filter(({ seq }) => isKept(seq))));
    await recorded.close();
  });
});

test("whoever waits for room waits until the disk takes events again, or the session is to end", async () => {
  for (const isHealed of [true, false]) {
    await rm(path, { force: true });
    const { log, disk } = await createOnDisk("ENOSPC", 1);
    const failed = firstValueFrom(log.failure$);
    log.append(2, 0, { bytes: new Uint8Array(2_000_000) });
    const below = log.whenBelow(0);
    await failed;
    if (isHealed) disk.heal();
    else log.letGo();
    await below;
    expect(log.status.headSeq).toBe(isHealed ? 0 : -1);
    await log.close();
  }
});

describe("a sync that fails", () => {
  test("is told, and what it may have lost is written again, elsewhere", async () => {
    const { log, failures, recovered } = await createOnDisk("fsync-EIO", 3, { sync: "chunk" });
    await appendSteps(log, 60);
    await recovered;
    await log.flush();
    expect(failures).toMatchObject([{ code: "disk-error" }]);
    const { accepted, written, durable } = log.watermarks;
    expect([written, durable]).toEqual([accepted, accepted]);
    await log.finish("finished");
    const events = fingerprints(await readAll(log));
    await log.close();
    const recorded = await openRecording(path);
    expect(recorded).toMatchObject({ fault: null, status: { reason: "finished" } });
    expect(fingerprints(await readAll(recorded))).toEqual(events);
    await recorded.close();
  });

  test("at the very end is told, and the session ends all the same", async () => {
    const { log, failures } = await createOn(new MemoryFile(undefined, { sync: "EIO" }));
    await appendSteps(log, 3);
    await log.finish("finished");
    expect(failures).toMatchObject([{ code: "disk-error" }]);
    expect(log.status).toMatchObject({ state: "ended", reason: "finished" });
    await log.close();
  });
});

test("with sync chunk, readers see nothing that a power cut could take back", async () => {
  const log = await SessionLog.create({ header: buildHeader(), path, sync: "chunk" });
  const heads: [number, number][] = [];
  log.status$.subscribe(({ headSeq }) => heads.push([headSeq, log.watermarks.durable]));
  await appendSteps(log, 60);
  expect(heads.length).toBeGreaterThan(5);
  for (const [headSeq, durable] of heads) expect(headSeq).toBeLessThanOrEqual(durable);
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
