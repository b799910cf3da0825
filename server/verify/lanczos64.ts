/** Extremal eigenvalues in float64, to hold recorded ones against. Independent of the engine's Lanczos: dense algebra. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { Random } from "../numerics/random.ts";
import { addScaled, dot, norm } from "./products.ts";

export interface RitzPair {
  readonly value: number;
  /** An eigenvalue lies this near `value`. */
  readonly residual: number;
  /** Square of its component along the start. */
  readonly weight: number;
  /** Unit vector, [n]; made when asked for. */
  vector(): Float64Array;
}

/** All Ritz pairs, by value, descending, and the recurrence that they come from: T's diagonal, and [k] β, the last of which leads out of T. */
export interface Spectrum64 {
  readonly pairs: readonly RitzPair[];
  readonly alphas: readonly number[];
  readonly betas: readonly number[];
  readonly applications: number;
}

/** Asked every so many products: an eigenvalue decomposition of T is not free. */
const LOOK_EVERY = 6;

/**
 * Lanczos with full re-orthogonalisation, until `isEnough`.
 *
 * @param apply  v ↦ Hv, new; H symmetric.
 * @param start  [n], not zero.
 * @param isEnough  of the pairs so far.
 * @param most  products at most. Memory: as many vectors of n.
 * @param closed  the space is closed at a β below so much of the largest α.
 */
export function lanczos64(
  apply: (v: Float64Array) => Float64Array<ArrayBuffer>,
  start: Float64Array,
  isEnough: (pairs: readonly RitzPair[]) => boolean,
  most: number,
  closed = 1e-12,
): Spectrum64 {
  const basis: Float64Array[] = [];
  const alphas: number[] = [];
  const betas: number[] = [];
  const n = start.length;
  let next = start.slice();
  scale(next, 1 / norm(next));
  for (;;) {
    const w = apply(next);
    basis.push(next);
    const alpha = dot(next, w);
    alphas.push(alpha);
    // The recurrence is the first pass; twice is enough (Kahan, in Parlett 1980, §6-9).
    addScaled(-alpha, next, 0, w, 0, n);
    const before = basis.at(-2);
    if (before !== undefined) addScaled(-(betas.at(-1) as number), before, 0, w, 0, n);
    for (const q of basis) addScaled(-dot(q, w), q, 0, w, 0, n);
    const beta = norm(w);
    betas.push(beta);
    const k = alphas.length;
    const largest = Math.max(...alphas.map(Math.abs));
    const isOver = k === Math.min(n, most) || beta <= closed * largest;
    if (isOver || k % LOOK_EVERY === 0) {
      const pairs = ritzPairs(basis, alphas, betas);
      if (isOver || isEnough(pairs)) return { pairs, alphas, betas, applications: k };
    }
    next = w;
    scale(next, 1 / beta);
  }
}

/** Of the tridiagonal matrix with this diagonal: the eigenvectors are columns. */
export function tridiagonal64(alphas: readonly number[], betas: readonly number[]): EigenvalueDecomposition {
  const k = alphas.length;
  const tridiagonal = Matrix.zeros(k, k);
  for (let i = 0; i < k; i++) {
    tridiagonal.set(i, i, alphas[i] as number);
    if (i + 1 === k) break;
    tridiagonal.set(i, i + 1, betas[i] as number);
    tridiagonal.set(i + 1, i, betas[i] as number);
  }
  return new EigenvalueDecomposition(tridiagonal, { assumeSymmetric: true });
}

function ritzPairs(basis: readonly Float64Array[], alphas: number[], betas: number[]): RitzPair[] {
  const k = alphas.length;
  const held = basis.slice();
  const { realEigenvalues, eigenvectorMatrix } = tridiagonal64(alphas, betas);
  return realEigenvalues
    .map((value, column): RitzPair => {
      const weights = eigenvectorMatrix.getColumn(column);
      return {
        value,
        residual: (betas[k - 1] as number) * Math.abs(weights[k - 1] as number),
        weight: (weights[0] as number) ** 2,
        vector() {
          const vector = new Float64Array((held[0] as Float64Array).length);
          for (const [i, q] of held.entries())
            addScaled(weights[i] as number, q, 0, vector, 0, vector.length);
          return vector;
        },
      };
    })
    .sort((a, b) => b.value - a.value);
}

/** A start that no eigenvector is orthogonal to. */
export function noise(n: number, random: Random): Float64Array {
  return Float64Array.from({ length: n }, () => random.normal());
}

function scale(a: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) * factor;
}
