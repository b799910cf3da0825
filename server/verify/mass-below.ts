/** How much of the spectrum that a vector sees lies below a limit, as far as its Lanczos quadrature says. */
import { type Spectrum64, tridiagonal64 } from "./lanczos64.ts";

/** The end that makes the limit a node goes to infinity where the limit is a node already. */
const MOST = 2 ** 26;

/**
 * The masses strictly below the limit, and up to it, of the quadrature with one node more, which lies there (Gauss–Radau): no spectrum with
 * the same moments has less below, or more (Chebyshev, Markov, Stieltjes).
 */
export function massBelow64({ pairs, alphas, betas }: Spectrum64, limit: number): readonly [number, number] {
  const scale = Math.max(...pairs.map(({ value }) => Math.abs(value)));
  const beyond = pairs.reduce((sum, { value, residual }) => sum + residual ** 2 / (value - limit), 0);
  const end = limit + Math.max(-MOST * scale, Math.min(beyond, MOST * scale));
  const { realEigenvalues, eigenvectorMatrix } = tridiagonal64([...alphas, end], betas);
  const nodes = realEigenvalues
    .map((value, column) => ({ value, weight: eigenvectorMatrix.get(0, column) ** 2 }))
    .sort((a, b) => a.value - b.value);
  const away = nodes.map(({ value }) => Math.abs(value - limit));
  const at = away.indexOf(Math.min(...away));
  const below = nodes.slice(0, at).reduce((sum, { weight }) => sum + weight, 0);
  return [below, below + (nodes[at]?.weight ?? 0)];
}
