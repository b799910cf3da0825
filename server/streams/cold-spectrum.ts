/** The largest eigenvalues of an operator by themselves: for measurements too far apart for a warm start to be worth anything. */
import type { Eigenvalue } from "../../shared/readings.ts";
import { extremalEigenpairs } from "../numerics/lanczos.ts";
import { createRandom } from "../numerics/random.ts";
import type { SymmetricOperator } from "./symmetric-operator.ts";

const TOLERANCE = 1e-3;
const MAX_APPLICATIONS = 32;

/**
 * @param options.count  from the top, in algebraic order; fewer where the operator is smaller.
 * @param options.label  names the noise, with seed and step: operators of one run must differ in it.
 * @nonfinite NaN, `converged: false`.
 * @cost at most 32 applications; 32 × size float32.
 */
export function largestEigenvalues(
  operator: SymmetricOperator,
  options: { readonly count: number; readonly seed: number; readonly label: string; readonly step: number },
): { readonly top: readonly Eigenvalue[]; readonly applications: number } {
  const { count, seed, label, step } = options;
  const n = operator.size;
  const random = createRandom(seed).stream(label).stream(step);
  const { top, applications } = extremalEigenpairs(operator.apply, {
    n,
    top: Math.min(count, n),
    bottom: 0,
    start: random.fillSigns(new Float32Array(n)),
    tolerance: TOLERANCE,
    maxApplications: Math.min(MAX_APPLICATIONS, n),
  });
  return {
    top: top.map(({ value, residual, converged }) => ({ value, residual, converged })),
    applications,
  };
}
