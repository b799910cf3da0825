/** The whole Hessian of a small network in float64, and all of its eigenvalues. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { Objective64 } from "./objective.ts";

/** Above this an eigenvalue decomposition takes minutes: its cost grows with the cube. */
export const MOST_DENSE = 3000;

/**
 * @returns all D eigenvalues, descending.
 * @param onColumn  told before each column of H.
 * @cost D Hessian-vector products and some 10·D³ operations; 16·D² bytes.
 */
export async function denseSpectrum(
  objective: Objective64,
  onColumn: (column: number) => Promise<void>,
): Promise<Float64Array> {
  const size = objective.parameterCount;
  const hessian = Matrix.zeros(size, size);
  for (let column = 0; column < size; column++) {
    await onColumn(column);
    const unit = new Float64Array(size);
    unit[column] = 1;
    hessian.setColumn(column, Array.from(objective.apply(unit)));
  }
  const symmetric = Matrix.add(hessian, hessian.transpose()).mul(0.5);
  const { realEigenvalues } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
  return Float64Array.from(realEigenvalues).sort().reverse();
}
