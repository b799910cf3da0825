/** How much of a spectrum lies below a point, as far as a quadrature can say. */
import type { Quadrature } from "./lanczos-quadrature.ts";
import { tridiagonalEigen } from "./tridiagonal.ts";

export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Relative to ‖T‖. A point nearer to a node than that is taken to lie beside it: T with the point as a node would have no finite end. */
const BESIDE = 2 ** -26;

/**
 * Bounds of the mass in (−∞, x) that hold for every measure with the moments that the quadrature integrates: of all such measures, one has
 * the least in (−∞, x), and one the most in (−∞, x]. They differ by what the Gauss–Radau rule with a node at x puts there.
 *
 * @param x  finite. @cost one tridiagonal eigenvalue problem of steps + 1.
 * @source Chebyshev, Markov and Stieltjes: Szegő 1975, *Orthogonal Polynomials*, §3.41; the rule: Golub 1973, SIAM Review 15(2):318.
 * @checked test/numerics/mass-below.test.ts, against measures whose every point is known.
 */
export function massBelow({ alphas, betas }: Pick<Quadrature, "alphas" | "betas">, x: number): Bounds {
  const scale = Math.max(...alphas.map((alpha, i) => Math.abs(alpha) + (betas[i] as number)), Math.abs(x));
  // Pivots of T − x: as many nodes lie below x as there are negative ones.
  let below = 0;
  let pivot = Number.POSITIVE_INFINITY;
  for (const [i, alpha] of alphas.entries()) {
    pivot = alpha - x - (betas[i - 1] ?? 0) ** 2 / pivot;
    if (Math.abs(pivot) < BESIDE * scale) pivot = BESIDE * scale;
    if (pivot < 0) below++;
  }
  const end = x + (betas.at(-1) as number) ** 2 / pivot;
  const { rows } = tridiagonalEigen([...alphas, end], betas, [0]);
  const weights = (rows[0] as Float64Array).map((component) => component * component);
  const least = weights.subarray(0, below).reduce((sum, weight) => sum + weight, 0);
  return { least, most: least + (weights[below] as number) };
}
