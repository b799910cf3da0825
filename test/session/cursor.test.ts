import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import type { Session, SessionEvent } from "../../server/session/session.ts";
import { buildHeader } from "../support/build-header.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { allChannels, appendSteps, thetaAt } from "../support/write-steps.ts";

let folder: string;
let live: SessionLog;
let recorded: Session;
let all: SessionEvent[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-cursor-"));
  const path = join(folder, "a.mcap");
  live = await SessionLog.create({ header: buildHeader(), path });
  await appendSteps(live, 80);
  // A measurement comes in late, as those of another thread do; the log keeps the order in which they came.
  live.append(3, 50, { json: "1" });
  await live.flush();
  all = await readAll(live);
  // Read where it is still a row of small chunks, and from the same state in a second session.
  recorded = await openRecording(path);
});
afterAll(async () => {
  await recorded.close();
  await live.close();
  await rm(folder, { recursive: true });
});

describe.each(["live", "recorded"] as const)("a cursor on a %s session", (kind) => {
  const session = (): Session => (kind === "live" ? live : recorded);

  test("gives the chosen channels from anywhere, every n-th step and whatever has no step", async () => {
    const options = fc.record({
      channels: fc.uniqueArray(fc.integer({ min: 0, max: 5 })),
      from: fc.integer({ min: 0, max: all.length + 3 }),
      every: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      maxEvents: fc.integer({ min: 1, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(options, async ({ channels, from, every, maxEvents }) => {
        const chosen = { channels: new Set(channels), from, ...(every === undefined ? {} : { every }) };
        const cursor = session().cursor(chosen);
        const events: SessionEvent[] = [];
        while (cursor.position <= session().status.headSeq) {
          const read = await cursor.read({ maxEvents, maxBytes: 1e6 });
          expect(read.length).toBeLessThanOrEqual(maxEvents);
          events.push(...read);
        }
        const expected = all.filter(
          ({ seq, channel, step }) =>
            seq >= from && channels.includes(channel) && (channel >= 4 || step % (every ?? 1) === 0),
        );
        expect(fingerprints(events)).toEqual(fingerprints(expected));
      }),
      { numRuns: 60 },
    );
  });

  test("seeks back and forth, decoding weights right wherever it lands", async () => {
    const weights = all.filter(({ channel }) => channel === 1);
    const cursor = session().cursor({ channels: new Set([1]), from: 0 });
    const jumps = fc.array(fc.tuple(fc.nat({ max: weights.length - 1 }), fc.integer({ min: 1, max: 5 })));
    await fc.assert(
      fc.asyncProperty(jumps, async (places) => {
        for (const [i, count] of places) {
          cursor.seek(weights[i]?.seq ?? 0);
          const events = await cursor.read({ maxEvents: count, maxBytes: 1e6 });
          expect(fingerprints(events)).toEqual(fingerprints(weights.slice(i, i + count)));
        }
      }),
      { numRuns: 40 },
    );
  });

  test("keeps to its byte bound, but always gives at least one event", async () => {
    const cursor = session().cursor({ channels: new Set([1]), from: 0 });
    const bytes = 4 * session().header.parameterCount;
    expect(await cursor.read({ maxEvents: 100, maxBytes: 1 })).toHaveLength(1);
    expect(await cursor.read({ maxEvents: 100, maxBytes: 3 * bytes })).toHaveLength(3);
    expect(await cursor.read({ maxEvents: 100, maxBytes: 3 * bytes + 1 })).toHaveLength(3);
    const [next] = await cursor.read({ maxEvents: 1, maxBytes: 1e6 });
    expect(next?.step).toBe(7);
  });

  test("leaves a read that a seek overtook without effect", async () => {
    const cursor = session().cursor({ channels: allChannels, from: 0 });
    const overtaken = cursor.read({ maxEvents: 10, maxBytes: 1e6 });
    cursor.seek(30);
    expect(await overtaken).toEqual([]);
    expect(cursor.position).toBe(30);
    const [event] = await cursor.read({ maxEvents: 1, maxBytes: 1e6 });
    expect(event?.seq).toBe(30);
  });

  test("gives nothing after it was closed", async () => {
    const cursor = session().cursor({ channels: allChannels, from: 0 });
    const underWay = cursor.read({ maxEvents: 10, maxBytes: 1e6 });
    cursor.close();
    expect(await underWay).toEqual([]);
    expect(await cursor.read({ maxEvents: 10, maxBytes: 1e6 })).toEqual([]);
  });

  test("refuses two reads at once, and positions that are none", async () => {
    const cursor = session().cursor({ channels: allChannels, from: 0 });
    const first = cursor.read({ maxEvents: 1, maxBytes: 1 });
    await expect(cursor.read({ maxEvents: 1, maxBytes: 1 })).rejects.toThrow("still under way");
    await first;
    expect(() => cursor.seek(-1)).toThrow("seq: expected an integer ≥ 0, got -1");
    expect(() => session().cursor({ channels: allChannels, from: 0.5 })).toThrow("from: expected");
    expect(() => session().cursor({ channels: allChannels, from: 0, every: 0 })).toThrow("every: expected");
  });

  test("the first seq at or after each step is found", async () => {
    for (let step = 0; step < 85; step++) {
      const expected = all.find((event) => event.step >= step)?.seq ?? session().status.headSeq + 1;
      expect(await session().seqOfStep(step)).toBe(expected);
    }
  });

  test("θ of each recorded step is found, bit by bit", async () => {
    for (const step of [0, 1, 15, 16, 17, 47, 79]) {
      expect(await session().weights(step)).toEqual({ found: true, theta: thetaAt(step, 6) });
    }
    expect(await session().weights(80)).toEqual({ found: false, nearest: [79] });
  });
});

test("steps whose weights are not recorded name their neighbours", async () => {
  const log = await SessionLog.create({ header: buildHeader(), path: join(folder, "sparse.mcap") });
  expect(await log.weights(0)).toEqual({ found: false, nearest: [] });
  const encoder = new WeightEncoder(6);
  for (const step of [10, 20, 30]) log.append(1, step, { weights: encoder.encode(thetaAt(step, 6)) });
  await log.flush();
  expect(await log.weights(20)).toMatchObject({ found: true });
  expect(await log.weights(5)).toEqual({ found: false, nearest: [10] });
  expect(await log.weights(25)).toEqual({ found: false, nearest: [20, 30] });
  await log.close();
});

test("a cursor that follows a growing log misses nothing and repeats nothing", async () => {
  const log = await SessionLog.create({ header: buildHeader(), path: join(folder, "growing.mcap") });
  const encoder = new WeightEncoder(6);
  const cursor = log.cursor({ channels: allChannels, from: 0 });
  const steps: number[] = [];
  for (let step = 0; step < 100; step++) {
    log.append(1, step, { weights: encoder.encode(thetaAt(step, 6)) });
    log.append(0, step, { json: "1" });
    if (step % 3 === 0) await log.flush();
    for (const event of await cursor.read({ maxEvents: 2, maxBytes: 1e6 })) {
      if (event.channel === 1) expect(event.data).toEqual(thetaAt(event.step, 6));
      else steps.push(event.step);
    }
  }
  await log.finish("finished");
  while (cursor.position <= log.status.headSeq) {
    for (const { channel, step } of await cursor.read({ maxEvents: 7, maxBytes: 1e6 }))
      if (channel === 0) steps.push(step);
  }
  expect(steps).toEqual(Array.from({ length: 100 }, (_, step) => step));
  await log.close();
});

test("a long stretch without a chosen event is passed in pieces", async () => {
  const log = await SessionLog.create({ header: buildHeader(), path: join(folder, "long.mcap") });
  log.append(0, 0, { json: "0" });
  for (let step = 1; step <= 40; step++) log.append(2, step, { bytes: new Uint8Array(300_000) });
  log.append(0, 41, { json: "41" });
  await log.flush();
  const cursor = log.cursor({ channels: new Set([0]), from: 1 });
  const first = await cursor.read({ maxEvents: 10, maxBytes: 1e6 });
  expect(first).toEqual([]);
  expect(cursor.position).toBeGreaterThan(1);
  expect(cursor.position).toBeLessThan(log.status.headSeq);
  const events: SessionEvent[] = [];
  while (cursor.position <= log.status.headSeq)
    events.push(...(await cursor.read({ maxEvents: 10, maxBytes: 1e6 })));
  expect(events.map(({ step }) => step)).toEqual([41]);
  await log.close();
});
