/** What a `latest` subscription owes: of each delivery the newest of each channel, and an account of everything that made way for it. */
import type { ModelEvent } from "./model-log.ts";

export class Latest {
  readonly #isThinned: boolean;
  readonly #complain: (what: string) => void;
  /** Announced, and not yet passed over. */
  #owed: { left: number; readonly count: number; readonly fromSeq: number; readonly toSeq: number } | null =
    null;
  /** Channels whose newest sample must still come. */
  readonly #waiting = new Set<number>();
  /** Sent since the announcement. */
  readonly #sent = new Set<number>();

  /** @param isThinned  by `maxHz`: what that leaves out is no gap. */
  constructor(isThinned: boolean, complain: (what: string) => void) {
    this.#isThinned = isThinned;
    this.#complain = complain;
  }

  /** Comes before its delivery. */
  gap(fromSeq: number, toSeq: number, count: number): void {
    this.settle();
    this.#owed = { left: count, count, fromSeq, toSeq };
    this.#sent.clear();
  }

  /** @param passed  what was chosen and lies before it, since the last one. */
  sample({ seq, channel }: ModelEvent, passed: readonly ModelEvent[]): void {
    if (this.#owed !== null && this.#sent.has(channel))
      this.#complain(`seq ${seq}, after an older one of its channel in the same delivery`);
    for (const event of passed) {
      this.#waiting.add(event.channel);
      this.#passOver(event.seq);
    }
    this.#waiting.delete(channel);
    this.#sent.add(channel);
    if (this.#owed?.left === 0) this.#owed = null;
  }

  /** Nothing is under way: a delivery is whole. */
  settle(): void {
    if (this.#owed !== null)
      this.#complain(`${this.#owed.left} announced as left out have not been passed over`);
    if (this.#waiting.size > 0) this.#complain(`the newest of channels ${[...this.#waiting]} was not sent`);
    this.#owed = null;
    this.#waiting.clear();
  }

  #passOver(seq: number): void {
    if (this.#owed === null) {
      if (!this.#isThinned) this.#complain(`seq ${seq} was neither sent nor announced`);
      return;
    }
    const { left, count, fromSeq, toSeq } = this.#owed;
    this.#owed.left--;
    const isRight =
      left > 0 &&
      seq >= fromSeq &&
      seq <= toSeq &&
      (left < count || seq === fromSeq) &&
      (left > 1 || seq === toSeq);
    if (!isRight)
      this.#complain(`seq ${seq} left out, where ${count} from ${fromSeq} to ${toSeq} were announced`);
  }
}
