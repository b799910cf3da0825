/** Where two sessions differ: their samples, by channel and step, to the last bit. Times do not count, nor does what watching cost. */
import type { SessionHeader } from "../../shared/header.ts";
import type { Session, SessionEvent } from "./session.ts";

export interface SampleDifference {
  readonly step: number;
  /** The value as text, shortened; null where the session has no such sample. */
  readonly a: string | null;
  readonly b: string | null;
}

export interface ChannelDiff {
  readonly channel: string;
  readonly equal: number;
  readonly different: number;
  readonly onlyInA: number;
  readonly onlyInB: number;
  /** The first few, in order of steps. */
  readonly first: readonly SampleDifference[];
}

/** A part of the two headers that should be the same if equal samples are expected. */
export interface SetupDifference {
  readonly part: string;
  readonly a: string;
  readonly b: string;
}

export interface SessionDiff {
  /** No sample differs. */
  readonly isEqual: boolean;
  readonly channels: readonly ChannelDiff[];
  readonly setup: readonly SetupDifference[];
  /** Of a fork and its parent, or of two forks of one parent: the step after which both can have samples. Else null. */
  readonly afterStep: number | null;
}

export interface DiffOptions {
  /** How many differences of a channel to list; all are counted. */
  readonly listed?: number;
}

const EXCEPTED: ReadonlySet<string> = new Set(["run/overhead"]);
const SETUP_PARTS = [
  "config",
  "seeds",
  "loss",
  "parameters",
  "probe",
  "train",
  "optimizer",
  "steps",
  "weightsEvery",
  "backend",
  "versions",
] as const;
const BATCH = { maxEvents: 512, maxBytes: 2 ** 20 } as const;
const TEXT_LENGTH = 120;
const LISTED = 5;

/** Compares what both hold now. Memory: a batch of samples of each, whatever their length. */
export async function diffSessions(a: Session, b: Session, options: DiffOptions = {}): Promise<SessionDiff> {
  const names = new Set([...a.header.channels, ...b.header.channels].map(({ name }) => name));
  const channels: ChannelDiff[] = [];
  const afterStep = commonStep(a.header, b.header);
  for (const name of names) {
    if (!EXCEPTED.has(name))
      channels.push(await diffChannel([a, b], name, options.listed ?? LISTED, afterStep));
  }
  const isEqual = channels.every(({ different, onlyInA, onlyInB }) => different + onlyInA + onlyInB === 0);
  return { isEqual, channels, setup: diffSetup(a.header, b.header), afterStep };
}

function commonStep(a: SessionHeader, b: SessionHeader): number | null {
  if (a.fork?.session === b.id) return a.fork.step;
  if (b.fork?.session === a.id) return b.fork.step;
  const isOneParent = a.fork !== undefined && a.fork.session === b.fork?.session;
  return isOneParent ? Math.max(a.fork?.step ?? 0, b.fork?.step ?? 0) : null;
}

async function diffChannel(
  [a, b]: readonly [Session, Session],
  channel: string,
  listed: number,
  afterStep: number | null,
): Promise<ChannelDiff> {
  const counts = { equal: 0, different: 0, onlyInA: 0, onlyInB: 0 };
  const first: SampleDifference[] = [];
  const fromA = samplesOf(a, channel, afterStep);
  const fromB = samplesOf(b, channel, afterStep);
  let inA = await nextOf(fromA);
  let inB = await nextOf(fromB);
  while (inA !== undefined || inB !== undefined) {
    // Of two different steps, the earlier one is missing on the other side.
    const left = inA !== undefined && inA.step <= (inB?.step ?? Number.POSITIVE_INFINITY) ? inA : undefined;
    const right = inB !== undefined && inB.step <= (inA?.step ?? Number.POSITIVE_INFINITY) ? inB : undefined;
    const kind = kindOf(left, right);
    counts[kind]++;
    if (kind !== "equal" && first.length < listed) first.push(describe(left, right));
    if (left !== undefined) inA = await nextOf(fromA);
    if (right !== undefined) inB = await nextOf(fromB);
  }
  return { channel, ...counts, first };
}

function kindOf(
  a: SessionEvent | undefined,
  b: SessionEvent | undefined,
): "equal" | "different" | "onlyInA" | "onlyInB" {
  if (a === undefined) return "onlyInB";
  if (b === undefined) return "onlyInA";
  return areEqual(a, b) ? "equal" : "different";
}

function areEqual(a: SessionEvent, b: SessionEvent): boolean {
  if (a.data === undefined || b.data === undefined) return a.json === b.json && a.data === b.data;
  return Buffer.compare(bytesOf(a.data), bytesOf(b.data)) === 0;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

async function* samplesOf(
  session: Session,
  channel: string,
  afterStep: number | null,
): AsyncGenerator<SessionEvent, undefined> {
  const index = session.header.channels.findIndex(({ name }) => name === channel);
  if (index === -1) return;
  const { headSeq, earliestSeq } = session.status;
  const cursor = session.cursor({ channels: new Set([index]), from: earliestSeq });
  try {
    while (cursor.position <= headSeq) {
      for (const event of await cursor.read(BATCH)) {
        if (event.seq <= headSeq && event.step > (afterStep ?? -1)) yield event;
      }
    }
  } finally {
    cursor.close();
  }
}

async function nextOf(samples: AsyncGenerator<SessionEvent, undefined>): Promise<SessionEvent | undefined> {
  return (await samples.next()).value;
}

function describe(a: SessionEvent | undefined, b: SessionEvent | undefined): SampleDifference {
  const step = (a ?? b)?.step ?? -1;
  const at = a?.data !== undefined && b?.data !== undefined ? firstDifference(a.data, b.data) : 0;
  return { step, a: a === undefined ? null : textOf(a, at), b: b === undefined ? null : textOf(b, at) };
}

/** Where two arrays differ first, by bits; the shorter one's length when one is the start of the other. */
function firstDifference(a: Float32Array | Uint8Array, b: Float32Array | Uint8Array): number {
  const inA = bitsOf(a);
  const inB = bitsOf(b);
  const at = inA.findIndex((bits, i) => bits !== inB[i]);
  return at === -1 ? inA.length : at;
}

function bitsOf(data: Float32Array | Uint8Array): Uint32Array | Uint8Array {
  return data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data;
}

function textOf({ json, data }: SessionEvent, at: number): string {
  if (data !== undefined) {
    return at < data.length
      ? `[${at}] = ${data[at]} (0x${bitsOf(data)[at]?.toString(16)})`
      : `${data.length} values`;
  }
  return shortened(json ?? "");
}

function shortened(text: string): string {
  return text.length > TEXT_LENGTH ? `${text.slice(0, TEXT_LENGTH - 1)}…` : text;
}

function diffSetup(a: SessionHeader, b: SessionHeader): SetupDifference[] {
  const inA = setupOf(a);
  const inB = setupOf(b);
  return [...new Set([...inA.keys(), ...inB.keys()])].flatMap((part) => {
    const left = inA.get(part) ?? "absent";
    const right = inB.get(part) ?? "absent";
    return left === right ? [] : [{ part, a: shortened(left), b: shortened(right) }];
  });
}

/** By dotted name, one level deep: "config.learningRate" → JSON text. */
function setupOf(header: SessionHeader): Map<string, string> {
  const { every, bestEffort } = header.schedule;
  // What the intervals are matters; what was measured to choose them is a time.
  const parts: Record<string, unknown> = { schedule: { every, bestEffort } };
  for (const part of SETUP_PARTS) parts[part] = header[part];
  const texts = Object.entries(parts).flatMap(([part, value]): [string, string][] => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return [[part, JSON.stringify(value)]];
    return Object.entries(value).map(([key, inner]) => [`${part}.${key}`, JSON.stringify(inner) ?? "absent"]);
  });
  return new Map(texts);
}
