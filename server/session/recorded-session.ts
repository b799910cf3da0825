/** A recording as a session: ended, and otherwise like any other. */
import { stat } from "node:fs/promises";
import { type Observable, of } from "rxjs";
import type { SessionHeader } from "../../shared/header.ts";
import type { Block } from "../recording/block.ts";
import { BlockFile } from "../recording/block-file.ts";
import { openLogFile } from "../recording/log-file-handle.ts";
import { type RecordingScan, scanRecording } from "../recording/mcap-reader.ts";
import { RecordingError, recordingErrorOf } from "../recording/recording-error.ts";
import type { Span } from "../recording/span-index.ts";
import type { WeightIndexes } from "../recording/weight-index.ts";
import type { EventSource } from "./event-source.ts";
import { LogCursor } from "./log-cursor.ts";
import { findSeqOfStep, findWeights } from "./log-reading.ts";
import type { Cursor, CursorOptions, Session, SessionStatus, WeightsResult } from "./session.ts";

/**
 * Opens a recording: finished, cut off, damaged at its end, or still being written by another process, as far as it is intact.
 *
 * @throws {RecordingError} `not-found`, `unreadable`, `not-a-recording`, `newer-version`, `cut`, `damaged`.
 */
export async function openRecording(path: string): Promise<RecordedSession> {
  try {
    const found = await stat(path);
    if (!found.isFile())
      throw new RecordingError("not-a-recording", `${path}: expected a file, got something else`);
    const handle = await openLogFile(path, "r");
    try {
      const scan = await scanRecording(handle, path, found.size);
      return new RecordedSession(new BlockFile(path, handle, scan.spans), scan);
    } catch (cause) {
      await handle.close();
      throw cause;
    }
  } catch (cause) {
    throw recordingErrorOf(cause, path);
  }
}

export class RecordedSession implements Session {
  readonly header: SessionHeader;
  readonly status: SessionStatus;
  readonly status$: Observable<SessionStatus>;
  readonly recordingPath: string;
  /** Where and why the file stops making sense; null for one that was finished. Everything before that place is served. */
  readonly fault: string | null;
  readonly #file: BlockFile;
  readonly #source: EventSource;
  #readers = 0;

  constructor(file: BlockFile, scan: RecordingScan) {
    this.header = scan.header;
    this.recordingPath = file.path;
    this.fault = scan.fault;
    this.status = {
      state: "ended",
      reason: scan.endReason ?? "interrupted",
      headSeq: scan.headSeq,
      earliestSeq: 0,
      step: scan.lastStep,
    };
    this.status$ = of(this.status);
    this.#file = file;
    this.#source = new RecordingSource(file, scan);
  }

  cursor(options: CursorOptions): Cursor {
    this.#readers++;
    return new HeldCursor(this.#source, options, () => {
      this.#readers--;
    });
  }

  seqOfStep(step: number): Promise<number> {
    return findSeqOfStep(this.#source, step);
  }

  async weights(step: number): Promise<WeightsResult> {
    this.#readers++;
    try {
      return await findWeights(this.#source, step);
    } finally {
      this.#readers--;
    }
  }

  /** How many θ each f32 channel holds. */
  get thetaCounts(): ReadonlyMap<number, number> {
    return new Map([...this.#source.weights].map(([channel, index]) => [channel, index.size]));
  }

  /** Nobody reads it at this moment. */
  get isIdle(): boolean {
    return this.#readers === 0;
  }

  /** Nothing is being written. */
  hurry(): () => void {
    return () => undefined;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Says when it is closed, once. */
class HeldCursor extends LogCursor {
  #release: (() => void) | null;

  constructor(source: EventSource, options: CursorOptions, release: () => void) {
    super(source, options);
    this.#release = release;
  }

  override close(): void {
    super.close();
    this.#release?.();
    this.#release = null;
  }
}

class RecordingSource implements EventSource {
  readonly header: SessionHeader;
  readonly headSeq: number;
  readonly earliestSeq = 0;
  readonly weights: WeightIndexes;
  readonly #file: BlockFile;

  constructor(file: BlockFile, { header, headSeq, weights }: RecordingScan) {
    this.header = header;
    this.headSeq = headSeq;
    this.weights = weights;
    this.#file = file;
  }

  block(seq: number): Promise<Block | undefined> {
    return this.#file.block(seq);
  }

  carried(): undefined {
    return undefined;
  }

  spanReaching(step: number): Span | undefined {
    return this.#file.spans.reaching(step);
  }
}
