import { expect, test } from "vitest";
import { normalDensity, normalDistribution } from "../../server/engine/normal-distribution.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { erf } from "./float64-net.ts";

test("Φ is right to 1e-11 within ±6, and to 1e-9 beyond", () => {
  const random = createRandom(1);
  for (let i = 0; i < 20_000; i++) {
    const x = 14 * (random.uniform() - 0.5);
    const exact = 0.5 * (1 + erf(x / Math.SQRT2));
    expect(Math.abs(normalDistribution(x) - exact)).toBeLessThan(Math.abs(x) < 6 ? 1e-11 : 1.1e-9);
  }
});

test("Φ keeps NaN and has its limits", () => {
  expect(normalDistribution(Number.NaN)).toBeNaN();
  expect(normalDistribution(Number.NEGATIVE_INFINITY)).toBe(0);
  expect(normalDistribution(Number.POSITIVE_INFINITY)).toBe(1);
});

test("φ is the slope of Φ", () => {
  for (const x of [-3.1, -0.5, 0, 1.7, 4]) {
    const step = 1e-4;
    const slope = (0.5 * (erf((x + step) / Math.SQRT2) - erf((x - step) / Math.SQRT2))) / (2 * step);
    expect(Math.abs(normalDensity(x) - slope)).toBeLessThan(1e-8);
  }
});
