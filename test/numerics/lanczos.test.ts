import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ExtremalOptions, extremalEigenpairs } from "../../server/numerics/lanczos.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { dot, norm } from "../../server/numerics/vector.ts";
import { denseEigenvalues, float32Product, product, randomSymmetric, withSpectrum } from "./symmetric.ts";

type Some = Partial<ExtremalOptions> & { n: number };

function options(some: Some): ExtremalOptions {
  const start = createRandom(some.n).fillNormal(new Float32Array(some.n));
  return { top: 3, bottom: 2, start, tolerance: 1e-6, maxApplications: some.n, ...some };
}

const values = (pairs: readonly { value: number }[]) => pairs.map(({ value }) => value);

describe("extremalEigenpairs", () => {
  test.each([5, 20, 60, 150])("agrees with a dense decomposition of a random %i × %i matrix", (n) => {
    const a = randomSymmetric(n, n);
    const exact = denseEigenvalues(a);
    const found = extremalEigenpairs(product(a), options({ n }));
    const lambda1 = exact.at(-1) as number;
    found.top.forEach((pair, i) => {
      expect(Math.abs(pair.value - (exact[n - 1 - i] as number))).toBeLessThan(2e-6 * lambda1);
      expect(pair.converged).toBe(true);
    });
    found.bottom.forEach((pair, i) => {
      expect(Math.abs(pair.value - (exact[i] as number))).toBeLessThan(2e-6 * lambda1);
      expect(pair.converged).toBe(true);
    });
  });

  test("reports residuals that are ‖Av − λv‖, converged or not", () => {
    const n = 150;
    const a = randomSymmetric(n, 3);
    const apply = product(a);
    for (const maxApplications of [6, 15, 30, 60]) {
      const found = extremalEigenpairs(apply, options({ n, maxApplications, tolerance: 1e-4 }));
      for (const { value, residual, vector } of [...found.top, ...found.bottom]) {
        const image = apply(vector);
        const actual = norm(image.map((entry, i) => entry - value * (vector[i] as number)));
        expect(Math.abs(residual - actual)).toBeLessThan(0.01 * actual + 1e-5);
      }
    }
  });

  test("does not call a pair converged before it is", () => {
    const n = 150;
    const a = randomSymmetric(n, 4);
    const exact = denseEigenvalues(a);
    const found = extremalEigenpairs(product(a), options({ n, maxApplications: 12 }));
    expect(found.applications).toBe(12);
    expect(found.top.every(({ converged }) => !converged)).toBe(true);
    expect((exact[n - 1] as number) - (found.top[0]?.value as number)).toBeGreaterThan(
      1e-6 * (exact[n - 1] as number),
    );
  });

  test("shows λ₁ once after 80 steps on products rounded to float32: no ghosts", () => {
    const n = 200;
    const spectrum = Array.from({ length: n }, (_, i) => (i < 5 ? 30 * 0.6 ** i : 0.1 * Math.sin(i)));
    const { matrix } = withSpectrum(spectrum, 9);
    const found = extremalEigenpairs(
      float32Product(matrix),
      options({ n, top: 8, bottom: 0, tolerance: 1e-12, maxApplications: 80 }),
    );
    expect(found.applications).toBe(80);
    values(found.top.slice(0, 5)).forEach((value, i) => {
      expect(Math.abs(value - (spectrum[i] as number))).toBeLessThan(1e-6 * 30);
    });
    for (const value of values(found.top.slice(5))) expect(value).toBeLessThan(0.1 + 1e-6 * 30);
  });

  test("gives orthonormal vectors", () => {
    const n = 120;
    const found = extremalEigenpairs(
      float32Product(randomSymmetric(n, 5)),
      options({ n, top: 6, bottom: 6, maxApplications: 80 }),
    );
    const vectors = [...found.top, ...found.bottom].map(({ vector }) => vector);
    vectors.forEach((a, i) => {
      vectors.forEach((b, j) => {
        expect(Math.abs(dot(a, b) - (i === j ? 1 : 0))).toBeLessThan(1e-6);
      });
    });
  });

  test.each([
    ["a doubled λ₁", [5, 5, 1, 1, 0, 0, 0, -2], [5, 5, 1]],
    ["a tripled λ₁", [5, 5, 5, 3, 1, 0, -1, -2, -3], [5, 5, 5]],
    ["a null space", [7, 2, 0, 0, 0, 0, 0, 0, 0, 0], [7, 2, 0]],
    ["one value only", [4, 4, 4, 4, 4, 4], [4, 4, 4]],
  ])("finds the multiplicity of %s", (_, spectrum, top) => {
    const { matrix } = withSpectrum(spectrum, 21);
    const found = extremalEigenpairs(product(matrix), options({ n: spectrum.length }));
    values(found.top).forEach((value, i) => {
      expect(value).toBeCloseTo(top[i] as number, 5);
    });
  });

  test("finds a doubled λ₁ of a large matrix with far fewer applications than n", () => {
    const n = 400;
    const spectrum = Array.from({ length: n }, (_, i) => [9, 9, 4][i] ?? 0);
    const { matrix } = withSpectrum(spectrum, 22);
    const found = extremalEigenpairs(product(matrix), options({ n, bottom: 0 }));
    values(found.top).forEach((value, i) => {
      expect(value).toBeCloseTo([9, 9, 4][i] as number, 4);
    });
    expect(found.applications).toBeLessThan(20);
  });

  test("ends after one block when the Krylov space closes on an invariant subspace of the zero matrix", () => {
    const found = extremalEigenpairs((v) => new Float32Array(v.length), options({ n: 50 }));
    expect(values(found.top).every((value) => value === 0)).toBe(true);
    expect(found.finite).toBe(true);
    expect(found.applications).toBeLessThanOrEqual(5);
  });

  test("cannot see an eigenvector that the start is orthogonal to, and all residuals are small all the same", () => {
    const n = 60;
    const diagonal = Float32Array.from({ length: n }, (_, i) => (i === 0 ? 100 : 10 - 0.15 * i));
    const apply = (v: Float32Array) => v.map((value, i) => value * (diagonal[i] as number));
    const blind = createRandom(1).fillNormal(new Float32Array(n));
    blind[0] = 0;
    const missed = extremalEigenpairs(
      apply,
      options({ n, start: blind, maxApplications: 40, tolerance: 1e-3, top: 1, bottom: 0 }),
    );
    expect(missed.top[0]?.value).toBeCloseTo(diagonal[1] as number, 2);
    expect(missed.top[0]?.converged).toBe(true);

    blind[0] = 1e-3;
    const seen = extremalEigenpairs(
      apply,
      options({ n, start: blind, maxApplications: 40, tolerance: 1e-3, top: 1, bottom: 0 }),
    );
    expect(seen.top[0]?.value).toBeCloseTo(100, 3);
  });

  test("hardly ever takes two neighbours for one, however loose the tolerance", () => {
    // Outliers of 784-200-200-10 after 200 steps; the fourth and the fifth are 0.0034 λ₁ apart.
    const outliers = [3.6137, 3.3689, 2.8054, 2.635, 2.6227, 2.1595, 1.889, 1.3645, 1.2615, 0.5741];
    const n = 1000;
    const random = createRandom(3);
    const diagonal = Float32Array.from({ length: n }, (_, i) => outliers[i] ?? 0.5 * random.uniform() ** 3);
    const apply = (v: Float32Array) => v.map((value, i) => value * (diagonal[i] as number));
    const misses = (tolerance: number) =>
      Array.from({ length: 100 }, (_, seed) => {
        const start = createRandom(seed).fillNormal(new Float32Array(n));
        const found = extremalEigenpairs(
          apply,
          options({ n, start, top: 5, bottom: 0, tolerance, maxApplications: 60 }),
        );
        return found.top.some(({ value }, i) => Math.abs(value / (outliers[i] as number) - 1) > 1e-3);
      }).filter(Boolean).length;
    // Starts that have next to nothing of one of the two. With residuals of 1e-3 λ₁ there would be eleven times as many.
    expect(misses(1e-3)).toBeLessThanOrEqual(1);
    expect(misses(0.1)).toBeLessThanOrEqual(3);
  });

  test("stops with finite: false and NaN values when A gives NaN or ±∞", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      let calls = 0;
      const apply = (v: Float32Array) => {
        calls++;
        return v.map((value, i) => (calls === 3 && i === 2 ? bad : value * i));
      };
      const found = extremalEigenpairs(apply, options({ n: 30 }));
      expect(found.finite).toBe(false);
      expect(found.applications).toBe(3);
      expect(values([...found.top, ...found.bottom])).toEqual(new Array(5).fill(Number.NaN));
    }
  });

  test("may be handed the same buffer by every application", () => {
    const n = 40;
    const a = randomSymmetric(n, 8);
    const fresh = product(a);
    const buffer = new Float32Array(n);
    const reused = extremalEigenpairs((v) => {
      buffer.set(fresh(v));
      return buffer;
    }, options({ n }));
    expect(values(reused.top)).toEqual(values(extremalEigenpairs(fresh, options({ n })).top));
  });

  test("scales with A, turns with −A, and ignores the length of the start", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 25 }),
        fc.integer(),
        fc.integer({ min: -6, max: 6 }),
        (n, seed, exponent) => {
          const a = randomSymmetric(n, seed);
          const c = 2 ** exponent;
          const base = options({ n, top: 2, bottom: 2 });
          const found = extremalEigenpairs(product(a), base);
          const scaled = extremalEigenpairs((v) => product(a)(v).map((entry) => c * entry), {
            ...base,
            start: Float32Array.from(base.start, (entry) => 4 * entry),
          });
          const turned = extremalEigenpairs((v) => product(a)(v).map((entry) => -entry), base);
          const size = Math.max(...values(found.top).map(Math.abs), ...values(found.bottom).map(Math.abs));
          for (let i = 0; i < 2; i++) {
            const value = found.top[i]?.value as number;
            expect(Math.abs((scaled.top[i]?.value as number) / c - value)).toBeLessThan(1e-5 * size);
            expect(Math.abs((turned.bottom[i]?.value as number) + value)).toBeLessThan(1e-5 * size);
          }
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  test("never exceeds the true extremes by more than rounding", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 40 }),
        fc.integer(),
        fc.integer({ min: 1, max: 8 }),
        (n, seed, steps) => {
          const a = randomSymmetric(n, seed);
          const exact = denseEigenvalues(a);
          const found = extremalEigenpairs(
            product(a),
            options({ n, top: 1, bottom: 1, maxApplications: steps }),
          );
          const slack = 1e-6 * Math.max(Math.abs(exact[0] as number), Math.abs(exact[n - 1] as number));
          expect(found.top[0]?.value).toBeLessThanOrEqual((exact[n - 1] as number) + slack);
          expect(found.bottom[0]?.value).toBeGreaterThanOrEqual((exact[0] as number) - slack);
        },
      ),
      { numRuns: 60, seed: 8 },
    );
  });

  test("is deterministic to the bit", () => {
    const a = randomSymmetric(50, 1);
    const first = extremalEigenpairs(float32Product(a), options({ n: 50 }));
    const second = extremalEigenpairs(float32Product(a), options({ n: 50 }));
    expect(second).toEqual(first);
  });

  test.each([
    [{ start: new Float32Array(3) }, "start: expected a finite vector other than zero, got norm 0"],
    [{ start: new Float32Array(4) }, "start: expected 3 elements, got 4"],
    [{ top: 0, bottom: 0 }, "top + bottom: expected an integer ≥ 1, got 0"],
    [{ maxApplications: 0 }, "maxApplications: expected an integer ≥ 1, got 0"],
    [{ tolerance: 0 }, "tolerance: expected above 0, got 0"],
  ])("refuses %o", (wrong, message) => {
    expect(() => extremalEigenpairs((v) => v, { ...options({ n: 3 }), ...wrong })).toThrow(message);
  });
});
