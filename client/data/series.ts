/** One drawable number over steps, in columns. A row is a sample of the channel; a field that a sample lacks has no row here. */
import { type Column, float64Column, uint32Column } from "./column.ts";
import { type Extremes, Pyramid } from "./pyramid.ts";

/** The steps, seqs and times of a channel's samples, shared by all its series; ascending in (step, seq). */
export class Rows {
  readonly steps: Column<Uint32Array> = uint32Column();
  readonly seqs: Column<Float64Array> = float64Column();
  readonly wallTimesMs: Column<Float64Array> = float64Column();

  get length(): number {
    return this.steps.length;
  }

  get byteLength(): number {
    return this.steps.byteLength + this.seqs.byteLength + this.wallTimesMs.byteLength;
  }

  push(step: number, seq: number, wallTimeMs: number): void {
    this.steps.push(step);
    this.seqs.push(seq);
    this.wallTimesMs.push(wallTimeMs);
  }

  clear(): void {
    this.steps.clear();
    this.seqs.clear();
    this.wallTimesMs.clear();
  }
}

export class Series {
  readonly channel: string;
  /** Expanded: "top.0.value"; "" for a bare number. */
  readonly path: string;
  readonly rows: Rows;
  #values: Column<Float64Array> = float64Column();
  #pyramid = new Pyramid(this.#values);
  /** Row of each value; null while every row of the channel has one. */
  #rowOf: Column<Uint32Array> | null = null;
  #nonFinite: Column<Uint32Array> = uint32Column();

  constructor(channel: string, path: string, rows: Rows) {
    this.channel = channel;
    this.path = path;
    this.rows = rows;
  }

  /** "hessian/eigenvalues:top.0.value"; the channel alone for a bare number. */
  get key(): string {
    return seriesKey(this.channel, this.path);
  }

  get length(): number {
    return this.#values.length;
  }

  get byteLength(): number {
    return this.#values.byteLength + this.#pyramid.byteLength + (this.#rowOf?.byteLength ?? 0);
  }

  valueAt(index: number): number {
    return this.#values.at(index);
  }

  stepAt(index: number): number {
    return this.rows.steps.at(this.rowAt(index));
  }

  seqAt(index: number): number {
    return this.rows.seqs.at(this.rowAt(index));
  }

  wallTimeMsAt(index: number): number {
    return this.rows.wallTimesMs.at(this.rowAt(index));
  }

  rowAt(index: number): number {
    return this.#rowOf ? this.#rowOf.at(index) : index;
  }

  /** Index of the value in this row of the channel, −1 where that sample lacks the field. */
  indexOfRow(row: number): number {
    const index = this.indexFromRow(row);
    return index < this.length && this.rowAt(index) === row ? index : -1;
  }

  /** First index in this row of the channel or a later one; `length` if none. */
  indexFromRow(row: number): number {
    return this.#rowOf ? this.#rowOf.lowerBound(row) : Math.min(row, this.length);
  }

  /** First index whose step is ≥ `step`; `length` if none. */
  lowerBound(step: number): number {
    return this.indexFromRow(this.rows.steps.lowerBound(step));
  }

  /** The newest sample at or before `step`: what a sparse series shows at a cursor between two measurements. −1 if none. */
  indexAtOrBefore(step: number): number {
    return this.lowerBound(step + 1) - 1;
  }

  /** {@link indexAtOrBefore} with its value and how many steps old it is; null before the first sample. */
  at(step: number): Reading | null {
    const index = this.indexAtOrBefore(step);
    if (index < 0) return null;
    const measured = this.stepAt(index);
    return { index, step: measured, value: this.valueAt(index), ageSteps: step - measured };
  }

  /** The newest sample; null while empty. */
  latest(): Reading | null {
    return this.length === 0 ? null : this.at(this.stepAt(this.length - 1));
  }

  /** Extremes of the finite values at indices from ≤ i < to; min > max when there is none. */
  extremes(from: number, to: number, out: Extremes = { min: 0, max: 0 }): Extremes {
    this.#pyramid.query(from, to, out);
    return out;
  }

  /** Indices in from < i < to at which the value is another than the one before, ascending. O(log n) for each. */
  changes(from: number, to: number, found: number[] = []): readonly number[] {
    const { min, max } = this.extremes(from, to);
    if (min >= max) return found;
    if (to - from === 2) {
      found.push(from + 1);
      return found;
    }
    const middle = (from + to) >>> 1;
    this.changes(from, middle + 1, found);
    return this.changes(middle, to, found);
  }

  /** Indices of NaN and ±∞ in from ≤ i < to, ascending. */
  nonFinite(from: number, to: number): Uint32Array {
    const first = this.#nonFinite.lowerBound(from);
    return this.#nonFinite.view().subarray(first, this.#nonFinite.lowerBound(to));
  }

  /** The value of the row just pushed to `rows`. */
  push(value: number): void {
    const row = this.rows.length - 1;
    if (!this.#rowOf && row !== this.length) {
      this.#rowOf = uint32Column();
      for (let i = 0; i < this.length; i++) this.#rowOf.push(i);
    }
    this.#rowOf?.push(row);
    if (!Number.isFinite(value)) this.#nonFinite.push(this.length);
    this.#values.push(value);
  }

  clear(): void {
    this.#values.clear();
    this.#pyramid.clear();
    this.#nonFinite.clear();
    this.#rowOf = null;
  }
}

export interface Reading {
  readonly index: number;
  /** Step at which it was measured. */
  readonly step: number;
  readonly value: number;
  /** Steps between the measurement and the step asked about. */
  readonly ageSteps: number;
}

export function seriesKey(channel: string, path: string): string {
  return path === "" ? channel : `${channel}:${path}`;
}
