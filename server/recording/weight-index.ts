/** Which θ a log holds, and where decoding of each must begin. 12 bytes for each. */
import { Column } from "./column.ts";
import { firstIndex } from "./span-index.ts";

export class WeightIndex {
  #seqs = new Column(Float64Array);
  #steps = new Column(Uint32Array);
  /** Places in `#seqs`. */
  #keyframes: number[] = [];

  get isEmpty(): boolean {
    return this.#seqs.length === 0;
  }

  add(seq: number, step: number, isKeyframe: boolean): void {
    if (isKeyframe) this.#keyframes.push(this.#seqs.length);
    this.#seqs.push(seq);
    this.#steps.push(step);
  }

  get size(): number {
    return this.#seqs.length;
  }

  /** Forgets what lies in [fromSeq, beforeSeq). */
  drop(fromSeq: number, beforeSeq: number): void {
    const from = this.#placeOf(fromSeq);
    const to = this.#placeOf(beforeSeq);
    if (from === to) return;
    this.#seqs = this.#seqs.without(from, to);
    this.#steps = this.#steps.without(from, to);
    this.#keyframes = this.#keyframes.flatMap((i) => (i < from ? [i] : i < to ? [] : [i - (to - from)]));
  }

  /** Hands over all entries to an index that ends before them. */
  appendTo(other: WeightIndex): void {
    const keyframes = new Set(this.#keyframes);
    for (let i = 0; i < this.#seqs.length; i++)
      other.add(this.#seqs.at(i), this.#steps.at(i), keyframes.has(i));
  }

  /** The seqs to decode, in order, from the keyframe to this one; undefined where there is no keyframe. */
  chainTo(seq: number): readonly number[] | undefined {
    const at = this.#placeOf(seq);
    if (this.#seqs.at(at) !== seq) return undefined;
    const after = firstIndex(this.#keyframes.length, (i) => (this.#keyframes[i] as number) > at);
    const keyframe = this.#keyframes[after - 1];
    return keyframe === undefined ? undefined : this.#seqs.slice(keyframe, at + 1);
  }

  /** Steps increase: an optimizer does not go back. */
  seqOfStep(step: number): number | undefined {
    const at = firstIndex(this.#steps.length, (i) => this.#steps.at(i) >= step);
    return this.#steps.at(at) === step ? this.#seqs.at(at) : undefined;
  }

  /** The recorded steps on both sides of one that is not recorded; fewer at the ends. */
  nearest(step: number): readonly number[] {
    const at = firstIndex(this.#steps.length, (i) => this.#steps.at(i) >= step);
    return this.#steps.slice(Math.max(0, at - 1), at + 1);
  }

  /** Of the first θ at or after this seq. */
  #placeOf(seq: number): number {
    return firstIndex(this.#seqs.length, (i) => this.#seqs.at(i) >= seq);
  }
}

export type WeightIndexes = ReadonlyMap<number, WeightIndex>;
