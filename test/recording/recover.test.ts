import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { McapIndexedReader } from "@mcap/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recoverRecording } from "../../server/recording/recover.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { buildHeader } from "../support/build-header.ts";
import { FaultyDisk } from "../support/faulty-disk.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { runHere } from "../support/run-here.ts";
import { appendSteps } from "../support/write-steps.ts";

let folder: string;
let path: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-recover-"));
  path = join(folder, "a.mcap");
  out = join(folder, "b.mcap");
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A session of 60 steps; `unfinished` as kill -9 leaves it. */
async function record(end: "finished" | "unfinished"): Promise<string[]> {
  const log = await SessionLog.create({ header: buildHeader(), path });
  await appendSteps(log, 60);
  if (end === "finished") await log.finish("finished");
  const events = fingerprints(await readAll(log));
  await log.close();
  return events;
}

async function eventsIn(file: string): Promise<string[]> {
  const session = await openRecording(file);
  const events = fingerprints(await readAll(session));
  expect(session.fault).toBeNull();
  await session.close();
  return events;
}

test("what kill -9 leaves becomes a recording with an end and an index", async () => {
  const events = await record("unfinished");
  const before = await readFile(path);
  const recovered = await recoverRecording(path, out);
  expect(recovered).toMatchObject({
    events: events.length,
    lastSeq: events.length - 1,
    lastStep: 59,
    files: [out],
  });
  expect(recovered.dropped).toMatchObject({ bytes: 0 });
  expect(await eventsIn(out)).toEqual(events);
  expect(await readFile(path)).toEqual(before);
  const bytes = await readFile(out);
  const reader = await McapIndexedReader.Initialize({
    readable: {
      size: async () => BigInt(bytes.byteLength),
      read: async (offset, size) => bytes.subarray(Number(offset), Number(offset + size)),
    },
  });
  expect(reader.statistics?.messageCount).toBe(BigInt(events.length));
});

test("of a damaged one the longest prefix is kept, and what was dropped is said", async () => {
  const events = await record("unfinished");
  const bytes = await readFile(path);
  const at = bytes.indexOf('"value"', Math.floor(bytes.byteLength * 0.7));
  bytes[at] = (bytes[at] as number) ^ 1;
  await writeFile(path, bytes);
  const recovered = await recoverRecording(path, out);
  expect(recovered.dropped?.fault).toMatch(/^a chunk whose checksum differs at byte \d+$/);
  expect(recovered.dropped?.bytes).toBeGreaterThan(0);
  expect(recovered.events).toBeGreaterThan(20);
  expect(await eventsIn(out)).toEqual(events.slice(0, recovered.events));
});

test("one with a hole keeps its hole", async () => {
  const disk = new FaultyDisk("ENOSPC", 5);
  const log = await SessionLog.create({
    header: buildHeader(),
    path,
    open: disk.open,
    retryMs: 1,
    onFailure: "continue",
  });
  await appendSteps(log, 30);
  disk.heal();
  while (log.status.trouble !== null) await Promise.all([appendSteps(log, 5), setImmediate()]);
  await log.close();
  const session = await openRecording(path);
  const events = fingerprints(await readAll(session));
  await session.close();
  const recovered = await recoverRecording(path, out);
  expect(recovered).toMatchObject({ events: events.length, files: [out, join(folder, "b.2.mcap")] });
  expect(await eventsIn(out)).toEqual(events);
});

test("nothing is overwritten, and nothing written for one that is whole", async () => {
  const events = await record("finished");
  expect(await recoverRecording(path, out)).toEqual({
    events: events.length,
    lastSeq: events.length - 1,
    lastStep: 59,
    dropped: null,
    files: [],
  });
  await rm(path);
  await record("unfinished");
  await expect(recoverRecording(path, path)).rejects.toMatchObject({ code: "exists" });
  expect(await readdir(folder)).toEqual(["a.mcap"]);
});

test("the command says what it kept and dropped", async () => {
  const events = await record("unfinished");
  const cut = (await readFile(path)).subarray(0, -100);
  await writeFile(path, cut);
  const { code, out: said } = await runHere(["recover", path]);
  expect(code).toBe(0);
  expect(said).toMatch(
    /^kept {7}\d+ events, up to seq \d+, step \d+\ndropped {4}\d+ bytes: .* at byte \d+\nwritten {4}.*a\.recovered\.mcap\n$/,
  );
  const kept = await eventsIn(join(folder, "a.recovered.mcap"));
  expect(kept).toEqual(events.slice(0, kept.length));
  const again = await runHere(["recover", path]);
  expect(again.code).toBe(2);
  expect(again.err).toContain("a.recovered.mcap: the file exists already and is not overwritten");
});
