import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstValueFrom, lastValueFrom } from "rxjs";
import { filter } from "rxjs/operators";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import type { SessionEvent } from "../../server/session/session.ts";
import { buildHeader } from "../support/build-header.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { allChannels, appendSteps, thetaAt } from "../support/write-steps.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-log-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("a session log", () => {
  test("gives dense seqs, and times that do not go back", async () => {
    const log = await SessionLog.create({ header: buildHeader(), path: join(folder, "a.mcap") });
    const seqs = [0, 1, 2, 3].map((step) => log.append(0, step, { json: String(step) }));
    expect(seqs).toEqual([0, 1, 2, 3]);
    expect(log.status.headSeq).toBe(-1);
    await log.flush();
    expect(log.status).toEqual({ state: "running", reason: null, headSeq: 3, earliestSeq: 0, step: 3 });
    const events = await readAll(log);
    expect(events.map(({ seq }) => seq)).toEqual(seqs);
    const times = events.map(({ wallTimeMs }) => wallTimeMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.abs((times[0] as number) - Date.now())).toBeLessThan(60_000);
    await log.close();
  });

  test("shows readers nothing that is not written, and everything that is", async () => {
    const log = await SessionLog.create({ header: buildHeader(), path: join(folder, "a.mcap") });
    const cursor = log.cursor({ channels: allChannels, from: 0 });
    log.append(0, 1, { json: "0.5" });
    expect(await cursor.read({ maxEvents: 10, maxBytes: 1000 })).toEqual([]);
    expect(cursor.position).toBe(0);
    await log.flush();
    const [event] = await cursor.read({ maxEvents: 10, maxBytes: 1000 });
    expect(event).toMatchObject({ seq: 0, channel: 0, step: 1, json: "0.5" });
    await log.close();
  });

  test("writes a chunk by itself after a while, sooner while somebody hurries", async () => {
    const log = await SessionLog.create({ header: buildHeader(), path: join(folder, "a.mcap") });
    log.append(0, 1, { json: "1" });
    await firstValueFrom(log.status$.pipe(filter(({ headSeq }) => headSeq === 0)));
    const release = log.hurry();
    log.append(0, 2, { json: "2" });
    await firstValueFrom(log.status$.pipe(filter(({ headSeq }) => headSeq === 1)));
    release();
    release();
    await log.close();
  });

  test("lets an appender wait for the disk", async () => {
    const log = await SessionLog.create({ header: buildHeader(), path: join(folder, "a.mcap") });
    const bytes = new Uint8Array(600_000);
    for (let step = 0; step < 4; step++) log.append(2, step, { bytes });
    expect(log.backlogBytes).toBeGreaterThan(2_400_000);
    await log.whenBelow(1_300_000);
    expect(log.backlogBytes).toBeLessThanOrEqual(1_300_000);
    await log.flush();
    expect(log.backlogBytes).toBe(0);
    await log.whenBelow(0);
    await log.close();
  });

  test("refuses a payload that is not its channel's, and an unknown channel", async () => {
    const log = await SessionLog.create({ header: buildHeader(), path: join(folder, "a.mcap") });
    expect(() => log.append(0, 1, { bytes: new Uint8Array(1) })).toThrow(
      "payload of train/loss: expected json, got bytes",
    );
    expect(() => log.append(9, 1, { json: "1" })).toThrow("channel: expected 0 to 5, got 9");
    expect(() => log.append(0, -1, { json: "1" })).toThrow(
      "step: expected an integer from 0 to 4294967295, got -1",
    );
    await log.close();
  });

  test("never overwrites a file", async () => {
    const path = join(folder, "a.mcap");
    const log = await SessionLog.create({ header: buildHeader(), path });
    await log.finish("finished");
    await expect(SessionLog.create({ header: buildHeader(), path })).rejects.toMatchObject({
      code: "exists",
      message: `${path}: the file exists already and is not overwritten`,
    });
    await log.close();
  });

  test("ends once, with its reason, and takes nothing afterwards", async () => {
    const path = join(folder, "a.mcap");
    const log = await SessionLog.create({ header: buildHeader(), path });
    log.setState("paused");
    expect(log.status.state).toBe("paused");
    log.append(0, 7, { json: "1" });
    const ended = lastValueFrom(log.status$);
    await log.finish("stopped");
    await log.finish("failed");
    expect(await ended).toEqual({ state: "ended", reason: "stopped", headSeq: 0, earliestSeq: 0, step: 7 });
    expect(log.append(0, 8, { json: "1" })).toBe(-1);
    await log.close();
    const recorded = await openRecording(path);
    expect(recorded.status).toEqual(await ended);
    await recorded.close();
    expect(await readdir(folder)).toEqual(["a.mcap"]);
  });

  test("closed without an end leaves a recording that was interrupted", async () => {
    const path = join(folder, "a.mcap");
    const log = await SessionLog.create({ header: buildHeader(), path });
    log.append(0, 1, { json: "1" });
    await log.close();
    const recorded = await openRecording(path);
    expect(recorded.status).toMatchObject({ state: "ended", reason: "interrupted", headSeq: 0 });
    await recorded.close();
  });

  test("is recorded as it was live, event by event and bit by bit", async () => {
    const path = join(folder, "a.mcap");
    const header = buildHeader();
    const log = await SessionLog.create({ header, path });
    await appendSteps(log, 60);
    const live = fingerprints(await readAll(log));
    await log.finish("finished");
    const recorded = await openRecording(path);
    expect(recorded.header).toEqual(header);
    expect(recorded.header).toEqual(log.header);
    expect(recorded.fault).toBeNull();
    expect(fingerprints(await readAll(recorded))).toEqual(live);
    expect(fingerprints(await readAll(log))).toEqual(live);
    await recorded.close();
    await log.close();
  });

  test("serves readers across the switch to its final file", async () => {
    const log = await SessionLog.create({ header: buildHeader(), path: join(folder, "a.mcap") });
    // More than the tail holds, in small chunks: readers of the beginning must use the file, and finishing must rewrite it.
    const state = { bytes: new Uint8Array(100_000).fill(7) };
    for (let step = 0; step < 70; step++) {
      log.append(2, step, state);
      log.append(0, step, { json: String(step) });
      await log.flush();
    }
    const expected = fingerprints(await readAll(log));
    const cursors = Array.from({ length: 8 }, (_, i) => log.cursor({ channels: allChannels, from: i * 3 }));
    const reads = cursors.map(async (cursor) => {
      const events: SessionEvent[] = [];
      while (cursor.position <= log.status.headSeq) {
        events.push(...(await cursor.read({ maxEvents: 3, maxBytes: 1e6 })));
      }
      return events;
    });
    const finished = log.finish("finished");
    const results = await Promise.all(reads);
    await finished;
    results.forEach((events, i) => {
      expect(fingerprints(events)).toEqual(expected.slice(i * 3));
    });
    expect(fingerprints(await readAll(log))).toEqual(expected);
    await log.close();
  });
});

describe("a temporary log", () => {
  const bound = { boundBytes: 60_000, segmentBytes: 15_000 };

  test("keeps to its bound, and what it still holds decodes", async () => {
    const parameterCount = 500;
    const header = buildHeader({ parameterCount });
    const log = await SessionLog.create({ header, temporary: true, folder, bound });
    expect(log.recordingPath).toBeUndefined();
    const encoder = new WeightEncoder(parameterCount);
    let lastEarliest = 0;
    for (let step = 0; step < 200; step++) {
      log.append(1, step, { weights: encoder.encode(thetaAt(step, parameterCount)) });
      log.append(0, step, { json: String(step) });
      await log.flush();
      expect(log.status.earliestSeq).toBeGreaterThanOrEqual(lastEarliest);
      lastEarliest = log.status.earliestSeq;
    }
    expect(lastEarliest).toBeGreaterThan(100);
    const events = await readAll(log);
    expect(events[0]?.seq).toBe(lastEarliest);
    expect(events).toHaveLength(400 - lastEarliest);
    for (const { channel, step, data } of events) {
      if (channel === 1) expect(data).toEqual(thetaAt(step, parameterCount));
    }
    expect(await readdir(folder)).toEqual([]);
    await log.finish("finished");
    expect(log.status).toMatchObject({ state: "ended", reason: "finished" });
    await log.close();
  });

  test("drops old segments under a cursor without losing anything unnoticed", async () => {
    const log = await SessionLog.create({ header: buildHeader(), temporary: true, folder, bound });
    const cursor = log.cursor({ channels: allChannels, from: 0 });
    let expected = 0;
    for (let step = 0; step < 300; step++) {
      log.append(2, step, { bytes: new Uint8Array(1000).fill(step) });
      await log.flush();
      if (step % 90 !== 0) continue;
      const { earliestSeq } = log.status;
      if (cursor.position < earliestSeq) expected = earliestSeq;
      const events = await cursor.read({ maxEvents: 5, maxBytes: 1e6 });
      expect(events[0]?.seq).toBe(expected);
      expected = cursor.position;
    }
    await log.close();
  });

  test("rotates between keyframes, and still decodes what comes after", async () => {
    const parameterCount = 40;
    const log = await SessionLog.create({
      header: buildHeader({ parameterCount }),
      temporary: true,
      folder,
      bound,
    });
    const encoder = new WeightEncoder(parameterCount, 1000);
    for (let step = 0; step < 20; step++) {
      log.append(1, step, { weights: encoder.encode(thetaAt(step, parameterCount)) });
      log.append(2, step, { bytes: new Uint8Array(10_000) });
      await log.flush();
    }
    expect(log.status.earliestSeq).toBeGreaterThan(0);
    expect(await log.weights(19)).toEqual({ found: true, theta: thetaAt(19, parameterCount) });
    await log.close();
  });
});
