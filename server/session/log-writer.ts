/** From appended events to written chunks: gathers, times, and writes them one after the other. The only writer of its store. */
import { type Observable, ReplaySubject, Subject } from "rxjs";
import { type Chunk, ChunkBuilder, type MessagePlace } from "../recording/chunk-builder.ts";
import { type Payload, writeMessageData } from "../recording/message.ts";
import { RecordingError, recordingErrorOf } from "../recording/recording-error.ts";
import type { Hole } from "../recording/segments.ts";
import { SPAN_BYTES } from "../recording/span-index.ts";
import { isKeyframe } from "../recording/weight-codec.ts";
import type { LogStore } from "./log-store.ts";

const CHUNK_BYTES = SPAN_BYTES;
/** Age at which a chunk is closed, however small: what a kill -9 may cost, and what a waiting reader waits. */
const CHUNK_MS = 200;
const HURRIED_CHUNK_MS = 10;
/** What a power cut may cost. */
const SYNC_MS = 1000;
const SYNC_BYTES = 16 * 2 ** 20;

/**
 * When the disk is told to keep what was written: every second or 16 MiB (`interval`); before readers see it (`chunk`); when the recording
 * is finished, and else as the system likes (`os`).
 */
export type SyncPolicy = "interval" | "chunk" | "os";

/** When the disk takes nothing: keep all events and wait for it (`pause`), or go on unrecorded (`continue`). It is asked again in both. */
export type FailurePolicy = "pause" | "continue";

export interface LogWriterOptions {
  /** For messages: the recording, or the folder of a temporary log. */
  readonly path: string;
  readonly sync: SyncPolicy;
  readonly onFailure: FailurePolicy;
  /** Until a disk that failed is asked again. */
  readonly retryMs: number;
  /** Called when events are in the log from now on. */
  readonly onWritten: (maxStep: number) => void;
}

/** The disk takes events again. */
export interface Recovery {
  /** What it will never have; null: nothing. */
  readonly lost: Hole | null;
}

export class LogWriter {
  readonly failure$: Observable<RecordingError>;
  readonly recovery$: Observable<Recovery>;
  readonly #store: LogStore;
  readonly #options: LogWriterOptions;
  readonly #failure = new ReplaySubject<RecordingError>(1);
  readonly #recovery = new Subject<Recovery>();
  readonly #queue: Chunk[] = [];
  /** Written, and not known to be on stable storage. */
  #unsynced: Chunk[] = [];
  readonly #waiting = new Set<{ readonly bytes: number; readonly resolve: () => void }>();
  #open: ChunkBuilder | null = null;
  #queuedBytes = 0;
  #unsyncedBytes = 0;
  #durableSeq = -1;
  #hurriedBy = 0;
  #chunkTimer: NodeJS.Timeout | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #isChunkDue = false;
  #isSyncDue = false;
  #isRetryDue = false;
  #draining: Promise<void> | null = null;
  #trouble: RecordingError | null = null;
  /** The file that failed cannot be relied on any more. */
  #isFileLost = false;
  /** While unrecorded: the first seq that is in no file, and the first that may be in none, since its sync failed. */
  #gap: { readonly lostFromSeq: number; readonly doubtedFromSeq: number } | null = null;
  #isStopping = false;
  #hasGivenUp = false;

  constructor(store: LogStore, options: LogWriterOptions) {
    this.#store = store;
    this.#options = options;
    this.failure$ = this.#failure.asObservable();
    this.recovery$ = this.#recovery.asObservable();
  }

  /** What was last appended is lost: the session has ended, and nothing more is taken. */
  get hasGivenUp(): boolean {
    return this.#hasGivenUp;
  }

  /** The last seq that survives the death of this process; readers may be further, while the disk takes nothing and the run goes on. */
  get recordedSeq(): number {
    return this.#gap === null ? this.#store.headSeq : this.#gap.lostFromSeq - 1;
  }

  /** -1: none. Nothing is known of it where the system decides. */
  get durableSeq(): number {
    return this.#durableSeq;
  }

  /** Bytes added and not yet written. */
  get backlogBytes(): number {
    return this.#queuedBytes + (this.#open?.byteLength ?? 0);
  }

  /** Resolves once `backlogBytes` is at most this; at once when the session is about to end, since nothing more will come. */
  async whenBelow(bytes: number): Promise<void> {
    if (this.backlogBytes <= bytes || this.#isStopping) return;
    await new Promise<void>((resolve) => this.#waiting.add({ bytes, resolve }));
  }

  add(place: MessagePlace, payload: Payload): void {
    const keyframe = "weights" in payload ? isKeyframe(payload.weights) : null;
    if (keyframe === true && this.#wantsKeyframe) this.#closeChunk();
    if (this.#open === null) {
      this.#open = new ChunkBuilder(place.seq);
      this.#armChunkTimer();
    }
    this.#open.add(place, (out) => writeMessageData(out, place.step, payload), keyframe);
    if (this.#open.byteLength < CHUNK_BYTES) return;
    this.#closeChunk();
    void this.#drain();
  }

  /** Writes what has been added without waiting for the chunk's age. */
  async flush(): Promise<void> {
    this.#isChunkDue = true;
    await this.#drain();
  }

  /** While somebody waits at the head, chunks are closed early. Returns the release. */
  hurry(): () => void {
    this.#hurriedBy++;
    if (this.#hurriedBy === 1 && this.#open !== null) this.#armChunkTimer();
    let isReleased = false;
    return () => {
      if (!isReleased) this.#hurriedBy--;
      isReleased = true;
    };
  }

  /** The session is to end: nobody waits for the disk any more, which is asked once more by {@link stop}. */
  letGo(): void {
    this.#isStopping = true;
    this.#releaseWaiting();
  }

  /** Writes the rest; nothing is added afterwards. What the disk does not take now is lost, and said to be. */
  async stop(): Promise<void> {
    this.letGo();
    this.#isRetryDue = true;
    await this.flush();
    for (const timer of [this.#chunkTimer, this.#syncTimer, this.#retryTimer]) clearTimeout(timer);
    if (this.#trouble === null) return;
    const { code, message } = this.#trouble;
    const fromSeq = this.#gap?.lostFromSeq ?? this.#store.writtenSeq + 1;
    const toSeq = this.#queue.at(-1)?.lastSeq ?? this.#store.writtenSeq;
    const lost = fromSeq > toSeq ? "" : `; seq ${fromSeq} to ${toSeq} are lost`;
    this.#giveUp(new RecordingError(code, `${message}${lost}`));
  }

  /** Runs the last work on the disk; a failure is told, and is the end. Not where events could not be written: then there is no end to write. */
  async attempt(work: () => Promise<void>): Promise<void> {
    if (this.#hasGivenUp || this.#trouble !== null) return;
    try {
      await work();
      this.#durableSeq = this.#store.headSeq;
    } catch (cause) {
      this.#giveUp(recordingErrorOf(cause, this.#options.path));
    }
  }

  /** No failure is told after this. */
  close(): void {
    this.#failure.complete();
    this.#recovery.complete();
  }

  get #isStalled(): boolean {
    return this.#trouble !== null && this.#gap === null;
  }

  /** All that is queued may share one sync, up to a bound. */
  get #isSyncGrouped(): boolean {
    return this.#options.sync === "chunk" && this.#unsyncedBytes < SYNC_BYTES;
  }

  get #wantsKeyframe(): boolean {
    return this.#store.isFull || this.#gap !== null;
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

  /** Everything that is due, until nothing is. */
  #drain(): Promise<void> {
    this.#draining ??= this.#writeWhatIsDue();
    return this.#draining;
  }

  async #writeWhatIsDue(): Promise<void> {
    // Not before `#draining` is set, or it would stay set.
    await Promise.resolve();
    for (;;) {
      if (this.#isChunkDue) this.#closeChunk();
      if (this.#isStalled && !this.#isRetryDue) break;
      const chunk = this.#queue[0];
      const isSync = this.#isSyncDue && (chunk === undefined || !this.#isSyncGrouped);
      if (chunk === undefined && !isSync) break;
      try {
        if (isSync || chunk === undefined) await this.#sync();
        else await this.#write(chunk);
      } catch (cause) {
        await this.#fail(recordingErrorOf(cause, this.#options.path), isSync);
      }
    }
    // In the same breath as the last look at what is due: nothing that becomes due can fall between.
    this.#draining = null;
  }

  async #write(chunk: Chunk): Promise<void> {
    const isNewFile = this.#trouble !== null && (await this.#goOn(chunk));
    if (!isNewFile) await this.#store.write(chunk);
    this.#queue.shift();
    this.#queuedBytes -= chunk.bytes.byteLength;
    if (isNewFile) this.#durableSeq = chunk.lastSeq;
    else if (this.#gap === null) this.#remember(chunk);
    if (this.#gap === null && this.#trouble !== null) this.#recover(null);
    if (this.#options.sync !== "chunk" || this.#unsynced.length === 0) this.#publish(chunk.maxStep);
    this.#releaseWaiting();
  }

  /** After a failure: in a new file, where the old one is lost or events are missing between the two. False: go on where it was. */
  async #goOn(chunk: Chunk): Promise<boolean> {
    const gap = this.#gap;
    if (gap === null) {
      if (this.#isFileLost) await this.#store.goOnWith(chunk, null);
      return this.#isFileLost;
    }
    if (!this.#isRetryDue || !this.#store.isSelfContained(chunk)) return false;
    this.#isRetryDue = false;
    try {
      await this.#store.goOnWith(chunk, {
        fromSeq: gap.doubtedFromSeq,
        code: this.#trouble?.code ?? "disk-error",
      });
    } catch {
      this.#armRetryTimer();
      return false;
    }
    this.#gap = null;
    this.#recover({ fromSeq: gap.lostFromSeq, toSeq: chunk.firstSeq - 1 });
    return true;
  }

  #recover(lost: Hole | null): void {
    this.#trouble = null;
    this.#isFileLost = false;
    this.#isRetryDue = false;
    clearTimeout(this.#retryTimer);
    this.#recovery.next({ lost });
  }

  /** A failed sync may have lost what was written before it, and says so once only: that file is not asked again. */
  async #fail(failure: RecordingError, isSync: boolean): Promise<void> {
    this.#isRetryDue = false;
    this.#isSyncDue = false;
    const isNews = this.#trouble?.code !== failure.code;
    this.#trouble = failure;
    if (isSync || failure.code !== "disk-full") this.#isFileLost = true;
    if (this.#options.onFailure === "continue" && this.#gap === null) {
      const lostFromSeq = this.#store.writtenSeq + 1;
      const doubted = this.#isFileLost ? this.#unsynced[0] : undefined;
      this.#gap = { lostFromSeq, doubtedFromSeq: doubted?.firstSeq ?? lostFromSeq };
      this.#forgetUnsynced();
      await this.#store.goOnInMemory();
      this.#publish(-1);
    } else if (this.#isFileLost) {
      this.#queue.unshift(...this.#unsynced);
      this.#queuedBytes += this.#unsyncedBytes;
      this.#forgetUnsynced();
    }
    this.#armRetryTimer();
    if (isNews) this.#failure.next(failure);
  }

  #giveUp(failure: RecordingError): void {
    this.#hasGivenUp = true;
    this.#trouble = failure;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#open = null;
    this.#releaseWaiting();
    this.#failure.next(failure);
  }

  #publish(maxStep: number): void {
    this.#store.publish();
    this.#options.onWritten(maxStep);
  }

  #remember(chunk: Chunk): void {
    const { sync } = this.#options;
    if (sync === "os") return;
    this.#unsynced.push(chunk);
    this.#unsyncedBytes += chunk.bytes.byteLength;
    if (sync === "chunk" || this.#unsyncedBytes >= SYNC_BYTES) this.#isSyncDue = true;
    else this.#armSyncTimer();
  }

  #forgetUnsynced(): void {
    this.#unsynced = [];
    this.#unsyncedBytes = 0;
  }

  #armSyncTimer(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#isSyncDue = true;
      void this.#drain();
    }, SYNC_MS).unref();
  }

  #armRetryTimer(): void {
    clearTimeout(this.#retryTimer);
    if (this.#isStopping) return;
    this.#retryTimer = setTimeout(() => {
      this.#isRetryDue = true;
      void this.#drain();
    }, this.#options.retryMs).unref();
  }

  async #sync(): Promise<void> {
    this.#isSyncDue = false;
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    const last = this.#unsynced.at(-1);
    if (last === undefined) return;
    await this.#store.sync();
    const maxStep = this.#unsynced.reduce((most, chunk) => Math.max(most, chunk.maxStep), -1);
    this.#durableSeq = last.lastSeq;
    this.#forgetUnsynced();
    this.#publish(maxStep);
  }

  #releaseWaiting(): void {
    for (const waiting of this.#waiting) {
      if (this.backlogBytes > waiting.bytes && !this.#isStopping && !this.#hasGivenUp) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}
