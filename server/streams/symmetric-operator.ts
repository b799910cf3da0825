/** What Lanczos is run on: symmetric matrices at θ that can only be applied. */
import type { Linearised } from "../engine/objective.ts";

export interface SymmetricOperator {
  /** Vectors have this many elements. */
  readonly size: number;
  /** v ↦ Av. */
  apply(v: Float32Array): Float32Array;
}

/** H at the point of linearisation. */
export function hessianOperator(linearised: Linearised): SymmetricOperator {
  return { size: linearised.theta.length, apply: (v) => linearised.hessianVectorProduct(v) };
}

/** G, the generalised Gauss–Newton matrix, there. */
export function gaussNewtonOperator(linearised: Linearised): SymmetricOperator {
  return { size: linearised.theta.length, apply: (v) => linearised.gaussNewtonProduct(v) };
}

/**
 * The diagonal block of A that belongs to some of its rows. Each application is one of the whole of A.
 * @param ranges  of rows, in order: [from, to).
 */
export function blockOperator(
  whole: SymmetricOperator,
  ranges: readonly (readonly [from: number, to: number])[],
): SymmetricOperator {
  const size = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
  // Zero outside the block, for good.
  const padded = new Float32Array(whole.size);
  return {
    size,
    apply(v) {
      let at = 0;
      for (const [from, to] of ranges) {
        padded.set(v.subarray(at, at + to - from), from);
        at += to - from;
      }
      const image = whole.apply(padded);
      const block = new Float32Array(size);
      at = 0;
      for (const [from, to] of ranges) {
        block.set(image.subarray(from, to), at);
        at += to - from;
      }
      return block;
    },
  };
}
