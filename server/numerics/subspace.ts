/** Subspaces of parameter space, each given by orthonormal vectors. */
import { KrylovBasis } from "./krylov-basis.ts";
import type { Random } from "./random.ts";
import { dot } from "./vector.ts";

/** ‖QQᵀv‖²/‖v‖²: the share of a vector's square that lies in span(Q). NaN for zero. @cost a dot product for each vector of Q. */
export function shareWithin(basis: readonly Float32Array[], v: Float32Array): number {
  return basis.reduce((sum, q) => sum + dot(q, v) ** 2, 0) / dot(v, v);
}

/**
 * ‖AᵀB‖_F² / k for two bases of k: 1 where the subspaces are the same, 0 where they are orthogonal, k/n in the mean over random ones.
 * Does not depend on which bases of them are taken.
 *
 * @cost k² dot products.
 * @source Gur-Ari, Roberts & Dyer 2018, arXiv:1812.04754, §3.
 */
export function overlap(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(`basis: expected two of one size, got ${a.length} and ${b.length}`);
  let sum = 0;
  for (const p of a) for (const q of b) sum += dot(p, q) ** 2;
  return sum / a.length;
}

/** Drawn uniformly from the k-dimensional subspaces of [n]. @cost k·n normals, and 2k² n multiply-adds to orthonormalise them. */
export function randomSubspace(k: number, n: number, random: Random): Float32Array[] {
  const basis = new KrylovBasis(n, k);
  const vectors: Float32Array[] = [];
  const scratch = new Float64Array(k);
  while (vectors.length < k) {
    basis.w.set(random.fillNormal(new Float32Array(n)));
    for (let pass = 0; pass < 2; pass++) basis.projectOut(scratch);
    vectors.push(basis.append(basis.norm()));
  }
  return vectors;
}
