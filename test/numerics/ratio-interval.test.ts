import { describe, expect, test } from "vitest";
import { createRandom } from "../../server/numerics/random.ts";
import { ratioInterval, studentQuantile } from "../../server/numerics/ratio-interval.ts";

/** Interval for the ratio of the means of paired samples. */
function fromPairs(pairs: readonly (readonly [number, number])[]) {
  const n = pairs.length;
  const mean = (of: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[of], 0) / n;
  const [x, y] = [mean(0), mean(1)];
  const away = pairs.map(([a, b]): [number, number] => [a - x, b - y]);
  const spread = (a: 0 | 1, b: 0 | 1) => away.reduce((sum, pair) => sum + pair[a] * pair[b], 0) / (n - 1) / n;
  return ratioInterval(
    {
      numerator: x,
      denominator: y,
      numeratorVariance: spread(0, 0),
      denominatorVariance: spread(1, 1),
      covariance: spread(0, 1),
    },
    n - 1,
  );
}

describe("ratioInterval", () => {
  test.each([
    ["a denominator far from zero", 2],
    ["one that is hardly larger than its error", 0.35],
  ])("covers the ratio of correlated means in 95 of 100 cases, with %s", (_, denominator) => {
    const random = createRandom(5);
    let hits = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const pairs = Array.from({ length: 12 }, () => {
        const common = random.normal();
        return [3 + 0.7 * common + 0.3 * random.normal(), denominator + common] as const;
      });
      const [low, high] = fromPairs(pairs);
      if (low <= 3 / denominator && 3 / denominator <= high) hits++;
    }
    expect(Math.abs(hits / 1000 - 0.95)).toBeLessThan(0.025);
  });

  test("has no upper end where the denominator cannot be told from zero", () => {
    const variances = { numeratorVariance: 0.01, denominatorVariance: 1, covariance: 0 };
    const [low, high] = ratioInterval({ numerator: 5, denominator: 0.1, ...variances }, 10);
    expect(low).toBeGreaterThan(0);
    expect(high).toBe(Number.POSITIVE_INFINITY);
    expect(ratioInterval({ numerator: 0, denominator: 0, ...variances }, 10)).toEqual([
      0,
      Number.POSITIVE_INFINITY,
    ]);
  });

  test("passes NaN on", () => {
    const of = { numerator: Number.NaN, denominator: 1 };
    expect(ratioInterval({ ...of, numeratorVariance: 1, denominatorVariance: 1, covariance: 0 }, 9)).toEqual([
      Number.NaN,
      Number.NaN,
    ]);
  });
});

test("Student's quantiles are those of the tables", () => {
  for (const [freedom, quantile, error] of [
    [3, 3.182, 0.01],
    [5, 2.571, 0.002],
    [15, 2.131, 0.002],
    [1000, 1.962, 0.002],
  ] as const)
    expect(Math.abs(studentQuantile(freedom) / quantile - 1)).toBeLessThan(error);
});
