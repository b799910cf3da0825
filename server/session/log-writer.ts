/** From appended events to written chunks: gathers, times, and writes them one after the other. The only writer of its store. */
import { type Observable, ReplaySubject } from "rxjs";
import { type Chunk, ChunkBuilder, type MessagePlace } from "../recording/chunk-builder.ts";
import { type Payload, writeMessageData } from "../recording/message.ts";
import { type RecordingError, recordingErrorOf } from "../recording/recording-error.ts";
import { SPAN_BYTES } from "../recording/span-index.ts";
import { isKeyframe } from "../recording/weight-codec.ts";
import type { LogStore } from "./log-store.ts";

const CHUNK_BYTES = SPAN_BYTES;
/** Age at which a chunk is closed, however small: what a kill -9 may cost, and what a waiting reader waits. */
const CHUNK_MS = 200;
const HURRIED_CHUNK_MS = 10;
/** What a power cut may cost. */
const SYNC_MS = 1000;

export interface LogWriterOptions {
  /** For messages: the recording, or the folder of a temporary log. */
  readonly path: string;
  /** Is the log worth syncing to the disk? */
  readonly isSynced: boolean;
  /** Called when a chunk is written: its events are in the log from now on. */
  readonly onWritten: (chunk: Chunk) => void;
}

export class LogWriter {
  readonly failure$: Observable<RecordingError>;
  readonly #store: LogStore;
  readonly #options: LogWriterOptions;
  readonly #failure = new ReplaySubject<RecordingError>(1);
  readonly #queue: Chunk[] = [];
  readonly #waiting = new Set<{ readonly bytes: number; readonly resolve: () => void }>();
  #open: ChunkBuilder | null = null;
  #queuedBytes = 0;
  #hurriedBy = 0;
  #chunkTimer: NodeJS.Timeout | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #isChunkDue = false;
  #isSyncDue = false;
  #draining: Promise<void> | null = null;
  #hasFailed = false;

  constructor(store: LogStore, options: LogWriterOptions) {
    this.#store = store;
    this.#options = options;
    this.failure$ = this.#failure.asObservable();
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Bytes added and not yet written. */
  get backlogBytes(): number {
    return this.#queuedBytes + (this.#open?.byteLength ?? 0);
  }

  /** Resolves once `backlogBytes` is at most this; at once after a failure, when nothing is kept back. */
  async whenBelow(bytes: number): Promise<void> {
    if (this.backlogBytes <= bytes) return;
    await new Promise<void>((resolve) => this.#waiting.add({ bytes, resolve }));
  }

  add(place: MessagePlace, payload: Payload): void {
    if (this.#open === null) {
      this.#open = new ChunkBuilder(place.seq);
      this.#armChunkTimer();
    }
    const keyframe = "weights" in payload ? isKeyframe(payload.weights) : null;
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

  /** Writes the rest; nothing is added afterwards. */
  async stop(): Promise<void> {
    await this.flush();
    clearTimeout(this.#chunkTimer);
    clearTimeout(this.#syncTimer);
  }

  /** No failure is told after this. */
  close(): void {
    this.#failure.complete();
  }

  /**
   * Runs work on the disk, unless some has failed before. A failure is final: the disk is not asked again, since after a failed sync
   * it may answer with less than the truth.
   */
  async attempt(work: () => Promise<void>): Promise<void> {
    if (this.#hasFailed) return;
    try {
      await work();
    } catch (cause) {
      const failure = recordingErrorOf(cause, this.#options.path);
      this.#hasFailed = true;
      this.#draining = null;
      this.#queue.length = 0;
      this.#queuedBytes = 0;
      this.#open = null;
      clearTimeout(this.#chunkTimer);
      clearTimeout(this.#syncTimer);
      this.#releaseWaiting();
      this.#failure.next(failure);
    }
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
    this.#draining ??= this.attempt(() => this.#writeWhatIsDue());
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
    if (this.#options.isSynced) this.#armSyncTimer();
    this.#options.onWritten(chunk);
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

  #releaseWaiting(): void {
    for (const waiting of this.#waiting) {
      if (this.backlogBytes > waiting.bytes) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}
