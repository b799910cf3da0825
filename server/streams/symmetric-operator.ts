/** What Lanczos is run on: symmetric matrices at θ that can only be applied. */
import type { Linearised } from "../engine/objective.ts";

export interface SymmetricOperator {
  /** Vectors have this many elements. */
  readonly size: number;
  /** v ↦ Av, valid until the next call: hundreds of them in a row would otherwise leave megabytes behind each millisecond. */
  apply(v: Float32Array): Float32Array;
}

/** H at the point of linearisation. */
export function hessianOperator(linearised: Linearised): SymmetricOperator {
  const out = new Float32Array(linearised.theta.length);
  return { size: out.length, apply: (v) => linearised.hessianVectorProduct(v, out) };
}

/**
 * P^{-1/2}(H + λI)P^{-1/2}: symmetric, with the eigenvalues of P⁻¹(H + λI).
 * @param diagonal  of P, positive. @param weightDecay  λ of L2 in the gradient.
 */
export function preconditionedOperator(
  hessian: SymmetricOperator,
  diagonal: Float32Array,
  weightDecay: number,
): SymmetricOperator {
  const scale = Float64Array.from(diagonal, (value) => 1 / Math.sqrt(value));
  const scaled = new Float32Array(diagonal.length);
  return {
    size: hessian.size,
    apply(v) {
      for (let i = 0; i < scaled.length; i++) scaled[i] = (v[i] as number) * (scale[i] as number);
      const image = hessian.apply(scaled);
      for (let i = 0; i < image.length; i++) {
        image[i] = ((image[i] as number) + weightDecay * (scaled[i] as number)) * (scale[i] as number);
      }
      return image;
    },
  };
}

/** G, the generalised Gauss–Newton matrix, there. */
export function gaussNewtonOperator(linearised: Linearised): SymmetricOperator {
  const out = new Float32Array(linearised.theta.length);
  return { size: out.length, apply: (v) => linearised.gaussNewtonProduct(v, out) };
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
  const block = new Float32Array(size);
  return {
    size,
    apply(v) {
      let at = 0;
      for (const [from, to] of ranges) {
        padded.set(v.subarray(at, at + to - from), from);
        at += to - from;
      }
      const image = whole.apply(padded);
      at = 0;
      for (const [from, to] of ranges) {
        block.set(image.subarray(from, to), at);
        at += to - from;
      }
      return block;
    },
  };
}
