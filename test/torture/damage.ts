/** A recording that was cut, bent in one bit, or whose end a power cut has turned into zeros: what is read is a prefix of what was written. */
import { McapStreamReader } from "@mcap/core";
import { createRandom, type Random } from "../../server/numerics/random.ts";
import { RecordingError } from "../../server/recording/recording-error.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { makeVictims, openBytes, type Victim } from "./victim.ts";

export interface Harm {
  readonly bytes: Uint8Array;
  /** In words, and enough to do it again. */
  readonly what: string;
}

/** @param share  how far the check has come, from 0 to below 1. */
export type Inflict = (victim: Victim, random: Random, share: number) => Harm;

const prefixOnly = "a prefix, bit for bit; no crash";

export const truncation = damage({ name: "recording/cut", unit: "files", fast: 10_000, full: 100_000 }, cut);
export const bitFlips = damage(
  { name: "recording/bit-flips", unit: "files", fast: 5000, full: 100_000 },
  flip,
);
export const zeroTails = damage(
  { name: "recording/zero-tails", unit: "files", fast: 1000, full: 10_000 },
  zeroTail,
);

/** Evenly from nothing to everything: with as many cuts as bytes, at each of them. */
export function cut({ bytes }: Victim, _random: Random, share: number): Harm {
  const length = Math.floor(share * (bytes.byteLength + 1));
  return { bytes: bytes.subarray(0, length), what: `cut to ${length} bytes` };
}

export function flip({ bytes }: Victim, random: Random): Harm {
  const changed = Uint8Array.from(bytes);
  const at = random.integer(bytes.byteLength);
  const bit = random.integer(8);
  changed[at] = (changed[at] as number) ^ (1 << bit);
  return { bytes: changed, what: `bit ${bit} of byte ${at} flipped` };
}

/** From some byte on zeros, to the old end and up to a page beyond it. */
export function zeroTail({ bytes }: Victim, random: Random): Harm {
  const from = random.integer(bytes.byteLength + 1);
  const length = bytes.byteLength + random.integer(4097);
  const changed = new Uint8Array(length);
  changed.set(bytes.subarray(0, from));
  return { bytes: changed, what: `zeros from byte ${from} to ${length}` };
}

function damage(about: Pick<Check, "name" | "unit" | "fast" | "full">, inflict: Inflict): Check {
  return {
    ...about,
    must: prefixOnly,
    run: (count, seed) => run(count, seed, inflict),
  };
}

async function run(count: number, seed: number, inflict: Inflict): Promise<Outcome> {
  const random = createRandom(seed);
  const failures = new Failures();
  const victims = await makeVictims();
  const found = { refused: 0, shortened: 0, whole: 0 };
  for (let i = 0; i < count; i++) {
    const victim = victims[i % victims.length] as Victim;
    const harm = inflict(victim, random, i / count);
    try {
      found[await examine(victim, harm, failures)]++;
    } catch (cause) {
      failures.add(`${victim.kind}, ${harm.what}: ${cause instanceof Error ? cause.stack : String(cause)}`);
    }
  }
  return { count, failures: failures.sentences, figures: found };
}

async function examine(
  victim: Victim,
  { bytes, what }: Harm,
  failures: Failures,
): Promise<"refused" | "shortened" | "whole"> {
  const opened = await openBytes(bytes).catch((cause: unknown) => {
    if (cause instanceof RecordingError) return null;
    throw cause;
  });
  if (opened === null) return "refused";
  const { session, largestRead } = opened;
  const events = fingerprints(await readAll(session));
  const fail = (sentence: string) => failures.add(`${victim.kind}, ${what}: ${sentence}`);
  if (largestRead > bytes.byteLength) fail(`${largestRead} bytes were allocated for ${bytes.byteLength}`);
  const differs = events.findIndex((event, seq) => event !== victim.events[seq]);
  if (differs >= 0) fail(`event ${differs} is "${events[differs]}"`);
  if (session.status.headSeq !== events.length - 1)
    fail(`headSeq ${session.status.headSeq}, but ${events.length} events`);
  const isWhole = events.length === victim.events.length;
  if (!isWhole && session.fault === null)
    fail(`${events.length} of ${victim.events.length} events, and no fault is named`);
  // Strict readers refuse what ours does without, such as a bent index: only of cuts do both know exactly as much.
  const whole =
    bytes.byteLength < victim.bytes.byteLength && isPrefix(bytes, victim.bytes) ? wholeMessages(bytes) : null;
  if (whole !== null && events.length !== whole)
    fail(`${events.length} events, the reference reader finds ${whole}`);
  return isWhole ? "whole" : "shortened";
}

function isPrefix(bytes: Uint8Array, whole: Buffer): boolean {
  return whole.subarray(0, bytes.byteLength).equals(bytes);
}

/** By the reference reader: how many messages stand before the first byte that is wrong. */
function wholeMessages(bytes: Uint8Array): number {
  const reader = new McapStreamReader({ validateCrcs: true });
  reader.append(bytes);
  let count = 0;
  try {
    for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
      if (record.type === "Message") count++;
    }
  } catch {
    // Where it stops is all that is asked.
  }
  return count;
}
