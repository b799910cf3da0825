/** Which θ a log holds, and where decoding of each must begin. 12 bytes for each, and 4 for each keyframe. */
import { Column } from "./column.ts";
import { firstIndex } from "./span-index.ts";

export class WeightIndex {
  #seqs = new Column(Float64Array);
  #steps = new Column(Uint32Array);
  /** Places in `#seqs`. */
  #keyframes = new Column(Uint32Array);

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
    const keyframes = new Column(Uint32Array);
    for (let k = 0; k < this.#keyframes.length; k++) {
      const i = this.#keyframes.at(k);
      if (i < from || i >= to) keyframes.push(i < from ? i : i - (to - from));
    }
    this.#keyframes = keyframes;
  }

  /** Hands over all entries to an index that ends before them. */
  appendTo(other: WeightIndex): void {
    let next = 0;
    for (let i = 0; i < this.#seqs.length; i++) {
      const isKeyframe = this.#keyframes.at(next) === i;
      if (isKeyframe) next++;
      other.add(this.#seqs.at(i), this.#steps.at(i), isKeyframe);
    }
  }

  /** The seqs to decode, in order, from the keyframe to this one; undefined where there is no keyframe. */
  chainTo(seq: number): readonly number[] | undefined {
    const at = this.#placeOf(seq);
    if (this.#seqs.at(at) !== seq) return undefined;
    const after = firstIndex(this.#keyframes.length, (i) => this.#keyframes.at(i) > at);
    return after === 0 ? undefined : this.#seqs.slice(this.#keyframes.at(after - 1), at + 1);
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
