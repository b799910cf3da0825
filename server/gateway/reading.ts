/** Where a subscription stands in the log, and what it reads from there: nothing that it was asked for is passed over unannounced. */
import type { Cursor, Session, SessionEvent } from "../session/session.ts";
import type { Start } from "./position.ts";

/** What was asked for and is not in the log, or no longer. */
export interface Missing {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly reason: "retention" | "unrecorded";
}

interface ReadingOptions {
  readonly channels: readonly number[];
  readonly every: number | undefined;
  readonly start: Start;
  /** Before it is passed over. False: it may not be, and the reading is over. */
  readonly onMissing: (missing: Missing) => boolean;
}

export class Reading {
  readonly #session: Session;
  readonly #onMissing: (missing: Missing) => boolean;
  readonly #cursor: Cursor;
  /** Read, but not yet due. */
  #pending: SessionEvent[] = [];
  #fromStep: number;
  /** Asked for, and not yet found to be held: a log drops its oldest events while one is on the way to them. */
  #soughtSeq: number;
  #isClosed = false;

  constructor(session: Session, { channels, every, start, onMissing }: ReadingOptions) {
    this.#session = session;
    this.#onMissing = onMissing;
    this.#fromStep = start.fromStep;
    this.#soughtSeq = start.seq;
    this.#cursor = session.cursor({
      channels: new Set(channels),
      from: start.seq,
      ...(every === undefined ? {} : { every }),
    });
  }

  /** Everything before it has been taken. */
  get position(): number {
    return this.next?.seq ?? this.#cursor.position;
  }

  get next(): SessionEvent | undefined {
    return this.#pending[0];
  }

  /** Does all of the log from `position` on remain to be taken? */
  get isPlain(): boolean {
    return this.#pending.length === 0 && this.#fromStep === 0;
  }

  get hasMore(): boolean {
    return this.#pending.length > 0 || this.#cursor.position <= this.#session.status.headSeq;
  }

  /** Are all events up to this one read and taken? */
  isBeyond(seq: number): boolean {
    return this.#pending.length === 0 && this.#cursor.position > seq;
  }

  seek(to: Start): void {
    this.#cursor.seek(to.seq);
    this.#pending = [];
    this.#fromStep = to.fromStep;
    this.#soughtSeq = to.seq;
  }

  /** Lets go of the chunk it stands in. */
  putDown(): void {
    this.#cursor.seek(this.#cursor.position);
  }

  /** Lets go of everything: for θ, the next read decodes up to 16 again. */
  rest(): void {
    this.#cursor.rest();
  }

  /** Everything before this seq was sent without it. */
  goOnFrom(seq: number): void {
    this.#cursor.seek(seq);
    this.#soughtSeq = Number.POSITIVE_INFINITY;
  }

  /** To be called before each read. False: the reading is over. */
  skipMissing(): boolean {
    // What is read comes before what is missing behind it.
    if (this.#pending.length > 0) return true;
    const { earliestSeq } = this.#session.status;
    if (!this.#skipForgotten(Math.min(this.#soughtSeq, this.#cursor.position), earliestSeq)) return false;
    this.#soughtSeq = Number.POSITIVE_INFINITY;
    const hole = this.#session.holeAt?.(this.#cursor.position);
    if (hole === undefined) return true;
    const isPassed = this.#onMissing({
      fromSeq: this.#cursor.position,
      toSeq: hole.toSeq,
      reason: "unrecorded",
    });
    if (isPassed) this.#cursor.seek(hole.toSeq + 1);
    return isPassed;
  }

  /** The next events as far as they are due; those that are not stay for the next time. */
  async take(
    limits: { readonly maxEvents: number; readonly maxBytes: number },
    isDue: (event: SessionEvent) => boolean,
  ): Promise<SessionEvent[]> {
    if (this.#pending.length === 0) {
      const before = this.#cursor.position;
      const read = await this.#cursor.read(limits);
      if (this.#isClosed) return [];
      // The log may drop its oldest events while they are being read.
      const heldFrom = Math.min(this.#session.status.earliestSeq, read[0]?.seq ?? Number.POSITIVE_INFINITY);
      if (!this.#skipForgotten(before, heldFrom)) return [];
      this.#pending = this.#passOverEarlierSteps(read);
    }
    const firstNotDue = this.#pending.findIndex((event) => !isDue(event));
    return this.#pending.splice(0, firstNotDue < 0 ? this.#pending.length : firstNotDue);
  }

  close(): void {
    this.#isClosed = true;
    this.#cursor.close();
  }

  #passOverEarlierSteps(events: readonly SessionEvent[]): SessionEvent[] {
    if (this.#fromStep === 0) return [...events];
    const first = events.findIndex(({ step }) => step >= this.#fromStep);
    if (first < 0) return [];
    this.#fromStep = 0;
    return events.slice(first);
  }

  #skipForgotten(positionSeq: number, heldFromSeq: number): boolean {
    if (positionSeq >= heldFromSeq) return true;
    if (!this.#onMissing({ fromSeq: positionSeq, toSeq: heldFromSeq - 1, reason: "retention" })) return false;
    if (this.#cursor.position < heldFromSeq) this.#cursor.seek(heldFromSeq);
    return true;
  }
}
