/** Where in a file which events lie: neighbouring small chunks count as one span, so that the index does not grow with their number. */
import type { Extent } from "./chunk-builder.ts";

/** About what one read of the file brings into memory. */
export const SPAN_BYTES = 2 ** 20;

export interface Span extends Extent {
  /** Of whole records in the file. */
  readonly offset: number;
  readonly length: number;
}

export class SpanIndex {
  readonly #spans: Span[] = [];

  get spans(): readonly Span[] {
    return this.#spans;
  }

  /** -1 while empty. */
  get lastSeq(): number {
    return this.#spans.at(-1)?.lastSeq ?? -1;
  }

  /** A chunk after all others. What lies between it and the one before becomes part of the span: whole records, too. */
  add(chunk: Span): void {
    const last = this.#spans.at(-1);
    const length = last === undefined ? 0 : chunk.offset + chunk.length - last.offset;
    if (last === undefined || length > SPAN_BYTES) {
      this.#spans.push(chunk);
      return;
    }
    this.#spans[this.#spans.length - 1] = {
      offset: last.offset,
      length,
      firstSeq: last.firstSeq,
      lastSeq: chunk.lastSeq,
      minStep: Math.min(last.minStep, chunk.minStep),
      maxStep: Math.max(last.maxStep, chunk.maxStep),
    };
  }

  find(seq: number): Span | undefined {
    const span = this.#spans[firstIndex(this.#spans.length, (i) => (this.#spans[i] as Span).lastSeq >= seq)];
    return span !== undefined && span.firstSeq <= seq ? span : undefined;
  }

  /** The first span with an event at or after this step. */
  reaching(step: number): Span | undefined {
    return this.#spans.find((span) => span.maxStep >= step);
  }
}

/** The smallest i in [0, count) for which a predicate that turns true once holds; count when there is none. */
export function firstIndex(count: number, isReached: (i: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isReached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
