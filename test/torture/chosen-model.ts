/** Which events of a log a subscription has chosen: those it must be sent. */
import { type ModelEvent, NAMES } from "./model-log.ts";

export class Chosen {
  readonly #events: readonly ModelEvent[];
  readonly #channels: readonly string[];
  readonly #every: number;
  /** Dropped by the log before they were sent, and said to be. */
  readonly #lost: { readonly fromSeq: number; readonly toSeq: number }[] = [];
  #beginSeq = 0;
  #fromStep = 0;
  /** The first that is not of an earlier step, once there is one. */
  #firstSeq: number | null = null;

  constructor(events: readonly ModelEvent[], channels: readonly string[], every: number) {
    this.#events = events;
    this.#channels = channels;
    this.#every = every;
  }

  /** Begins here; earlier steps are passed over, up to the first event that is not of one. */
  place(seq: number, fromStep: number): void {
    this.#beginSeq = seq;
    this.#fromStep = fromStep;
    this.#firstSeq = null;
  }

  lose(fromSeq: number, toSeq: number): void {
    this.#lost.push({ fromSeq, toSeq });
    if (this.#firstSeq !== null && this.#firstSeq <= toSeq) this.#firstSeq = null;
  }

  has(event: ModelEvent): boolean {
    if (!this.#matches(event)) return false;
    if (this.#fromStep === 0) return true;
    this.#firstSeq ??= this.#events.find((candidate) => this.#isFirst(candidate))?.seq ?? null;
    return this.#firstSeq !== null && event.seq >= this.#firstSeq;
  }

  /** The first from this seq on; the log's length when there is none yet. */
  next(from: number): number {
    let seq = from;
    while (seq < this.#events.length && !this.has(this.#events[seq] as ModelEvent)) seq++;
    return seq;
  }

  between(from: number, before: number): ModelEvent[] {
    return this.#events.slice(from, before).filter((event) => this.has(event));
  }

  #isFirst(event: ModelEvent): boolean {
    return event.seq >= this.#beginSeq && event.step >= this.#fromStep && this.#matches(event);
  }

  #matches({ seq, channel, step }: ModelEvent): boolean {
    const name = NAMES[channel] ?? "";
    const isLost = this.#lost.some(({ fromSeq, toSeq }) => seq >= fromSeq && seq <= toSeq);
    return !isLost && this.#channels.includes(name) && (step % this.#every === 0 || name.startsWith("run/"));
  }
}
