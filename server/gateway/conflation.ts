/** The newest sample of each channel, and an account of what made way for it. */
import type { SessionEvent } from "../session/session.ts";

export interface Omission {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly count: number;
}

export class Conflation {
  readonly #newest = new Map<number, SessionEvent>();
  #fromSeq = Number.POSITIVE_INFINITY;
  #toSeq = -1;
  #count = 0;

  add(event: SessionEvent): void {
    const displaced = this.#newest.get(event.channel);
    if (displaced !== undefined) {
      this.#fromSeq = Math.min(this.#fromSeq, displaced.seq);
      this.#toSeq = Math.max(this.#toSeq, displaced.seq);
      this.#count++;
    }
    this.#newest.set(event.channel, event);
  }

  /** In seq order. */
  get newest(): SessionEvent[] {
    return [...this.#newest.values()].sort((a, b) => a.seq - b.seq);
  }

  get omission(): Omission | null {
    return this.#count === 0 ? null : { fromSeq: this.#fromSeq, toSeq: this.#toSeq, count: this.#count };
  }
}
