/** Which θ a log holds, and where decoding of each must begin. */
import { firstIndex } from "./span-index.ts";

export class WeightIndex {
  #seqs: number[] = [];
  #steps: number[] = [];
  /** Places in `#seqs`. */
  #keyframes: number[] = [];

  add(seq: number, step: number, isKeyframe: boolean): void {
    if (isKeyframe) this.#keyframes.push(this.#seqs.length);
    this.#seqs.push(seq);
    this.#steps.push(step);
  }

  get size(): number {
    return this.#seqs.length;
  }

  /** Forgets what lies before this seq. */
  dropBelow(seq: number): void {
    const dropped = firstIndex(this.#seqs.length, (i) => (this.#seqs[i] as number) >= seq);
    this.#seqs = this.#seqs.slice(dropped);
    this.#steps = this.#steps.slice(dropped);
    this.#keyframes = this.#keyframes.map((i) => i - dropped).filter((i) => i >= 0);
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
