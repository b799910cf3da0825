import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  axpy,
  distance,
  dot,
  interpolate,
  isFiniteVector,
  norm,
  scale,
} from "../../server/numerics/vector.ts";

const vectors = fc
  .array(
    fc.tuple(fc.float({ noNaN: true, min: -100, max: 100 }), fc.float({ noNaN: true, min: -100, max: 100 })),
    {
      maxLength: 37,
    },
  )
  .map((pairs) => [Float32Array.from(pairs, ([a]) => a), Float32Array.from(pairs, ([, b]) => b)] as const);

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

describe("vector", () => {
  test("dot, norm and distance are the sums they stand for, at every length", () => {
    fc.assert(
      fc.property(vectors, ([a, b]) => {
        const products = Array.from(a, (x, i) => x * (b[i] as number));
        expect(Math.abs(dot(a, b) - sum(products))).toBeLessThanOrEqual(1e-14 * sum(products.map(Math.abs)));
        expect(norm(a)).toBeCloseTo(Math.hypot(...a), 10);
        expect(distance(a, b)).toBeCloseTo(Math.hypot(...Array.from(a, (x, i) => x - (b[i] as number))), 10);
        expect(distance(a, a)).toBe(0);
      }),
    );
  });

  test("sums in float64: a million times 0.1 is right to 1e-9 of itself", () => {
    const tenth = new Float32Array(1_000_000).fill(0.1);
    const exact = 1_000_000 * Math.fround(0.1) ** 2;
    expect(Math.abs(dot(tenth, tenth) - exact)).toBeLessThan(1e-9 * exact);
  });

  test("axpy and scale write in place and return what they wrote", () => {
    const y = Float32Array.of(1, 2);
    expect(axpy(2, Float32Array.of(3, 4), y)).toBe(y);
    expect([...y]).toEqual([7, 10]);
    expect(scale(0.5, y)).toBe(y);
    expect([...y]).toEqual([3.5, 5]);
  });

  test("interpolate meets its ends bit for bit", () => {
    fc.assert(
      fc.property(vectors, ([a, b]) => {
        const plain = (v: Float32Array) => Float32Array.from(v, (x) => x + 0); // −0 + 0·b is 0
        expect(plain(interpolate(a, b, 0))).toEqual(plain(a));
        expect(plain(interpolate(a, b, 1))).toEqual(plain(b));
      }),
    );
    expect([...interpolate(Float32Array.of(0, 4), Float32Array.of(2, 0), 0.25)]).toEqual([0.5, 3]);
  });

  test("isFiniteVector sees one NaN or ±∞ anywhere, and the norm is then not finite", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      for (const at of [0, 3, 6]) {
        const v = new Float32Array(7).fill(3e38);
        expect(isFiniteVector(v)).toBe(true);
        expect(norm(v)).toBeLessThan(Number.POSITIVE_INFINITY);
        v[at] = bad;
        expect(isFiniteVector(v)).toBe(false);
        expect(Number.isFinite(norm(v))).toBe(false);
      }
  });

  test("refuses vectors of two lengths", () => {
    expect(() => dot(new Float32Array(2), new Float32Array(3))).toThrow(
      "expected two vectors of one length, got 2 and 3",
    );
  });
});
