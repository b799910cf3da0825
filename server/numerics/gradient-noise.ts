/** Signal and noise of a gradient, from disjoint batches of one size. */
import { dot } from "./vector.ts";

export interface GradientNoise {
  /** ‖G‖², without the share that noise adds to the square of a mean. May come out negative where G is small. */
  readonly signal: number;
  /** tr Σ: variance of one example's gradient, summed over parameters. */
  readonly noise: number;
  /** Jackknife variances over the batches, and their covariance. */
  readonly signalVariance: number;
  readonly noiseVariance: number;
  readonly covariance: number;
}

/**
 * The unbiased two-batch-size estimator, with batches of b examples as the small size and their union as the large one:
 * ‖G‖² = (B‖g_B‖² − b‖g_b‖²)/(B − b), tr Σ = (‖g_b‖² − ‖g_B‖²)/(1/b − 1/B), ‖g_b‖² the mean over the batches.
 *
 * @param gradients  m ≥ 2 mean gradients of b different examples each, [D]; no example in two of them.
 * @nonfinite a gradient that is not finite makes all NaN.
 * @cost 3mD multiply-adds.
 * @source McCandlish, Kaplan, Amodei et al. 2018, arXiv:1812.06162, appendix A.1.
 * @checked test/streams/gradient-noise-scale.test.ts, against the moments of known populations.
 */
export function gradientNoise(gradients: readonly Float32Array[], batchSize: number): GradientNoise {
  const m = gradients.length;
  if (m < 2) throw new RangeError(`gradients: expected at least 2, got ${m}`);
  const total = new Float32Array((gradients[0] as Float32Array).length);
  const sums = new Float64Array(total.length);
  for (const g of gradients)
    for (let i = 0; i < g.length; i++) sums[i] = (sums[i] as number) + (g[i] as number);
  total.set(sums);
  const squares = gradients.map((g) => dot(g, g));
  const sumOfSquares = squares.reduce((sum, value) => sum + value, 0);
  const squareOfSum = dot(total, total);
  const all = split(m, batchSize, sumOfSquares, squareOfSum);
  const without = gradients.map((g, i) => {
    const square = squares[i] as number;
    return split(m - 1, batchSize, sumOfSquares - square, squareOfSum - 2 * dot(g, total) + square);
  });
  const spread = (a: "signal" | "noise", b: "signal" | "noise") => {
    const mean = (of: "signal" | "noise") => without.reduce((sum, one) => sum + one[of], 0) / m;
    const [meanA, meanB] = [mean(a), mean(b)];
    return ((m - 1) / m) * without.reduce((sum, one) => sum + (one[a] - meanA) * (one[b] - meanB), 0);
  };
  return {
    ...all,
    signalVariance: m > 2 ? spread("signal", "signal") : Number.NaN,
    noiseVariance: m > 2 ? spread("noise", "noise") : Number.NaN,
    covariance: m > 2 ? spread("signal", "noise") : Number.NaN,
  };
}

/** From Σ‖gᵢ‖² and ‖Σgᵢ‖² of m batches. */
function split(m: number, batchSize: number, sumOfSquares: number, squareOfSum: number) {
  return {
    signal: (squareOfSum - sumOfSquares) / (m * (m - 1)),
    noise: (batchSize * (sumOfSquares - squareOfSum / m)) / (m - 1),
  };
}
