/** What a reader makes of files that were cut, bent or never ours. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { McapStreamReader } from "@mcap/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BlockFile } from "../../server/recording/block-file.ts";
import { encodeFront } from "../../server/recording/mcap-front.ts";
import { scanRecording } from "../../server/recording/mcap-reader.ts";
import { RecordingError } from "../../server/recording/recording-error.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording, RecordedSession } from "../../server/session/recorded-session.ts";
import type { SessionHeader } from "../../shared/header.ts";
import { buildHeader } from "../support/build-header.ts";
import { MemoryFile } from "../support/memory-file.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { appendSteps } from "../support/write-steps.ts";

let folder: string;
/** Not finished: 5 chunks, as kill -9 leaves them. And the same events, finished. */
let unfinished: Buffer;
let finished: Buffer;
let unfinishedEvents: string[];
let finishedEvents: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-damage-"));
  for (const kind of ["unfinished", "finished"] as const) {
    const path = join(folder, `${kind}.mcap`);
    const log = await SessionLog.create({ header: buildHeader(), path });
    await appendSteps(log, 29);
    const events = fingerprints(await readAll(log));
    if (kind === "finished") await log.finish("finished");
    await log.close();
    const bytes = await readFile(path);
    if (kind === "finished") [finished, finishedEvents] = [bytes, events];
    else [unfinished, unfinishedEvents] = [bytes, events];
  }
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function open(bytes: Uint8Array): Promise<RecordedSession> {
  const file = new MemoryFile(bytes);
  const scan = await scanRecording(file, "x.mcap", bytes.byteLength);
  expect(file.largestRead).toBeLessThanOrEqual(bytes.byteLength);
  return new RecordedSession(new BlockFile("x.mcap", file, scan.spans), scan);
}

/** The session in these bytes, or the error they deserve; any other error fails the test. */
async function tryOpen(bytes: Uint8Array): Promise<RecordedSession | RecordingError> {
  try {
    return await open(bytes);
  } catch (cause) {
    if (cause instanceof RecordingError) return cause;
    throw cause;
  }
}

/** By the reference reader: how many messages stand whole in these bytes. */
function countByReference(bytes: Uint8Array): number {
  const reader = new McapStreamReader({ validateCrcs: true });
  reader.append(bytes);
  let count = 0;
  for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
    if (record.type === "Message") count++;
  }
  return count;
}

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[at] = (changed[at] as number) ^ (1 << bit);
  return changed;
}

describe("a recording cut anywhere", () => {
  test("gives exactly the events whose chunks are whole, as the reference reader counts them", async () => {
    const seen = new Set<number>();
    for (let length = 0; length <= unfinished.byteLength; length += length < 3000 ? 37 : 5) {
      const bytes = unfinished.subarray(0, length);
      const session = await tryOpen(bytes);
      if (session instanceof RecordingError) {
        expect(length).toBeLessThan(4000);
        expect(session.code).toBe(length === 0 ? "not-a-recording" : "cut");
        continue;
      }
      expect(session.status.headSeq + 1).toBe(countByReference(bytes));
      expect(session.status).toMatchObject({ state: "ended", reason: "interrupted" });
      seen.add(session.status.headSeq);
    }
    expect(seen.size).toBe(6);
  });

  test("gives them unchanged", async () => {
    const lengths = fc.integer({ min: 4000, max: unfinished.byteLength });
    await fc.assert(
      fc.asyncProperty(lengths, async (length) => {
        const session = await open(unfinished.subarray(0, length));
        const events = fingerprints(await readAll(session));
        expect(events).toEqual(unfinishedEvents.slice(0, events.length));
        expect(events).toHaveLength(session.status.headSeq + 1);
      }),
      { numRuns: 100 },
    );
    expect(fingerprints(await readAll(await open(unfinished)))).toEqual(unfinishedEvents);
  });

  test("keeps its reason when only the summary is gone", async () => {
    const whole = await open(finished);
    expect(whole.status.reason).toBe("finished");
    expect(whole.fault).toBeNull();
    const footerless = await open(finished.subarray(0, finished.byteLength - 8));
    expect(footerless.status).toEqual(whole.status);
  });
});

describe("a bent bit", () => {
  test.each(["unfinished", "finished"] as const)("never alters an event silently (%s)", async (kind) => {
    const bytes = kind === "finished" ? finished : unfinished;
    const all = kind === "finished" ? finishedEvents : unfinishedEvents;
    let refused = 0;
    let shortened = 0;
    for (let at = 0; at < bytes.byteLength; at += 17) {
      const session = await tryOpen(flipped(bytes, at, at % 8));
      if (session instanceof RecordingError) {
        refused++;
        continue;
      }
      expect(session.header).toEqual(buildHeader());
      const events = fingerprints(await readAll(session));
      expect(events).toEqual(all.slice(0, events.length));
      if (session.status.reason !== "finished") expect(session.status.reason).toBe("interrupted");
      else expect(events).toEqual(all);
      if (events.length < all.length) {
        shortened++;
        expect(session.fault).not.toBeNull();
      }
    }
    expect(refused).toBeGreaterThan(50);
    expect(shortened).toBeGreaterThan(50);
  });

  test("that makes an index an end of the data is noticed", async () => {
    const at = unfinished.indexOf(Buffer.of(0x07, 22, 0, 0, 0, 0, 0, 0, 0));
    expect(at).toBeGreaterThan(0);
    const session = await open(flipped(unfinished, at, 3));
    expect(session.status.headSeq).toBeLessThan(unfinishedEvents.length - 1);
    expect(session.fault).toBe(`the end of the data inside the session at byte ${at}`);
  });

  test("that comes after opening is noticed when the events are read", async () => {
    const file = new MemoryFile(unfinished);
    const scan = await scanRecording(file, "x.mcap", unfinished.byteLength);
    const session = new RecordedSession(new BlockFile("x.mcap", file, scan.spans), scan);
    const at = file.bytes.indexOf('"top"');
    file.bytes[at] = 0;
    await expect(readAll(session)).rejects.toMatchObject({ code: "damaged" });
  });
});

describe("a tail that is not ours", () => {
  test("of zeros, as a power cut may leave it, or of garbage, is left out", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.boolean(),
        async (garbage, isZero) => {
          const session = await open(Buffer.concat([unfinished, isZero ? garbage.fill(0) : garbage]));
          expect(session.status.headSeq).toBe(unfinishedEvents.length - 1);
          expect(session.fault).not.toBeNull();
        },
      ),
      { numRuns: 200 },
    );
  });

  test("with a length that lies does not make us allocate it", async () => {
    const lie = Buffer.alloc(200);
    lie[0] = 0x06;
    lie.writeBigUInt64LE(2n ** 62n, 1);
    const session = await open(Buffer.concat([unfinished, lie]));
    expect(session.fault).toBe(`the end of the file inside a record at byte ${unfinished.byteLength}`);
  });
});

describe("a file that is no recording is refused in one sentence", () => {
  async function refusal(name: string, bytes: Uint8Array | string): Promise<RecordingError> {
    const path = join(folder, name);
    await writeFile(path, bytes);
    const error = await openRecording(path).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(RecordingError);
    return error as RecordingError;
  }

  test("when it is something else", async () => {
    const zip = await refusal("a.zip", "PK\u0003\u0004 and so on");
    expect(zip.code).toBe("not-a-recording");
    expect(zip.message).toBe(
      `${join(folder, "a.zip")}: expected a recording (MCAP), got a file that begins with 504b030420616e64`,
    );
    expect((await refusal("empty.mcap", "")).message).toContain("got an empty file");
    const foreign = Buffer.from(finished);
    foreign.write("ros2   ", foreign.indexOf("thalweg"));
    const other = await refusal("ros.mcap", foreign);
    expect(other.code).toBe("not-a-recording");
    expect(other.message).toContain('expected an MCAP file of profile "thalweg", got profile "ros2   "');
  });

  test("when it is not there, or is a folder", async () => {
    const missing = join(folder, "none.mcap");
    await expect(openRecording(missing)).rejects.toMatchObject({
      code: "not-found",
      message: `${missing}: there is no such file or folder`,
    });
    await expect(openRecording(folder)).rejects.toMatchObject({ code: "not-a-recording" });
  });

  const headed = (changes: object) =>
    encodeFront({ ...buildHeader(), ...changes } as SessionHeader, null).bytes;

  test("when its header cannot be of any run", async () => {
    const theta = (shape: readonly number[], offset = 0) => ({ name: "w", layer: "l", shape, offset });
    const wrong: [object, string][] = [
      [{ parameterCount: -1 }, "parameterCount"],
      [{ parameterCount: 1e8 }, "parameters"],
      [{ parameters: [theta([2, 2]), theta([2], 5)] }, "parameters"],
      [{ parameters: [theta([-2, -3])] }, "parameters.0.shape.0"],
      [{ parameterCount: 2 ** 40, parameters: [theta([2 ** 20, 2 ** 20])] }, "parameterCount"],
      [{ startedAtMs: 1e15 }, "startedAtMs"],
      [{ startedAtMs: -1 }, "startedAtMs"],
    ];
    for (const [changes, field] of wrong) {
      const { code, message } = await refusal("elsewhere.mcap", headed(changes));
      expect([changes, code, message]).toEqual([
        changes,
        "not-a-recording",
        expect.stringContaining(`: ${field}: `),
      ]);
    }
  });

  test("and says what was expected", async () => {
    const { message } = await refusal("elsewhere.mcap", headed({ startedAtMs: -1 }));
    expect(message).toBe(
      `${join(folder, "elsewhere.mcap")}: startedAtMs: Too small: expected number to be >=0`,
    );
  });

  test("and one whose words would steer a terminal is read without what would", async () => {
    const path = join(folder, "coloured.mcap");
    const name = "\u001b[31mred\u009b0m\n";
    const versions = { "a\u001bb": "1\u0007" };
    await writeFile(path, headed({ name, versions, loss: { name, formula: "½ (f − y)²" } }));
    const session = await openRecording(path);
    await session.close();
    const { header } = session;
    expect(header.name).toBe("\ufffd[31mred\ufffd0m\ufffd");
    expect(header.versions).toEqual({ "a\ufffdb": "1\ufffd" });
    expect(header.loss).toEqual({ name: header.name, formula: "½ (f − y)²" });
    const foreign = Buffer.from(finished);
    foreign.write("\u001b[31m", foreign.indexOf("thalweg"));
    expect((await refusal("red.mcap", foreign)).message).not.toMatch(/\p{Cc}/u);
  });

  test("when a newer version wrote it", async () => {
    const path = join(folder, "newer.mcap");
    await writeFile(path, headed({ formatVersion: 2 }));
    await expect(openRecording(path)).rejects.toMatchObject({
      code: "newer-version",
      message: `${path}: expected format version 1, got 2; update thalweg to read it`,
    });
  });
});
