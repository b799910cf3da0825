/** Where in a file which events lie: neighbouring small chunks count as one span, of which 40 bytes are kept, so that the index stays small. */
import type { Extent } from "./chunk-builder.ts";
import { Column } from "./column.ts";

/** About what one read of the file brings into memory. */
export const SPAN_BYTES = 2 ** 20;

export interface Span extends Extent {
  /** Of whole records in the file. */
  readonly offset: number;
  readonly length: number;
}

/** Where a span's numbers lie in its row. */
const AT = { offset: 0, length: 1, firstSeq: 2, lastSeq: 3, maxStep: 4 } as const;
const ROW = 5;

export class SpanIndex {
  readonly #rows = new Column(Float64Array);

  get length(): number {
    return this.#rows.length / ROW;
  }

  /** -1 while empty. */
  get lastSeq(): number {
    return this.length === 0 ? -1 : this.#number(this.length - 1, "lastSeq");
  }

  /** A chunk after all others. What lies between it and the one before becomes part of the span: whole records, too. */
  add({ offset, length, firstSeq, lastSeq, maxStep }: Span): void {
    const last = this.length - 1;
    const joined = last < 0 ? Number.POSITIVE_INFINITY : offset + length - this.#number(last, "offset");
    if (joined > SPAN_BYTES) {
      for (const value of [offset, length, firstSeq, lastSeq, maxStep]) this.#rows.push(value);
      return;
    }
    this.#rows.set(ROW * last + AT.length, joined);
    this.#rows.set(ROW * last + AT.lastSeq, lastSeq);
    this.#rows.set(ROW * last + AT.maxStep, Math.max(maxStep, this.#number(last, "maxStep")));
  }

  find(seq: number): Span | undefined {
    const i = firstIndex(this.length, (candidate) => this.#number(candidate, "lastSeq") >= seq);
    return i < this.length && this.#number(i, "firstSeq") <= seq ? this.#span(i) : undefined;
  }

  /** The first span with an event at or after this step. */
  reaching(step: number): Span | undefined {
    for (let i = 0; i < this.length; i++) if (this.#number(i, "maxStep") >= step) return this.#span(i);
    return undefined;
  }

  *[Symbol.iterator](): Generator<Span> {
    for (let i = 0; i < this.length; i++) yield this.#span(i);
  }

  #number(i: number, name: keyof typeof AT): number {
    return this.#rows.at(ROW * i + AT[name]);
  }

  #span(i: number): Span {
    return {
      offset: this.#number(i, "offset"),
      length: this.#number(i, "length"),
      firstSeq: this.#number(i, "firstSeq"),
      lastSeq: this.#number(i, "lastSeq"),
      maxStep: this.#number(i, "maxStep"),
    };
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
