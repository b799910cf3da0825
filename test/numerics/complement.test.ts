import { describe, expect, test } from "vitest";
import { completeTop, hasLost } from "../../server/numerics/complement.ts";
import { type Eigenpair, extremalEigenpairs } from "../../server/numerics/lanczos.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { dot, norm } from "../../server/numerics/vector.ts";
import { denseEigenvalues, float32Product, randomSymmetric, withSpectrum } from "./symmetric.ts";

const LIMITS = { tolerance: 1e-3, maxApplications: 64 };

function noise(n: number, seed: number): Float32Array {
  return createRandom(seed).fillNormal(new Float32Array(n));
}

function lanczos(apply: (v: Float32Array) => Float32Array, start: Float32Array, top: number) {
  return extremalEigenpairs(apply, { n: start.length, top, bottom: 0, start, ...LIMITS }).top;
}

function completed(apply: (v: Float32Array) => Float32Array, top: readonly Eigenpair[], n: number) {
  return completeTop(apply, top, { start: (look) => noise(n, 100 + look), ...LIMITS });
}

const bulk = (n: number) => Array.from({ length: n }, (_, i) => 0.1 * Math.sin(1 + ((i * i) % 997)));

describe("completeTop", () => {
  test.each([
    ["a doubled λ₁", [10, 10, 8, 7, 6, 5, 4, 3, 2.5, 2.2, 2, 1.8, 1.5, 1.2]],
    ["each of five doubled", [10, 10, 8, 8, 6, 6, 5, 5, 4, 4, 2, 1]],
    ["a tenfold λ₁ and a tenfold λ₁₁", [...new Array(10).fill(10), ...new Array(10).fill(7)]],
    ["an elevenfold λ₂", [20, ...new Array(11).fill(3), 2, 1]],
    [
      "a fivefold λ₁ above a slow decay",
      [...new Array(5).fill(10), ...Array.from({ length: 60 }, (_, i) => 8 * 0.95 ** i)],
    ],
  ])("finds every copy of %s", (_, outliers) => {
    const spectrum = [...outliers, ...bulk(300)];
    const n = spectrum.length;
    const exact = [...spectrum].sort((a, b) => b - a);
    const apply = float32Product(withSpectrum(spectrum, 4).matrix);
    for (const seed of [1, 2, 3]) {
      const top = completed(apply, lanczos(apply, noise(n, seed), 12), n);
      expect(top).toHaveLength(12);
      for (const [i, { value, residual, converged, vector }] of top.entries()) {
        expect(Math.abs(value - (exact[i] as number)), `λ${i + 1}`).toBeLessThan(2e-5 * (exact[0] as number));
        expect(converged).toBe(true);
        const image = apply(vector);
        const actual = norm(image.map((entry, j) => entry - value * (vector[j] as number)));
        expect(Math.abs(residual - actual)).toBeLessThan(0.01 * actual + 1e-5 * (exact[0] as number));
        for (const other of top.slice(0, i)) expect(Math.abs(dot(vector, other.vector))).toBeLessThan(1e-4);
      }
    }
  });

  test("finds what the start was orthogonal to", () => {
    const n = 60;
    const diagonal = Float32Array.from({ length: n }, (_, i) => (i === 0 ? 100 : 10 - 0.15 * i));
    const apply = (v: Float32Array) => v.map((value, i) => value * (diagonal[i] as number));
    const blind = noise(n, 1);
    blind[0] = 0;
    const missed = lanczos(apply, blind, 2);
    expect(missed[0]?.value).toBeCloseTo(diagonal[1] as number, 2);
    const top = completed(apply, missed, n);
    expect(top[0]?.value).toBeCloseTo(100, 3);
    expect(top[1]?.value).toBeCloseTo(diagonal[1] as number, 2);
  });

  test.each([2, 3, 13, 40])("changes nothing where nothing is missing: random %i × %i", (n) => {
    const a = randomSymmetric(n, n);
    const exact = denseEigenvalues(a).reverse();
    const apply = float32Product(a);
    const found = lanczos(apply, noise(n, 5), Math.min(4, n));
    expect(completed(apply, found, n)).toEqual(found);
    for (const [i, { value }] of found.entries()) expect(value).toBeCloseTo(exact[i] as number, 3);
  });

  test("takes no zero of the deflated space for an eigenvalue of a negative definite matrix", () => {
    const spectrum = [-1, -1, ...Array.from({ length: 58 }, (_, i) => -2 - i / 10)];
    const apply = float32Product(withSpectrum(spectrum, 6).matrix);
    const top = completed(apply, lanczos(apply, noise(60, 2), 3), 60);
    expect(top.map(({ value }) => Math.round(value * 1e4) / 1e4)).toEqual([-1, -1, -2]);
  });

  test("looks at the zero matrix once", () => {
    let applications = 0;
    const apply = (v: Float32Array) => {
      applications++;
      return new Float32Array(v.length);
    };
    const found = lanczos(apply, noise(50, 1), 3);
    applications = 0;
    expect(completed(apply, found, 50)).toEqual(found);
    expect(applications).toBeLessThanOrEqual(5);
  });
});

describe("hasLost", () => {
  const spectrum = [10, 10, 10, 8, 7, 6, ...bulk(200)];
  const n = spectrum.length;
  const apply = float32Product(withSpectrum(spectrum, 8).matrix);
  const all = completed(apply, lanczos(apply, noise(n, 1), 6), n);
  const vectors = all.map(({ vector }) => vector);

  test("notices that a start from the sum of all has lost copies, by one application", () => {
    const mix = new Float32Array(n);
    for (const vector of vectors)
      for (let i = 0; i < n; i++) mix[i] = (mix[i] as number) + (vector[i] as number);
    const found = extremalEigenpairs(apply, {
      n,
      top: 3,
      bottom: 0,
      start: mix,
      tolerance: 1e-3,
      maxApplications: 8,
    });
    expect(found.top[1]?.value).toBeLessThan(9);
    let applications = 0;
    const counted = (v: Float32Array) => {
      applications++;
      return apply(v);
    };
    expect(hasLost(counted, found.top, vectors)).toBe(true);
    expect(applications).toBe(1);
  });

  test("sees no loss where all is known, nor where the known have turned", () => {
    expect(hasLost(apply, all, vectors)).toBe(false);
    for (let seed = 0; seed < 20; seed++) {
      const turned = vectors.map((vector, i) => {
        const other = noise(n, 10 * seed + i).map((entry, j) => 0.1 * entry + (vector[j] as number));
        return other.map((entry) => entry / norm(other));
      });
      expect(hasLost(apply, all, turned)).toBe(false);
    }
  });
});
