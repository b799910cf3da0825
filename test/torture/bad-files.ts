/** Files that are no recordings, or nearly: never a crash, always the right code, and no more memory than the file is long. */
import { crc32 } from "node:zlib";
import { createRandom, type Random } from "../../server/numerics/random.ts";
import { RecordingError } from "../../server/recording/recording-error.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { makeVictims, openBytes, type Victim } from "./victim.ts";

export const badFiles: Check = {
  name: "recording/bad-files",
  unit: "files",
  fast: 5000,
  full: 500_000,
  must: "0 crashes, the right code",
  run,
};

type Code = RecordingError["code"];

interface BadFile {
  readonly bytes: Buffer;
  readonly what: string;
  /** What may be said of it; "opens": it is a recording, of a prefix of the victim's events. */
  readonly allowed: readonly (Code | "opens")[];
  /** Are its checksums right all the same, so that it may say what it likes? */
  readonly isForged?: boolean;
}

const MAGIC_BYTES = 8;

const KINDS: readonly ((victim: Victim, random: Random) => BadFile)[] = [
  noise,
  noiseAfterMagic,
  manyBits,
  lyingLength,
  splice,
  otherHeader,
  chunkWithRightChecksum,
];

async function run(count: number, seed: number): Promise<Outcome> {
  const random = createRandom(seed);
  const failures = new Failures();
  const victims = await makeVictims();
  const figures: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const victim = victims[i % victims.length] as Victim;
    const make = KINDS[Math.floor(i / victims.length) % KINDS.length] ?? noise;
    const file = make(victim, random);
    const fail = (sentence: string) => failures.add(`file ${i}, ${victim.kind}, ${file.what}: ${sentence}`);
    try {
      const said = await examine(victim, file, fail);
      figures[said] = (figures[said] ?? 0) + 1;
      if (!file.allowed.includes(said)) fail(`answered ${said}`);
    } catch (cause) {
      fail(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
    }
  }
  return { count, failures: failures.sentences, figures };
}

async function examine(
  victim: Victim,
  { bytes, isForged }: BadFile,
  fail: (sentence: string) => void,
): Promise<Code | "opens"> {
  try {
    const { session, largestRead } = await openBytes(bytes);
    if (largestRead > bytes.byteLength) fail(`${largestRead} bytes were allocated for ${bytes.byteLength}`);
    const events = fingerprints(await readAll(session));
    if (isForged === true) return "opens";
    const differs = events.findIndex((event, seq) => event !== victim.events[seq]);
    if (differs >= 0) fail(`event ${differs} is "${events[differs]}"`);
    return "opens";
  } catch (cause) {
    if (cause instanceof RecordingError) return cause.code;
    throw cause;
  }
}

function noise(_victim: Victim, random: Random): BadFile {
  return { bytes: randomBytes(random, random.integer(2000)), what: "noise", allowed: ["not-a-recording"] };
}

function noiseAfterMagic({ bytes }: Victim, random: Random): BadFile {
  const noise = randomBytes(random, random.integer(500));
  return {
    bytes: Buffer.concat([bytes.subarray(0, MAGIC_BYTES), noise]),
    what: `the magic, then ${noise.byteLength} bytes of noise`,
    allowed: ["cut", "not-a-recording"],
  };
}

function manyBits({ bytes }: Victim, random: Random): BadFile {
  const bent = Buffer.from(bytes);
  const count = 2 + random.integer(200);
  for (let i = 0; i < count; i++) {
    const at = random.integer(bent.byteLength);
    bent[at] = (bent[at] as number) ^ (1 << random.integer(8));
  }
  return { bytes: bent, what: `${count} bits bent`, allowed: ["opens", "not-a-recording", "cut", "damaged"] };
}

/** A record says that it is longer than the file, or than any memory. */
function lyingLength({ bytes }: Victim, random: Random): BadFile {
  const lying = Buffer.from(bytes);
  const at = random.integer(lying.byteLength - 9);
  lying.writeBigUInt64LE(2n ** BigInt(20 + random.integer(44)) - BigInt(random.integer(3)), at + 1);
  return {
    bytes: lying,
    what: `a length written at byte ${at}`,
    allowed: ["opens", "not-a-recording", "cut", "damaged"],
  };
}

/** A piece cut out, or written twice. */
function splice({ bytes }: Victim, random: Random): BadFile {
  const [from, to] = [random.integer(bytes.byteLength), random.integer(bytes.byteLength)];
  return {
    bytes: Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]),
    what: `${from} bytes, then those from ${to} on`,
    allowed: ["opens", "not-a-recording", "cut", "damaged"],
  };
}

/** The session's header with one of its characters replaced, and the right checksum: what it says must be looked at. */
function otherHeader({ bytes }: Victim, random: Random): BadFile {
  const changed = Buffer.from(bytes);
  const headerEnd = MAGIC_BYTES + 9 + Number(changed.readBigUInt64LE(MAGIC_BYTES + 1));
  const start = headerEnd + 9;
  const crcAt = start + Number(changed.readBigUInt64LE(headerEnd + 1)) - 4;
  const at = start + 70 + random.integer(crcAt - start - 70);
  changed[at] = 0x20 + random.integer(0x5f);
  changed.writeUInt32LE(crc32(changed.subarray(start, crcAt)), crcAt);
  return {
    bytes: changed,
    what: `byte ${at} of the header replaced, with its checksum`,
    allowed: ["opens", "not-a-recording", "newer-version", "damaged"],
    isForged: true,
  };
}

/** A chunk with one byte replaced and the right checksum: structure and numbers must hold all the same. */
function chunkWithRightChecksum({ bytes }: Victim, random: Random): BadFile {
  const changed = Buffer.from(bytes);
  const chunks = chunkPlaces(changed);
  const { start, end } = chunks[random.integer(chunks.length)] as { start: number; end: number };
  const recordsAt = start + 49;
  const at = recordsAt + random.integer(end - recordsAt);
  changed[at] = random.integer(256);
  changed.writeUInt32LE(crc32(changed.subarray(recordsAt, end)), start + 33);
  return {
    bytes: changed,
    what: `byte ${at} of a chunk replaced, with its checksum`,
    allowed: ["opens", "damaged"],
    isForged: true,
  };
}

function chunkPlaces(bytes: Buffer): { start: number; end: number }[] {
  const places: { start: number; end: number }[] = [];
  for (let at = MAGIC_BYTES; at + 9 < bytes.byteLength; ) {
    const end = at + 9 + Number(bytes.readBigUInt64LE(at + 1));
    if (bytes[at] === 0x06) places.push({ start: at, end });
    at = end;
  }
  return places;
}

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.integer(256)));
}
