/** Re-derives random samples of every stream of a recording from the recorded θ, in float64 and without the engine. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { StreamDescriptor } from "../../shared/stream.ts";
import { decodeValue, type Json } from "../../shared/value.ts";
import { openRecording, type RecordedSession } from "../session/recorded-session.ts";
import { UserError } from "../training/user-error.ts";
import { CadenceCheck } from "./cadence.ts";
import type { CheckDefinition, Recorded, SharedFindings, StreamCheck } from "./check.ts";
import { CHECKS } from "./checks/index.ts";
import { Evidence, NotRecorded } from "./evidence.ts";
import { createHappenings, type Happenings } from "./happenings.ts";
import { checkHeader } from "./header.ts";
import { reportOf, type VerifyReport } from "./report.ts";
import { type Reservoir, Sampler } from "./sampler.ts";
import { Spectra } from "./spectra.ts";
import { Tally } from "./tally.ts";
import { reaches } from "./updates.ts";

export interface VerifyOptions {
  /** Samples of each stream; without it 20, and fewer of those that are dear to derive. */
  readonly samples?: number;
  /** Which ones. Default 1. */
  readonly seed?: number;
  /** Only these; the others are neither derived nor reported. Default: all. */
  readonly streams?: readonly string[];
  readonly onProgress?: (doing: string, done: number, of: number) => void;
}

const SAMPLES = 20;
const FEWEST_SAMPLES = 3;
/** Multiply-adds that a stream may take where nobody said how many samples: about half a minute. */
const WORK = 6e10;
const BATCH = { maxEvents: 1024, maxBytes: 2 ** 22 } as const;

/** One stream on its way through the log. */
interface Track {
  readonly descriptor: StreamDescriptor;
  readonly definition: CheckDefinition<unknown> | null;
  readonly check: StreamCheck<unknown>;
  readonly tally: Tally;
  readonly cadence: CadenceCheck;
  readonly drawn: Reservoir<unknown>;
  samples: number;
}

/** @throws {RecordingError} for a file that cannot be read. @throws {UserError} for a stream that is not in it. */
export async function verifyRecording(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { seed = 1, onProgress = () => undefined } = options;
  const session = await openRecording(path);
  try {
    onProgress("reading the data", 0, 1);
    const sha256 = await fileSha256(path);
    const evidence = await Evidence.of(session);
    const head = new Tally();
    checkHeader(evidence, head, session.fault);
    const tracks = startTracks(evidence, options, seed);
    const happenings = createHappenings(evidence.rates);
    await observeLog(session, evidence, tracks, happenings, (done) =>
      onProgress("reading the log", done, session.status.headSeq + 1),
    );
    const isComplete = session.status.reason === "finished";
    for (const { cadence, tally, descriptor } of tracks)
      if (descriptor.encoding !== "f32")
        cadence.finish(tally, happenings, isComplete ? session.status.step : null);
    const wanted = wantedOf(evidence, options.streams);
    for (const { channel } of CHECKS) {
      const track = tracks.find(({ descriptor }) => descriptor.name === channel);
      const serves = CHECKS.some((each) => each.after === channel && wanted.has(each.channel));
      if (track !== undefined && (wanted.has(channel) || serves)) await derive(track, evidence, onProgress);
    }
    const streams = [
      reportOf("header", {}, 1, head),
      ...tracks
        .filter(({ descriptor }) => wanted.has(descriptor.name))
        .map(({ descriptor, definition, samples, tally }) =>
          reportOf(
            descriptor.name,
            definition ?? { apart: ["there is no rule for this stream"] },
            samples,
            tally,
          ),
        ),
    ];
    return {
      path,
      sha256,
      session: session.header,
      status: session.status,
      seed,
      agrees: streams.every(({ verdict }) => verdict !== "differs"),
      streams,
    };
  } finally {
    await session.close();
  }
}

/** @throws {UserError} `settings` for a stream that the recording does not have. */
function wantedOf({ header }: Evidence, given: readonly string[] | undefined): ReadonlySet<string> {
  const names = header.channels.map(({ name }) => name);
  const unknown = given?.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new UserError("settings", `stream: expected one of ${names.join(", ")}, got ${unknown}`);
  return new Set(given ?? names);
}

function startTracks(evidence: Evidence, options: VerifyOptions, seed: number): Track[] {
  const sampler = new Sampler(seed, options.samples ?? null);
  const shared: SharedFindings = { spectra: new Spectra(evidence, sampler), modes: new Map() };
  return evidence.header.channels.map((descriptor): Track => {
    const definition = CHECKS.find(({ channel }) => channel === descriptor.name) ?? null;
    const tally = new Tally();
    return {
      descriptor,
      definition,
      tally,
      check: definition?.start({ evidence, tally, sampler, shared }) ?? {},
      // Of a stream without a rule it is not known whether it needs an update first.
      cadence: new CadenceCheck(
        descriptor,
        evidence.header,
        definition === null ? 1 : (definition.since ?? 0),
      ),
      drawn: sampler.reservoir(affordable(definition, evidence)),
      samples: 0,
    };
  });
}

function affordable(definition: CheckDefinition<unknown> | null, evidence: Evidence): number {
  const work = definition?.work?.(evidence) ?? 0;
  return Math.max(FEWEST_SAMPLES, Math.min(SAMPLES, Math.floor(WORK / Math.max(1, work))));
}

/** Every sample once, in the order of the log. θ is decoded when it is needed: here its steps count. */
async function observeLog(
  session: RecordedSession,
  evidence: Evidence,
  tracks: readonly Track[],
  happenings: Happenings,
  onProgress: (done: number) => void,
): Promise<void> {
  const light = tracks.flatMap(({ descriptor }, index) => (descriptor.encoding === "f32" ? [] : [index]));
  const cursor = session.cursor({ channels: new Set(light), from: 0 });
  while (cursor.position <= session.status.headSeq) {
    for (const { channel, step, json, data } of await cursor.read(BATCH)) {
      const track = tracks[channel] as Track;
      const value = json === undefined ? data : decodeValue(JSON.parse(json) as Json);
      observe(track, tracks, { channel: track.descriptor.name, step, value }, evidence, happenings);
    }
    onProgress(cursor.position);
  }
  cursor.close();
  const weights = tracks.find(({ descriptor }) => descriptor.encoding === "f32");
  if (weights === undefined) return;
  for (let step = 0; step <= evidence.lastStep; step++) {
    if (!evidence.holds(step)) continue;
    weights.samples++;
    weights.drawn.offer(step, step);
  }
}

function observe(
  track: Track,
  tracks: readonly Track[],
  sample: Recorded,
  evidence: Evidence,
  happenings: Happenings,
): void {
  const { definition, tally, cadence, check, drawn } = track;
  const { channel, step } = sample;
  track.samples++;
  cadence.observe(step);
  if (definition === null) return;
  const parsed = definition.shape.safeParse(sample.value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    tally.expect(step, false, `${issue?.path.join(".") || "value"}: ${issue?.message}`);
    return;
  }
  if (channel === "run/status") happenings.hear(step, parsed.data as Parameters<Happenings["hear"]>[1]);
  check.observe?.(sample);
  for (const other of tracks) if (other.definition?.listens?.includes(channel)) other.check.observe?.(sample);
  const needed = check.needs?.(step) ?? [];
  const isThere = (t: number) => (definition.retraces === true ? reaches(evidence, t) : evidence.holds(t));
  if (check.derive !== undefined && needed.every(isThere)) drawn.offer(step, sample.value, needed[0] ?? step);
}

async function derive(
  { descriptor, check, definition, drawn, tally, samples }: Track,
  evidence: Evidence,
  onProgress: NonNullable<VerifyOptions["onProgress"]>,
): Promise<void> {
  const { obstacle } = evidence;
  const chosen = check.derive === undefined ? [] : drawn.drawn();
  if (obstacle !== null && definition?.needsData === true) {
    tally.leave(obstacle);
    return;
  }
  const without = samples - drawn.offered;
  if (check.derive !== undefined && without > 0) tally.leave(`${without} samples whose θ is not recorded`);
  for (const [i, { step, item }] of chosen.entries()) {
    onProgress(descriptor.name, i, chosen.length);
    // Whoever wants to say or to stop something gets a turn.
    await setImmediate();
    try {
      tally.checked++;
      await check.derive?.({ channel: descriptor.name, step, value: item });
    } catch (cause) {
      if (!(cause instanceof NotRecorded)) throw cause;
      tally.checked--;
      tally.expect(step, false, cause.message);
    }
  }
  try {
    await check.finish?.();
  } catch (cause) {
    if (!(cause instanceof NotRecorded)) throw cause;
    tally.expect(cause.step, false, cause.message);
  }
}

async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
  return hash.digest("hex");
}
