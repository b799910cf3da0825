/** Which θ a log holds, and where decoding of each must begin. */
import { firstIndex } from "./span-index.ts";

export class WeightIndex {
  #seqs: number[] = [];
  #steps: number[] = [];
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
    const from = firstIndex(this.#seqs.length, (i) => (this.#seqs[i] as number) >= fromSeq);
    const to = firstIndex(this.#seqs.length, (i) => (this.#seqs[i] as number) >= beforeSeq);
    this.#seqs.splice(from, to - from);
    this.#steps.splice(from, to - from);
    this.#keyframes = this.#keyframes.flatMap((i) => (i < from ? [i] : i < to ? [] : [i - (to - from)]));
  }

  /** Hands over all entries to an index that ends before them. */
  appendTo(other: WeightIndex): void {
    const keyframes = new Set(this.#keyframes);
    this.#seqs.forEach((seq, i) => {
      other.add(seq, this.#steps[i] as number, keyframes.has(i));
    });
  }

  /** The seqs to decode, in order, from the keyframe to this one; undefined where there is no keyframe. */
  chainTo(seq: number): readonly number[] | undefined {
    const at = firstIndex(this.#seqs.length, (i) => (this.#seqs[i] as number) >= seq);
    if (this.#seqs[at] !== seq) return undefined;
    const after = firstIndex(this.#keyframes.length, (i) => (this.#keyframes[i] as number) > at);
    const keyframe = this.#keyframes[after - 1];
    return keyframe === undefined ? undefined : this.#seqs.slice(keyframe, at + 1);
  }

  /** Steps increase: an optimizer does not go back. */
  seqOfStep(step: number): number | undefined {
    const at = firstIndex(this.#steps.length, (i) => (this.#steps[i] as number) >= step);
    return this.#steps[at] === step ? this.#seqs[at] : undefined;
  }

  /** The recorded steps on both sides of one that is not recorded; fewer at the ends. */
  nearest(step: number): readonly number[] {
    const at = firstIndex(this.#steps.length, (i) => (this.#steps[i] as number) >= step);
    return this.#steps.slice(Math.max(0, at - 1), at + 1);
  }
}

export type WeightIndexes = ReadonlyMap<number, WeightIndex>;
