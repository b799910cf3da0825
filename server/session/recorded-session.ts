/** A recording as a session: ended, and otherwise like any other. */
import { type Observable, of } from "rxjs";
import type { SessionHeader } from "../../shared/header.ts";
import type { Block } from "../recording/block.ts";
import type { BlockFile } from "../recording/block-file.ts";
import type { RecordingScan } from "../recording/mcap-reader.ts";
import { openParts } from "../recording/open-parts.ts";
import { blockIn, type Hole, holeIn, type Segment, spanReachingIn } from "../recording/segments.ts";
import type { Span } from "../recording/span-index.ts";
import type { WeightIndexes } from "../recording/weight-index.ts";
import type { EventSource } from "./event-source.ts";
import { LogCursor } from "./log-cursor.ts";
import { findSeqOfStep, findWeights } from "./log-reading.ts";
import type { Cursor, CursorOptions, Session, SessionStatus, WeightsResult } from "./session.ts";

/**
 * Opens a recording, with all its parts: finished, cut off, damaged at its end, or still being written by another process, as far as it is
 * intact.
 *
 * @throws {RecordingError} `not-found`, `unreadable`, `not-a-recording`, `newer-version`, `later-part`, `cut`, `damaged`.
 */
export async function openRecording(path: string): Promise<RecordedSession> {
  const { scan, segments } = await openParts(path);
  return new RecordedSession(segments[0].file, scan, segments);
}

export class RecordedSession implements Session {
  readonly header: SessionHeader;
  readonly status: SessionStatus;
  readonly status$: Observable<SessionStatus>;
  readonly recordingPath: string;
  /** Where and why the file stops making sense; null for one that was finished. Everything before that place is served. */
  readonly fault: string | null;
  readonly #segments: readonly Segment[];
  readonly #source: EventSource;
  #readers = 0;

  /** @param segments  all parts, where `file` is not the only one; `scan` is then of all of them. */
  constructor(file: BlockFile, scan: RecordingScan, segments: readonly Segment[] = [{ file, firstSeq: 0 }]) {
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
    this.#segments = segments;
    this.#source = new RecordingSource(segments, scan);
  }

  cursor(options: CursorOptions): Cursor {
    this.#readers++;
    return new HeldCursor(this.#source, options, () => {
      this.#readers--;
    });
  }

  holeAt(seq: number): Hole | undefined {
    return this.#source.holeAt(seq);
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

  async close(): Promise<void> {
    await Promise.all(this.#segments.map(({ file }) => file.close()));
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
  readonly #segments: readonly Segment[];

  constructor(segments: readonly Segment[], { header, headSeq, weights }: RecordingScan) {
    this.header = header;
    this.headSeq = headSeq;
    this.weights = weights;
    this.#segments = segments;
  }

  block(seq: number): Promise<Block | undefined> {
    return blockIn(this.#segments, seq);
  }

  holeAt(seq: number): Hole | undefined {
    return holeIn(this.#segments, seq);
  }

  carried(): undefined {
    return undefined;
  }

  spanReaching(step: number): Span | undefined {
    return spanReachingIn(this.#segments, step);
  }
}
