import { createRandom, type Random } from "../../numerics/random.ts";
import { UserError } from "../user-error.ts";
import type { Dataset, Split } from "./dataset.ts";

/** Eigenvalues of the covariance, descending: 1/1, 1/2, …, 1/20. All differ, so that every critical point of a linear autoencoder is known. */
export const GAUSSIAN_SPECTRUM: readonly number[] = Array.from({ length: 20 }, (_, i) => 1 / (i + 1));

/**
 * Gaussian points whose covariance is known, and diagonal. That of the training set is so exactly, to float32's rounding: its columns are
 * made orthogonal and scaled. The test set is drawn from the same distribution and left as it falls.
 * What is to be learned are the points themselves.
 * @throws {UserError} `train-size` for as many points as dimensions or fewer: they cannot have that covariance.
 */
export function gaussianDataset(
  size: { readonly train: number; readonly test: number },
  seed: number,
): Dataset {
  const dimensions = GAUSSIAN_SPECTRUM.length;
  if (size.train <= dimensions) {
    throw new UserError(
      "train-size",
      `train-size: expected more than the ${dimensions} dimensions of dataset gaussian, got ${size.train}`,
    );
  }
  const random = createRandom(seed).stream("gaussian");
  return {
    name: "gaussian",
    outputs: dimensions,
    exampleShape: [dimensions],
    scaling: `Gaussian, mean 0, covariance diagonal with 1/1, 1/2, …, 1/${dimensions}, exactly so in the training set`,
    train: split(size.train, whitened(size.train, random.stream("train"))),
    test: split(size.test, normals(size.test, random.stream("test"))),
  };
}

/** Columns of independent standard normals, [dimensions][size]. */
function normals(size: number, random: Random): Float64Array[] {
  return GAUSSIAN_SPECTRUM.map(() => Float64Array.from({ length: size }, () => random.normal()));
}

/** The same with mean 0, variance 1 and covariance 0: Gram–Schmidt, twice because once leaves rounding behind. */
function whitened(size: number, random: Random): Float64Array[] {
  const columns = normals(size, random);
  const ones = new Float64Array(size).fill(1);
  columns.forEach((column, i) => {
    for (const earlier of [ones, ...columns.slice(0, i), ones, ...columns.slice(0, i)]) {
      const share = dot(column, earlier) / size;
      for (let t = 0; t < size; t++) column[t] = (column[t] as number) - share * (earlier[t] as number);
    }
    const deviation = Math.sqrt(dot(column, column) / size);
    for (let t = 0; t < size; t++) column[t] = (column[t] as number) / deviation;
  });
  return columns;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, t) => sum + value * (b[t] as number), 0);
}

function split(size: number, columns: readonly Float64Array[]): Split {
  const dimensions = columns.length;
  const points = new Float32Array(size * dimensions);
  columns.forEach((column, i) => {
    const deviation = Math.sqrt(GAUSSIAN_SPECTRUM[i] as number);
    for (let t = 0; t < size; t++) points[t * dimensions + i] = deviation * (column[t] as number);
  });
  return {
    size,
    labels: null,
    targets: points,
    write: (example, out, offset) =>
      out.set(points.subarray(example * dimensions, (example + 1) * dimensions), offset),
  };
}
