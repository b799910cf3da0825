/** The log of a live session: the only place that gives events their seq and their time. */
import { dirname } from "node:path";
import { BehaviorSubject, type Observable } from "rxjs";
import { nanosOfMs } from "../../shared/frame.ts";
import { type EndReason, SessionHeader, type SessionState } from "../../shared/header.ts";
import type { Watermarks } from "../../shared/protocol.ts";
import { type OpenLogFile, openLogFile } from "../recording/log-file-handle.ts";
import { checkPayload, type Payload } from "../recording/message.ts";
import { type RecordingError, recordingErrorOf } from "../recording/recording-error.ts";
import type { Hole } from "../recording/segments.ts";
import { beat } from "./heartbeat.ts";
import { LogCursor } from "./log-cursor.ts";
import { makeFolder } from "./log-folder.ts";
import { findSeqOfStep, findWeights } from "./log-reading.ts";
import { type Bound, LogStore } from "./log-store.ts";
import { type FailurePolicy, LogWriter, type Recovery, type SyncPolicy } from "./log-writer.ts";
import type { Cursor, CursorOptions, Session, SessionStatus, WeightsResult } from "./session.ts";

export type { Payload } from "../recording/message.ts";

/** How a log is kept; each has a default. */
export interface LogKeeping {
  /** Of a recording; a temporary log is worth no sync. */
  readonly sync?: SyncPolicy;
  readonly onFailure?: FailurePolicy;
  /** From where on a recording goes on in another file. */
  readonly partBytes?: number;
  /** Until a disk that failed is asked again. */
  readonly retryMs?: number;
}

export type LogOptions = LogKeeping & {
  readonly header: SessionHeader;
  /** Another file system, for tests of what disks do. */
  readonly open?: OpenLogFile;
} & (
    | { readonly path: string }
    | { readonly temporary: true; readonly folder: string; readonly bound?: Bound }
  );

const TEMPORARY_BOUND: Bound = { boundBytes: 256 * 2 ** 20, segmentBytes: 32 * 2 ** 20 };
const PART_BYTES = 2 ** 30;
const RETRY_MS = 2000;

export class SessionLog implements Session {
  readonly header: SessionHeader;
  readonly recordingPath: string | undefined;
  readonly status$: Observable<SessionStatus>;
  /** Each time the disk takes nothing more, or another reason is given for it; the last one also to late subscribers. What was written stays readable. */
  readonly failure$: Observable<RecordingError>;
  /** Each time it takes events again. */
  readonly recovery$: Observable<Recovery>;
  readonly #store: LogStore;
  readonly #writer: LogWriter;
  readonly #status: BehaviorSubject<SessionStatus>;
  #nextSeq = 0;
  #lastNanos = 0n;
  #newestStep = -1;
  #takesEvents = true;
  #finishing: Promise<void> | null = null;
  readonly #endBeat: () => void;

  private constructor(store: LogStore, path: string, options: LogOptions) {
    const isTemporary = "temporary" in options;
    this.header = store.header;
    this.recordingPath = isTemporary ? undefined : path;
    this.#endBeat = isTemporary ? () => undefined : beat(path);
    this.#store = store;
    this.#writer = new LogWriter(store, {
      path,
      sync: isTemporary ? "os" : (options.sync ?? "interval"),
      onFailure: options.onFailure ?? "pause",
      retryMs: options.retryMs ?? RETRY_MS,
      onWritten: (maxStep) => {
        this.#newestStep = Math.max(this.#newestStep, maxStep);
        this.#emit({});
      },
    });
    this.failure$ = this.#writer.failure$;
    this.recovery$ = this.#writer.recovery$;
    this.#status = new BehaviorSubject<SessionStatus>({
      state: "running",
      reason: null,
      headSeq: -1,
      earliestSeq: 0,
      step: -1,
    });
    this.status$ = this.#status.asObservable();
    const waits = options.onFailure !== "continue";
    this.failure$.subscribe(({ code, message }) => {
      this.#emit({ trouble: { code, message, isKept: waits && !this.#writer.hasGivenUp } });
    });
    this.recovery$.subscribe(() => this.#emit({ trouble: null }));
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
      const { open = openLogFile, partBytes = PART_BYTES } = options;
      const store = await LogStore.create({ header, open, path, temporary, partBytes });
      return new SessionLog(store, path, options);
    } catch (cause) {
      throw recordingErrorOf(cause, path);
    }
  }

  get status(): SessionStatus {
    return this.#status.value;
  }

  get watermarks(): Watermarks {
    return {
      accepted: this.#nextSeq - 1,
      written: this.#writer.recordedSeq,
      durable: this.#writer.durableSeq,
    };
  }

  /** Bytes appended and not yet written. */
  get backlogBytes(): number {
    return this.#writer.backlogBytes;
  }

  /** Resolves once `backlogBytes` is at most this: while the disk takes nothing, not before it does again. At once after {@link letGo}. */
  whenBelow(bytes: number): Promise<void> {
    return this.#writer.whenBelow(bytes);
  }

  /**
   * Stamps an event and queues it. It is in the log, for readers too, once `status.headSeq` has reached it.
   *
   * @returns its seq; -1 when the log takes no more, because it was finished.
   */
  append(channel: number, step: number, payload: Payload): number {
    const descriptor = this.header.channels[channel];
    if (descriptor === undefined) {
      throw new RangeError(`channel: expected 0 to ${this.header.channels.length - 1}, got ${channel}`);
    }
    checkPayload(descriptor, step, payload);
    if (!this.#takesEvents) return -1;
    const seq = this.#nextSeq++;
    this.#writer.add({ channel, seq, step, nanos: this.#now() }, payload);
    return seq;
  }

  /** The session is about to end: nobody waits for a disk that takes nothing. */
  letGo(): void {
    this.#writer.letGo();
  }

  /** Writes what has been appended without waiting for the chunk's age. */
  flush(): Promise<void> {
    return this.#writer.flush();
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

  holeAt(seq: number): Hole | undefined {
    return this.#store.holeAt(seq);
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
    return this.#writer.hurry();
  }

  /** Of a session that was not finished, the recording stays without an end: "interrupted". A temporary log is gone. */
  async close(): Promise<void> {
    this.#finishing ??= this.#stop("interrupted");
    await this.#finishing;
    await this.#store.close();
    this.#writer.close();
  }

  async #finish(reason: EndReason): Promise<void> {
    const isRecording = this.recordingPath !== undefined;
    await this.#stop(reason, isRecording ? () => this.#store.end(reason) : undefined);
    if (isRecording) await this.#writer.attempt(() => this.#store.finish());
  }

  async #stop(reason: EndReason, seal?: () => Promise<void>): Promise<void> {
    this.#takesEvents = false;
    await this.#writer.stop();
    this.#endBeat();
    if (seal !== undefined) await this.#writer.attempt(seal);
    this.#emit({ state: "ended", reason });
    this.#status.complete();
  }

  /** µs, never backwards: so that the order by time is the order by seq. */
  #now(): bigint {
    const nanos = nanosOfMs(performance.timeOrigin + performance.now());
    if (nanos > this.#lastNanos) this.#lastNanos = nanos;
    return this.#lastNanos;
  }

  #emit(change: Partial<SessionStatus>): void {
    const { headSeq, earliestSeq } = this.#store;
    this.#status.next({ ...this.status, headSeq, earliestSeq, step: this.#newestStep, ...change });
  }
}
