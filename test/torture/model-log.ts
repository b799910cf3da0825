/** What the conversations of protocol-model.ts are about: a session, and an account of it that owes nothing to the server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { type LogFileHandle, openLogFile } from "../../server/recording/log-file-handle.ts";
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import type { Session } from "../../server/session/session.ts";
import { encodeValue } from "../../shared/value.ts";
import { MemorySession } from "../support/memory-session.ts";
import { readAll } from "../support/read-all.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import { isSameValue } from "./same-value.ts";

export const NAMES = ["train/loss", "hessian/eigenvalues", "run/status", "train/weights"] as const;
const PARAMETERS = 3;
const MOST_TURNS = 10_000;
/** In turns of the loop. */
const SLOWEST_READ = 6;

/** One event as it must be read. */
export interface ModelEvent {
  readonly seq: number;
  readonly channel: number;
  readonly step: number;
  /** NaN until somebody has seen the time that the log gave it. */
  wallTimeMs: number;
  readonly json?: string;
  readonly data?: Float32Array | Uint8Array;
}

export interface ModelLog {
  readonly session: Session;
  readonly events: readonly ModelEvent[];
  /** The last seq that would survive the death of the server: no client may know more. */
  readonly writtenSeq: number;
  /** One event for each of these channels. */
  append(channels: readonly number[]): void;
  /** Drops what lies before this share of the log, where a log does that. */
  forget(share: number): void;
  /** The disk takes its time, until `release`. */
  hold(): void;
  release(): void;
  end(): Promise<void>;
  /** After the end: what is wrong with what is left behind, in sentences. */
  close(): Promise<readonly string[]>;
}

/** Steps go up, but for the eigenvalues, which come late. */
class Steps {
  #step = 0;

  next(channel: number): number {
    if (channel === 0) this.#step++;
    return channel === 1 ? Math.max(0, this.#step - 2) : this.#step;
  }
}

function modelValue(channel: number, step: number): number | Float32Array {
  if (NAMES[channel] === "train/weights") return new Float32Array([step, Number.NaN, -0]);
  return step === 5 ? Number.NaN : step / 3;
}

function header(id: string) {
  const channels = NAMES.map((name) =>
    name === "train/weights" ? descriptor(name, { encoding: "f32", heavy: true }) : descriptor(name),
  );
  return sessionHeader({ id, channels, parameterCount: PARAMETERS });
}

/** Bounded, and obvious. */
export class MemoryLog implements ModelLog {
  readonly session: MemorySession;
  readonly #steps = new Steps();

  constructor(id: string) {
    this.session = new MemorySession(header(id));
    // As a disk would: meanwhile requests arrive, and events are written.
    let reads = 0;
    this.session.beforeRead = async () => {
      for (let turn = reads++ % SLOWEST_READ; turn > 0; turn--) await turnOfTheLoop();
    };
  }

  get events(): readonly ModelEvent[] {
    return this.session.events;
  }

  get writtenSeq(): number {
    return this.session.status.headSeq;
  }

  append(channels: readonly number[]): void {
    if (channels.length === 0 || this.session.status.state === "ended") return;
    // A batch is written at once; paced, the next is due some milliseconds later.
    const wallTimeMs = 1_700_000_000_000 + 2.125 * this.session.events.length;
    const samples = channels.map((channel) => {
      const step = this.#steps.next(channel);
      return { channel: NAMES[channel] ?? "train/loss", step, value: modelValue(channel, step), wallTimeMs };
    });
    this.session.append(...samples);
  }

  forget(share: number): void {
    const { earliestSeq, headSeq, state } = this.session.status;
    if (state !== "ended") this.session.forget(earliestSeq + Math.floor(share * (headSeq + 1 - earliestSeq)));
  }

  hold(): void {}
  release(): void {}

  async end(): Promise<void> {
    if (this.session.status.state !== "ended") this.session.end("finished");
  }

  async close(): Promise<readonly string[]> {
    // The server hears of a closed socket some turns later.
    for (let turn = 0; turn < MOST_TURNS && this.session.openCursors > 0; turn++) await turnOfTheLoop();
    return this.session.openCursors === 0 ? [] : [`${this.session.openCursors} cursors were left open`];
  }
}

/** The server's own log, over a file whose writes can be held up. */
export class FileLog implements ModelLog {
  readonly session: SessionLog;
  readonly events: ModelEvent[] = [];
  readonly #folder: string;
  readonly #disk: SlowDisk;
  readonly #encoder = new WeightEncoder(PARAMETERS, 4);
  readonly #steps = new Steps();

  private constructor(session: SessionLog, folder: string, disk: SlowDisk) {
    this.session = session;
    this.#folder = folder;
    this.#disk = disk;
  }

  static async begin(id: string): Promise<FileLog> {
    const folder = await mkdtemp(join(tmpdir(), "thalweg-model-"));
    const disk = new SlowDisk(join(folder, "a.mcap"));
    const log = await SessionLog.create({ header: header(id), path: disk.path, open: disk.open, sync: "os" });
    return new FileLog(log, folder, disk);
  }

  get writtenSeq(): number {
    return this.#disk.messages - 1;
  }

  append(channels: readonly number[]): void {
    if (this.session.status.state === "ended") return;
    for (const channel of channels) {
      const step = this.#steps.next(channel);
      const value = modelValue(channel, step);
      const data = value instanceof Float32Array ? { data: value } : { json: encodeValue(value) };
      const payload =
        value instanceof Float32Array
          ? { weights: this.#encoder.encode(value) }
          : { json: encodeValue(value) };
      const seq = this.session.append(channel, step, payload);
      this.events.push({ seq, channel, step, wallTimeMs: Number.NaN, ...data });
    }
    void this.session.flush();
  }

  forget(): void {}

  hold(): void {
    this.#disk.hold();
  }

  release(): void {
    this.#disk.release();
  }

  async end(): Promise<void> {
    this.release();
    await this.session.finish("finished");
  }

  /** The recording, read again, is what its readers had live. */
  async close(): Promise<readonly string[]> {
    await this.end();
    await this.session.close();
    const recording = await openRecording(this.#disk.path);
    const recorded = await readAll(recording);
    await recording.close();
    await rm(this.#folder, { recursive: true });
    const differs = this.events.findIndex((event, seq) => !isRecorded(event, recorded[seq]));
    if (recorded.length !== this.events.length)
      return [`${recorded.length} events are recorded, of ${this.events.length}`];
    return differs < 0 ? [] : [`seq ${differs} is recorded otherwise than it was sent`];
  }
}

function isRecorded(event: ModelEvent, recorded: ModelEvent | undefined): boolean {
  if (recorded === undefined) return false;
  const value = recorded.data ?? JSON.parse(recorded.json ?? "null");
  const isSameTime = Number.isNaN(event.wallTimeMs) || event.wallTimeMs === recorded.wallTimeMs;
  const isSamePlace = event.channel === recorded.channel && event.step === recorded.step;
  return isSamePlace && isSameTime && isSameValue(event, value);
}

/** Counts the messages whose write has come back. */
class SlowDisk {
  readonly path: string;
  messages = 0;
  #held: Promise<void> | null = null;
  #letGo = () => {};

  constructor(path: string) {
    this.path = path;
  }

  hold(): void {
    this.#held ??= new Promise((resolve) => {
      this.#letGo = resolve;
    });
  }

  release(): void {
    this.#held = null;
    this.#letGo();
  }

  readonly open = async (path: string, flags: string): Promise<LogFileHandle> => {
    const real = await openLogFile(path, flags);
    return {
      read: real.read.bind(real) as LogFileHandle["read"],
      truncate: (length) => real.truncate(length),
      close: () => real.close(),
      datasync: () => real.datasync(),
      sync: () => real.sync(),
      write: async (bytes, offset, length, position) => {
        await this.#held;
        const result = await real.write(bytes, offset, length, position);
        // A copy with larger chunks is another file.
        if (path === this.path) this.messages += countMessages(bytes.subarray(offset, offset + length));
        return result;
      },
    };
  };
}

/** In whole records: a chunk has a head of 49 bytes, then records of its own. Here a write is never a short one. */
function countMessages(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = 0; at + 9 <= bytes.byteLength; ) {
    const end = at + 9 + Number(view.getBigUint64(at + 1, true));
    if (view.getUint8(at) === 0x05) count++;
    at = view.getUint8(at) === 0x06 ? at + 49 : end;
  }
  return count;
}
