/** The log of a live session: the only place that gives events their seq and their time, and the only one that writes them. */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { BehaviorSubject, type Observable, ReplaySubject } from "rxjs";
import { nanosOfMs } from "../../shared/frame.ts";
import { type EndReason, SessionHeader, type SessionState } from "../../shared/header.ts";
import { type Chunk, ChunkBuilder } from "../recording/chunk-builder.ts";
import { type OpenLogFile, openLogFile } from "../recording/log-file-handle.ts";
import { checkPayload, type Payload, writeMessageData } from "../recording/message.ts";
import { RecordingError, recordingErrorOf } from "../recording/recording-error.ts";
import { SPAN_BYTES } from "../recording/span-index.ts";
import { isKeyframe } from "../recording/weight-codec.ts";
import { LogCursor } from "./log-cursor.ts";
import { findSeqOfStep, findWeights } from "./log-reading.ts";
import { LogStore, type TemporaryBound } from "./log-store.ts";
import type { Cursor, CursorOptions, Session, SessionStatus, WeightsResult } from "./session.ts";

export type { Payload } from "../recording/message.ts";

export type LogOptions = {
  readonly header: SessionHeader;
  /** Another file system, for tests of what disks do. */
  readonly open?: OpenLogFile;
} & (
  | { readonly path: string }
  | { readonly temporary: true; readonly folder: string; readonly bound?: TemporaryBound }
);

const CHUNK_BYTES = SPAN_BYTES;
/** Age at which a chunk is closed, however small: what a kill -9 may cost, and what a waiting reader waits. */
const CHUNK_MS = 200;
const HURRIED_CHUNK_MS = 10;
/** What a power cut may cost. */
const SYNC_MS = 1000;
const TEMPORARY_BOUND: TemporaryBound = { boundBytes: 256 * 2 ** 20, segmentBytes: 32 * 2 ** 20 };

export class SessionLog implements Session {
  readonly header: SessionHeader;
  readonly recordingPath: string | undefined;
  readonly status$: Observable<SessionStatus>;
  /** The first failed write, once, also to late subscribers. What was written before it stays readable; nothing is written after it. */
  readonly failure$: Observable<RecordingError>;
  readonly #path: string;
  readonly #store: LogStore;
  readonly #status: BehaviorSubject<SessionStatus>;
  readonly #failure = new ReplaySubject<RecordingError>(1);
  readonly #queue: Chunk[] = [];
  readonly #waiting = new Set<{ readonly bytes: number; readonly resolve: () => void }>();
  #open: ChunkBuilder | null = null;
  #queuedBytes = 0;
  #nextSeq = 0;
  #lastNanos = 0n;
  #newestStep = -1;
  #hurriedBy = 0;
  #chunkTimer: NodeJS.Timeout | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #isChunkDue = false;
  #isSyncDue = false;
  #draining: Promise<void> | null = null;
  #takesEvents = true;
  #hasFailed = false;
  #finishing: Promise<void> | null = null;

  private constructor(store: LogStore, path: string, isTemporary: boolean) {
    this.header = store.header;
    this.recordingPath = isTemporary ? undefined : path;
    this.#path = path;
    this.#store = store;
    this.#status = new BehaviorSubject<SessionStatus>({
      state: "running",
      reason: null,
      headSeq: -1,
      earliestSeq: 0,
      step: -1,
    });
    this.status$ = this.#status.asObservable();
    this.failure$ = this.#failure.asObservable();
  }

  /** @throws {RecordingError} when the file cannot be begun: `exists`, `unreadable`, `disk-full`, … */
  static async create(options: LogOptions): Promise<SessionLog> {
    // As a reader will see it: live and recorded headers are equal by construction.
    const header = SessionHeader.parse(JSON.parse(JSON.stringify(options.header)));
    const isTemporary = "temporary" in options;
    const path = isTemporary ? options.folder : options.path;
    const temporary = isTemporary ? (options.bound ?? TEMPORARY_BOUND) : null;
    try {
      await makeFolder(isTemporary ? path : dirname(path));
      const store = await LogStore.create({ header, open: options.open ?? openLogFile, path, temporary });
      return new SessionLog(store, path, isTemporary);
    } catch (cause) {
      throw recordingErrorOf(cause, path);
    }
  }

  get status(): SessionStatus {
    return this.#status.value;
  }

  /** Bytes appended and not yet written. */
  get backlogBytes(): number {
    return this.#queuedBytes + (this.#open?.byteLength ?? 0);
  }

  /** Resolves once `backlogBytes` is at most this; at once after a failure, when nothing is kept back. */
  async whenBelow(bytes: number): Promise<void> {
    if (this.backlogBytes <= bytes) return;
    await new Promise<void>((resolve) => this.#waiting.add({ bytes, resolve }));
  }

  /**
   * Stamps an event and queues it. It is in the log, for readers too, once `status.headSeq` has reached it.
   *
   * @returns its seq; -1 when the log takes no more, because it was finished or a write failed.
   */
  append(channel: number, step: number, payload: Payload): number {
    const descriptor = this.header.channels[channel];
    if (descriptor === undefined) {
      throw new RangeError(`channel: expected 0 to ${this.header.channels.length - 1}, got ${channel}`);
    }
    checkPayload(descriptor, step, payload);
    if (!this.#takesEvents) return -1;
    const seq = this.#nextSeq++;
    this.#open ??= this.#beginChunk(seq);
    const keyframe = "weights" in payload ? isKeyframe(payload.weights) : null;
    const place = { channel, seq, step, nanos: this.#now() };
    this.#open.add(place, (out) => writeMessageData(out, step, payload), keyframe);
    if (this.#open.byteLength >= CHUNK_BYTES) {
      this.#closeChunk();
      void this.#drain();
    }
    return seq;
  }

  /** Writes what has been appended without waiting for the chunk's age. */
  async flush(): Promise<void> {
    this.#isChunkDue = true;
    await this.#drain();
  }

  setState(state: Exclude<SessionState, "ended">): void {
    if (this.status.state !== "ended") this.#emit({ state });
  }

  /**
   * Writes what is left, says why the session ended, and gives the file its final form. Readers go on reading throughout.
   * `status` is "ended" as soon as everything is written.
   */
  finish(reason: EndReason): Promise<void> {
    this.#finishing ??= this.#finish(reason);
    return this.#finishing;
  }

  cursor(options: CursorOptions): Cursor {
    return new LogCursor(this.#store, options);
  }

  seqOfStep(step: number): Promise<number> {
    return findSeqOfStep(this.#store, step);
  }

  weights(step: number): Promise<WeightsResult> {
    return findWeights(this.#store, step);
  }

  hurry(): () => void {
    this.#hurriedBy++;
    if (this.#hurriedBy === 1 && this.#open !== null) this.#armChunkTimer();
    let isReleased = false;
    return () => {
      if (!isReleased) this.#hurriedBy--;
      isReleased = true;
    };
  }

  /** Of a session that was not finished, the recording stays without an end: "interrupted". A temporary log is gone. */
  async close(): Promise<void> {
    this.#finishing ??= this.#stop("interrupted");
    await this.#finishing;
    await this.#store.close();
    this.#failure.complete();
  }

  async #finish(reason: EndReason): Promise<void> {
    await this.#stop(reason, async () => {
      if (this.recordingPath !== undefined) await this.#store.end(reason);
    });
    if (this.recordingPath !== undefined) await this.#guard(() => this.#store.finish(reason));
  }

  async #stop(reason: EndReason, seal: () => Promise<void> = async () => undefined): Promise<void> {
    this.#takesEvents = false;
    await this.flush();
    clearTimeout(this.#chunkTimer);
    clearTimeout(this.#syncTimer);
    await this.#guard(seal);
    if (this.status.state === "ended") return;
    this.#emit({ state: "ended", reason });
    this.#status.complete();
  }

  /** µs, never backwards: so that the order by time is the order by seq. */
  #now(): bigint {
    const nanos = nanosOfMs(performance.timeOrigin + performance.now());
    if (nanos > this.#lastNanos) this.#lastNanos = nanos;
    return this.#lastNanos;
  }

  #beginChunk(seq: number): ChunkBuilder {
    this.#armChunkTimer();
    return new ChunkBuilder(seq);
  }

  #armChunkTimer(): void {
    clearTimeout(this.#chunkTimer);
    this.#chunkTimer = setTimeout(
      () => {
        this.#isChunkDue = true;
        void this.#drain();
      },
      this.#hurriedBy > 0 ? HURRIED_CHUNK_MS : CHUNK_MS,
    );
  }

  #closeChunk(): void {
    clearTimeout(this.#chunkTimer);
    this.#isChunkDue = false;
    if (this.#open === null) return;
    const chunk = this.#open.close();
    this.#open = null;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.bytes.byteLength;
  }

  /** The one writer: everything that is due, until nothing is. */
  #drain(): Promise<void> {
    this.#draining ??= this.#guard(() => this.#writeWhatIsDue());
    return this.#draining;
  }

  async #writeWhatIsDue(): Promise<void> {
    // Not before `#draining` is set, or it would stay set.
    await Promise.resolve();
    for (;;) {
      if (this.#isChunkDue) this.#closeChunk();
      const chunk = this.#queue.shift();
      if (chunk !== undefined) await this.#write(chunk);
      else if (this.#isSyncDue) await this.#sync();
      else break;
    }
    // In the same breath as the last look at what is due: nothing that becomes due can fall between.
    this.#draining = null;
  }

  async #write(chunk: Chunk): Promise<void> {
    await this.#store.write(chunk);
    this.#queuedBytes -= chunk.bytes.byteLength;
    this.#newestStep = Math.max(this.#newestStep, chunk.maxStep);
    if (this.recordingPath !== undefined) this.#armSyncTimer();
    this.#emit({});
    this.#releaseWaiting();
  }

  #armSyncTimer(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#isSyncDue = true;
      void this.#drain();
    }, SYNC_MS).unref();
  }

  async #sync(): Promise<void> {
    this.#isSyncDue = false;
    this.#syncTimer = undefined;
    await this.#store.sync();
  }

  /** A failed write is final: the disk is not asked again, since after a failed sync it may answer with less than the truth. */
  async #guard(work: () => Promise<void>): Promise<void> {
    if (this.#hasFailed) return;
    try {
      await work();
    } catch (cause) {
      const failure = recordingErrorOf(cause, this.#path);
      this.#hasFailed = true;
      this.#draining = null;
      this.#takesEvents = false;
      this.#queue.length = 0;
      this.#queuedBytes = 0;
      this.#open = null;
      clearTimeout(this.#chunkTimer);
      clearTimeout(this.#syncTimer);
      this.#releaseWaiting();
      this.#failure.next(failure);
    }
  }

  #releaseWaiting(): void {
    for (const waiting of this.#waiting) {
      if (this.backlogBytes > waiting.bytes) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  #emit(change: Partial<SessionStatus>): void {
    const { headSeq, earliestSeq } = this.#store;
    this.#status.next({ ...this.status, headSeq, earliestSeq, step: this.#newestStep, ...change });
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause;
    throw new RecordingError("not-found", `${path}: expected a folder, got a file`, { cause });
  }
}
