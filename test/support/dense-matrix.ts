/** Matrices that can only be applied, written out. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** Column by column; the symmetric part of it. */
export function denseMatrix(n: number, apply: (v: Float32Array) => Float32Array): Matrix {
  const matrix = Matrix.zeros(n, n);
  for (let column = 0; column < n; column++) {
    const unit = new Float32Array(n);
    unit[column] = 1;
    for (const [row, value] of apply(unit).entries()) matrix.set(row, column, value);
  }
  return Matrix.add(matrix, matrix.transpose()).mul(0.5);
}

/** Descending. */
export function denseEigenvalues(matrix: Matrix): number[] {
  return new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues.sort((a, b) => b - a);
}
