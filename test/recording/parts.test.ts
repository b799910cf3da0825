/** A recording in several files is one session. */
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { McapIndexedReader } from "@mcap/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { firstPartOf, partPath } from "../../server/recording/part.ts";
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { buildHeader } from "../support/build-header.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { thetaAt } from "../support/write-steps.ts";

const PARAMETERS = 400;
const STEPS = 240;

let folder: string;
let path: string;
let live: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-parts-"));
  path = join(folder, "a.mcap");
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function record(end: "finished" | "interrupted"): Promise<void> {
  const header = buildHeader({ parameterCount: PARAMETERS });
  const log = await SessionLog.create({ header, path, partBytes: 40_000 });
  const encoder = new WeightEncoder(PARAMETERS);
  for (let step = 0; step < STEPS; step++) {
    log.append(0, step, { json: String(step) });
    log.append(1, step, { weights: encoder.encode(thetaAt(step, PARAMETERS)) });
    if (step % 5 === 0) await log.flush();
  }
  await log.flush();
  if (end === "finished") await log.finish("finished");
  live = fingerprints(await readAll(log));
  await log.close();
}

test("names of parts are made and known", () => {
  expect(partPath("x/a.mcap", 1)).toBe("x/a.mcap");
  expect(partPath("x/a.mcap", 12)).toBe("x/a.12.mcap");
  expect(firstPartOf("x/a.12.mcap")).toBe("x/a.mcap");
  for (const other of ["a.mcap", "a.1.mcap", "a.02.mcap", "a.2.mcap.tmp"])
    expect(firstPartOf(other)).toBeUndefined();
});

test.each(["finished", "interrupted"] as const)(
  "what was written in parts is read as one (%s)",
  async (end) => {
    await record(end);
    const files = (await readdir(folder)).sort();
    expect(files.length).toBeGreaterThan(2);
    const recorded = await openRecording(path);
    expect(recorded.status).toMatchObject({ reason: end, step: STEPS - 1, headSeq: 2 * STEPS - 1 });
    expect(recorded.fault === null).toBe(end === "finished");
    expect(fingerprints(await readAll(recorded))).toEqual(live);
    for (const step of [0, 17, 63, 64, STEPS - 1]) {
      expect(await recorded.weights(step)).toEqual({ found: true, theta: thetaAt(step, PARAMETERS) });
      expect(await recorded.seqOfStep(step)).toBe(2 * step);
    }
    await recorded.close();
  },
);

test("each part is an MCAP file of its own, from a keyframe on", async () => {
  await record("finished");
  let count = 0;
  for (const file of await readdir(folder)) {
    const bytes = await readFile(join(folder, file));
    const readable = {
      size: async () => BigInt(bytes.byteLength),
      read: async (offset: bigint, size: bigint) => bytes.subarray(Number(offset), Number(offset + size)),
    };
    const reader = await McapIndexedReader.Initialize({ readable });
    let firstWeights: Uint8Array | null = null;
    for await (const { channelId, data } of reader.readMessages()) {
      count++;
      if (channelId === 1) firstWeights ??= data.slice();
    }
    expect(firstWeights?.[5]).toBe(0);
  }
  expect(count).toBe(2 * STEPS);
});

test("a part that is opened by itself is refused, with the name of the first", async () => {
  await record("finished");
  await expect(openRecording(partPath(path, 2))).rejects.toMatchObject({
    code: "later-part",
    message: `${partPath(path, 2)}: expected the first part of a recording, got part 2; open ${path}`,
  });
});

test("what comes after a missing, foreign or damaged part is left out, and the reason said", async () => {
  await record("interrupted");
  const second = partPath(path, 2);
  const whole = await readFile(second);
  const first = await openFirst();
  expect(first.events).toEqual(live);

  await rm(second);
  const missing = await openFirst();
  expect(missing.fault).toBe(`${second}: there is no such file or folder`);
  expect(missing.reason).toBe("interrupted");
  expect(missing.events).toEqual(live.slice(0, missing.events.length));
  expect(missing.events.length).toBeGreaterThan(20);

  await copyFile(partPath(path, 3), second);
  const skipped = await openFirst();
  expect(skipped.fault).toMatch(/a\.2\.mcap goes on at seq \d+, expected \d+$/);
  expect(skipped.events).toEqual(missing.events);

  await writeFile(second, whole.subarray(0, whole.byteLength / 2));
  const cut = await openFirst();
  expect(cut.events.length).toBeGreaterThan(missing.events.length);
  expect(cut.events).toEqual(live.slice(0, cut.events.length));
  expect(cut.fault).toContain("a.3.mcap goes on at seq");
});

async function openFirst(): Promise<{ fault: string | null; reason: string | null; events: string[] }> {
  const session = await openRecording(path);
  const events = fingerprints(await readAll(session));
  await session.close();
  return { fault: session.fault, reason: session.status.reason, events };
}
