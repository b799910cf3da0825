/** Intervals for a ratio of two means, where the denominator may be near zero. */

/** Two estimates from the same data, with their variances and covariance. */
export interface RatioOf {
  readonly numerator: number;
  readonly denominator: number;
  readonly numeratorVariance: number;
  readonly denominatorVariance: number;
  readonly covariance: number;
}

/**
 * 95 % interval for numerator/denominator, of a ratio that is known to be ≥ 0. Where the denominator cannot be told from zero the upper
 * end is ∞: any larger ratio would fit the data as well.
 *
 * @param freedom  degrees of freedom of the variances, ≥ 3.
 * @nonfinite NaN in, NaN out.
 * @source Fieller 1954, *Some problems in interval estimation*, J. R. Stat. Soc. B 16:175.
 */
export function ratioInterval(of: RatioOf, freedom: number): readonly [low: number, high: number] {
  const { numerator, denominator, numeratorVariance, denominatorVariance, covariance } = of;
  const t2 = studentQuantile(freedom) ** 2;
  // Those ρ for which numerator − ρ·denominator is within t standard errors of zero: aρ² − 2bρ + c ≤ 0.
  const a = denominator ** 2 - t2 * denominatorVariance;
  const b = numerator * denominator - t2 * covariance;
  const c = numerator ** 2 - t2 * numeratorVariance;
  if (![a, b, c].every(Number.isFinite)) return [Number.NaN, Number.NaN];
  const root = Math.sqrt(Math.max(0, b * b - a * c));
  if (a > 0) return [Math.max(0, (b - root) / a), Math.max(0, (b + root) / a)];
  if (c <= 0 || a === 0) return [0, Number.POSITIVE_INFINITY];
  // Outside its two roots, which have opposite signs: the positive one is the lower end.
  return [(b - root) / a, Number.POSITIVE_INFINITY];
}

/** 97.5 % quantile of Student's t, within 1 % for 3 degrees of freedom, 0.2 % from 5 on. @source Abramowitz & Stegun 1964, 26.7.5. */
export function studentQuantile(freedom: number): number {
  const z = 1.959964;
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}
