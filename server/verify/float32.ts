/**
 * What float32 may make of numbers that are known in float64.
 *
 * Rounding errors are carried through to first order. With u = 2⁻²⁴, a sum z of K products is off by about u times the root of its
 * squared partial sums, because rounding errors are as good as random (Higham & Mary 2019, SIAM J. Sci. Comput. 41(5):A2815). These are
 * ‖(h, 1)‖²‖(w, b)‖² where its terms have mixed signs, and Kz²/3 where they have one; we take both. All results are standard deviations:
 * four of them are tolerated.
 */
import type { Passed } from "./layers.ts";
import type { OutputLoss } from "./losses.ts";
import { norm } from "./products.ts";

/** Unit roundoff of float32. */
export const UNIT_ROUNDOFF = 2 ** -24;
export const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

/** Of a layer and all examples: ∂ℓ_i/∂z, and before φ′, ∂ℓ_i/∂h; [n × outputs]. */
export interface Bars {
  readonly z: Float64Array;
  readonly h: Float64Array;
}

/**
 * Of the mean loss: each z is off by itself, each example by all of its z. Over examples the errors are taken to add up.
 *
 * @param floor  of each example, in units of u: log Σ exp is off by u even where it is nearly 0.
 */
export function lossNoise(
  passed: readonly Passed[],
  bars: readonly Bars[],
  losses: Float64Array,
  floor: number,
): number {
  let noise = 0;
  for (const [i, loss] of losses.entries()) {
    let squares = 0;
    for (const [l, { layer, off }] of passed.entries()) {
      const { z } = bars[l] as Bars;
      for (let at = i * layer.outputs; at < (i + 1) * layer.outputs; at++)
        squares += ((z[at] as number) * (off[at] as number)) ** 2;
    }
    noise += Math.sqrt(squares) + loss + floor;
  }
  return (UNIT_ROUNDOFF * noise) / losses.length;
}

/**
 * Of the gradient, as a norm. Each example's outer products h ⊗ z̄ are off by the error of h and that of z̄. Errors are taken for random
 * vectors: a matrix W stretches one by ‖W‖_F/√inputs, backwards by ‖W‖_F/√outputs, and those of different examples are independent.
 * Then the sum itself is rounded. A convolution is such a matrix, and has one outer product for each of its windows, over which errors
 * spread evenly.
 */
export function gradientNoise(passed: readonly Passed[], bars: readonly Bars[], end: OutputLoss): number {
  const n = end.losses.length;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const forward: number[] = [];
    for (const [l, { layer, off, frobenius }] of passed.entries()) {
      const carried = (frobenius / Math.sqrt(layer.inputs)) * (forward[l - 1] ?? 0);
      forward.push(Math.hypot(rowNorm(off, i, layer.outputs), carried));
    }
    let above = end.stiffness(i) * (forward.at(-1) as number);
    for (let l = passed.length - 1; l >= 0; l--) {
      const { layer, norms, second, frobenius } = passed[l] as Passed;
      const { z, h } = bars[l] as Bars;
      const rows = norms.length / n;
      const width = layer.outputs / rows;
      let [bend, bar, zBar, square, terms] = [0, 0, 0, 0, 0];
      for (let row = i * rows; row < (i + 1) * rows; row++) {
        let [largest, own] = [0, 0];
        for (let at = row * width; at < (row + 1) * width; at++) {
          bend = Math.max(bend, Math.abs((h[at] as number) * (second[at] as number)));
          largest = Math.max(largest, Math.abs(h[at] as number));
          own += (z[at] as number) ** 2;
        }
        const rowSquare = (norms[row] as number) ** 2;
        bar += largest ** 2;
        zBar += own;
        square += rowSquare / rows;
        terms += rowSquare * own;
      }
      // φ′ near 0 may be off by u itself, where it is a small difference, as that of swish is.
      const error = Math.hypot(above, bend * (forward[l] as number), Math.sqrt(bar), Math.sqrt(zBar));
      // A window sees but a part of the input's error.
      const seen = (layer.terms / layer.inputs) * (forward[l - 1] ?? 0) ** 2;
      squares += square * error ** 2 + seen * zBar + n * rows * terms;
      above = (frobenius / Math.sqrt(layer.outputs)) * error;
    }
  }
  return (UNIT_ROUNDOFF / n) * Math.sqrt(squares);
}

/**
 * Of H, as a norm, where its largest eigenvalue has this size: rounding of the longest sums, and of φ″ near 0, which may be off by u and
 * weighs ∂L/∂h.
 */
export function hessianNoise(
  passed: readonly Passed[],
  bars: readonly Bars[],
  largest: number,
  n: number,
): number {
  const longest = Math.max(...passed.flatMap(({ layer, norms }) => [layer.terms, norms.length]));
  let bends = 0;
  for (const [l, { layer, norms }] of passed.entries()) {
    if (layer.activation === "linear") continue;
    const h = bars[l]?.h as Float64Array;
    const width = h.length / norms.length;
    for (let row = 0; row < norms.length; row++) {
      let bar = 0;
      for (let at = row * width; at < (row + 1) * width; at++) bar = Math.max(bar, Math.abs(h[at] as number));
      bends += bar * (norms[row] as number) ** 2;
    }
  }
  return UNIT_ROUNDOFF * (Math.sqrt(longest) * largest + bends / n);
}

/** Of row i of a matrix with k columns. */
function rowNorm(a: Float64Array, i: number, k: number): number {
  return norm(a.subarray(i * k, (i + 1) * k));
}
