/** All samples of one channel, in columns: rows in order of (step, seq), one series per drawable field, raw values where a number is not enough. */
import type { StreamDescriptor } from "../../shared/stream.ts";
import type { Value } from "../../shared/value.ts";
import type { ReceivedSample } from "../connection/subscription.ts";
import { expandPath, listLengthAt, valueAt } from "./field-path.ts";
import { Rows, Series } from "./series.ts";

export type HistorySample = ReceivedSample;

/** Raw values kept per channel; older ones are forgotten, their numbers stay in the columns. */
export const RAW_LIMIT = 20_000;

export class ChannelTable {
  readonly descriptor: StreamDescriptor;
  readonly rows = new Rows();
  readonly #series = new Map<string, Series>();
  /** One reader per series, and the patterns with "*" that may yet bring more. */
  #readers: { readonly parts: readonly string[]; readonly series: Series }[] = [];
  readonly #patterns: { readonly pattern: string; elements: number }[] = [];
  /** Raw value of row i is at i − #rawStart. Empty for channels of bare numbers. */
  #raw: Value[] = [];
  #rawStart = 0;
  #newestSeq = -1;
  #late: HistorySample[] = [];

  constructor(descriptor: StreamDescriptor) {
    this.descriptor = descriptor;
    for (const { path } of descriptor.fields) {
      if (path.includes("*")) this.#patterns.push({ pattern: path, elements: 0 });
      else this.#ensure(path);
    }
  }

  /** Series in order of first appearance. */
  get series(): readonly Series[] {
    this.settle();
    return [...this.#series.values()];
  }

  get newestSeq(): number {
    return this.#newestSeq;
  }

  get byteLength(): number {
    let sum = this.rows.byteLength;
    for (const series of this.#series.values()) sum += series.byteLength;
    return sum;
  }

  /** The series of a path, made on first request; paths outside the descriptor are filled from the raw values still held. */
  seriesOf(path: string): Series {
    this.settle();
    const known = this.#series.get(path);
    if (known) return known;
    const series = this.#ensure(path);
    if (this.#raw.length > 0) this.#rebuild([]);
    return series;
  }

  /** Appends; a sample older than the newest row waits for {@link settle}. */
  push(sample: HistorySample): void {
    const { rows } = this;
    const last = rows.length - 1;
    if (last >= 0 && (sample.seq <= this.#newestSeq || sample.step < rows.steps.at(last))) {
      this.#late.push(sample);
      return;
    }
    this.#append(sample);
  }

  /** Sorts late samples in; a seq that is already held is the same sample again and is passed over. */
  settle(): void {
    if (this.#late.length === 0) return;
    const late = this.#late;
    this.#late = [];
    this.#rebuild(late);
  }

  /** Newest sample at or before the step, as it came. undefined before the first, or when it is no longer held. */
  rawAtOrBefore(step: number): { readonly step: number; readonly value: Value } | undefined {
    this.settle();
    const row = this.rows.steps.lowerBound(step + 1) - 1;
    const value = this.#raw[row - this.#rawStart];
    return row < 0 || value === undefined ? undefined : { step: this.rows.steps.at(row), value };
  }

  /** Raw values held, oldest first. */
  *raw(): Generator<{
    readonly step: number;
    readonly seq: number;
    readonly wallTimeMs: number;
    readonly value: Value;
  }> {
    this.settle();
    for (let i = 0; i < this.#raw.length; i++) {
      const row = this.#rawStart + i;
      yield {
        step: this.rows.steps.at(row),
        seq: this.rows.seqs.at(row),
        wallTimeMs: this.rows.wallTimesMs.at(row),
        value: this.#raw[i] as Value,
      };
    }
  }

  #ensure(path: string): Series {
    let series = this.#series.get(path);
    if (!series) {
      series = new Series(this.descriptor.name, path, this.rows);
      this.#series.set(path, series);
      this.#readers.push({ parts: path === "" ? [] : path.split("."), series });
    }
    return series;
  }

  #append(sample: HistorySample): void {
    this.rows.push(sample.step, sample.seq, sample.wallTimeMs);
    this.#newestSeq = Math.max(this.#newestSeq, sample.seq);
    const { value } = sample;
    if (typeof value === "number") {
      this.#series.get("")?.push(value);
      if (this.#raw.length > 0) this.#raw = [];
      this.#rawStart = this.rows.length;
      return;
    }
    for (const entry of this.#patterns) {
      const elements = listLengthAt(value, entry.pattern);
      if (elements <= entry.elements) continue;
      entry.elements = elements;
      for (const path of expandPath(value, entry.pattern)) this.#ensure(path);
    }
    for (const { parts, series } of this.#readers) {
      const number = valueAt(value, parts);
      if (number !== null) series.push(number);
    }
    this.#keepRaw(value);
  }

  #keepRaw(value: Value): void {
    // A heavy value (all of θ) is kept only as the newest one: D floats per row would have no bound.
    const limit = this.descriptor.heavy ? 1 : RAW_LIMIT;
    this.#raw.push(value);
    // In blocks, so that forgetting costs O(1) a sample.
    if (this.#raw.length >= limit + Math.max(1, Math.floor(limit / 8))) {
      const forget = this.#raw.length - limit;
      this.#raw.splice(0, forget);
      this.#rawStart += forget;
    }
  }

  /** Writes everything anew with the late samples in their places. O(rows + late), once per batch. */
  #rebuild(late: readonly HistorySample[]): void {
    const held = this.#drain();
    const seqs = new Set(held.map((sample) => sample.seq));
    const fresh: HeldSample[] = [];
    for (const sample of late) {
      if (seqs.has(sample.seq)) continue;
      seqs.add(sample.seq);
      fresh.push(sample);
    }
    fresh.sort(byStepThenSeq);
    this.rows.clear();
    for (const series of this.#series.values()) series.clear();
    this.#raw = [];
    this.#rawStart = 0;
    let next = 0;
    for (const sample of held) {
      while (next < fresh.length && byStepThenSeq(fresh[next] as HeldSample, sample) < 0) {
        this.#restore(fresh[next++] as HeldSample);
      }
      this.#restore(sample);
    }
    while (next < fresh.length) this.#restore(fresh[next++] as HeldSample);
  }

  #restore(sample: HeldSample): void {
    if (sample.numbers === undefined) {
      this.#append(sample as HistorySample);
      return;
    }
    this.rows.push(sample.step, sample.seq, sample.wallTimeMs);
    for (const [series, number] of sample.numbers) series.push(number);
    this.#rawStart = this.rows.length;
    this.#raw = [];
  }

  /** Rows as samples: whole where the raw value is held, else as the numbers of their columns. */
  #drain(): HeldSample[] {
    const { rows } = this;
    const all = [...this.#series.values()];
    const held: HeldSample[] = [];
    for (let row = 0; row < rows.length; row++) {
      const place = {
        step: rows.steps.at(row),
        seq: rows.seqs.at(row),
        wallTimeMs: rows.wallTimesMs.at(row),
      };
      const value = this.#raw[row - this.#rawStart];
      if (value !== undefined) {
        held.push({ ...place, channel: this.descriptor.name, value });
        continue;
      }
      const numbers: [Series, number][] = [];
      for (const series of all) {
        const index = series.indexOfRow(row);
        if (index >= 0) numbers.push([series, series.valueAt(index)]);
      }
      held.push({ ...place, numbers });
    }
    return held;
  }
}

interface HeldSample {
  readonly step: number;
  readonly seq: number;
  readonly wallTimeMs: number;
  readonly channel?: string;
  readonly value?: Value;
  readonly numbers?: readonly (readonly [Series, number])[];
}

function byStepThenSeq(a: HeldSample, b: HeldSample): number {
  return a.step - b.step || a.seq - b.seq;
}
