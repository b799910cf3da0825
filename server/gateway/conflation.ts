/** The newest sample of each channel, and an account of what made way for it. */
import type { SessionEvent } from "../session/session.ts";

export interface Omission {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly count: number;
}

export class Conflation {
  #newest = new Map<number, SessionEvent>();
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

  /** The newest in seq order; begins anew with the next one that is added. */
  take(): { readonly newest: SessionEvent[]; readonly omission: Omission | null } {
    const newest = [...this.#newest.values()].sort((a, b) => a.seq - b.seq);
    const omission =
      this.#count === 0 ? null : { fromSeq: this.#fromSeq, toSeq: this.#toSeq, count: this.#count };
    this.#newest = new Map();
    this.#fromSeq = Number.POSITIVE_INFINITY;
    this.#toSeq = -1;
    this.#count = 0;
    return { newest, omission };
  }
}
