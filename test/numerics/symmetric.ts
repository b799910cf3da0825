/** Symmetric matrices for the tests, with dense eigenvalues from ml-matrix. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { createRandom } from "../../server/numerics/random.ts";

/** Gaussian orthogonal ensemble: nothing special about its spectrum. */
export function randomSymmetric(n: number, seed: number): Matrix {
  const random = createRandom(seed);
  const a = Matrix.zeros(n, n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const value = random.normal();
      a.set(i, j, value);
      a.set(j, i, value);
    }
  return a;
}

/** QDQᵀ with these eigenvalues and Q from a random symmetric matrix's eigenvectors. */
export function withSpectrum(spectrum: readonly number[], seed: number): { matrix: Matrix; vectors: Matrix } {
  const { eigenvectorMatrix: q } = new EigenvalueDecomposition(randomSymmetric(spectrum.length, seed), {
    assumeSymmetric: true,
  });
  return { matrix: q.mmul(Matrix.diag([...spectrum])).mmul(q.transpose()), vectors: q };
}

/** Ascending. */
export function denseEigenvalues(a: Matrix): number[] {
  return new EigenvalueDecomposition(a, { assumeSymmetric: true }).realEigenvalues.sort((x, y) => x - y);
}

/** v ↦ Av, summed in float64 and rounded to float32. */
export function product(a: Matrix): (v: Float32Array) => Float32Array {
  const rows = a.to2DArray();
  return (v) =>
    Float32Array.from(rows, (row) => {
      let sum = 0;
      for (let j = 0; j < row.length; j++) sum += (row[j] as number) * (v[j] as number);
      return sum;
    });
}

/** The same with every product and sum rounded to float32, as a network's Hessian is applied. */
export function float32Product(a: Matrix): (v: Float32Array) => Float32Array {
  const rows = a.to2DArray().map((row) => Float32Array.from(row));
  return (v) =>
    Float32Array.from(rows, (row) => {
      let sum = 0;
      for (let j = 0; j < row.length; j++)
        sum = Math.fround(sum + Math.fround((row[j] as number) * (v[j] as number)));
      return sum;
    });
}
