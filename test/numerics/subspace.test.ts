import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { createRandom } from "../../server/numerics/random.ts";
import { overlap, randomSubspace, shareWithin } from "../../server/numerics/subspace.ts";
import { dot } from "../../server/numerics/vector.ts";

const random = (seed: number) => createRandom(seed);

describe("subspaces", () => {
  test("random ones are orthonormal, and hold k/n of a vector in the mean", () => {
    const n = 40;
    const v = new Float32Array(n).fill(3);
    let sum = 0;
    for (let seed = 0; seed < 400; seed++) {
      const basis = randomSubspace(4, n, random(seed));
      if (seed === 0)
        for (const [i, p] of basis.entries())
          for (const [j, q] of basis.entries()) expect(dot(p, q)).toBeCloseTo(i === j ? 1 : 0, 6);
      sum += shareWithin(basis, v);
    }
    // Beta(2, 18): standard deviation 0.065, of the mean 0.0033.
    expect(Math.abs(sum / 400 - 0.1)).toBeLessThan(0.01);
  });

  test("the share is that of the orthogonal projection", () => {
    const basis = [Float32Array.of(1, 0, 0), Float32Array.of(0, 0.6, 0.8)];
    expect(shareWithin(basis, Float32Array.of(3, 4, 0))).toBeCloseTo((9 + 2.4 ** 2) / 25, 6);
    expect(shareWithin(basis, new Float32Array(3))).toBeNaN();
  });

  test("the overlap is the mean of squared cosines of the principal angles, whatever the bases", () => {
    const [a, b] = [randomSubspace(3, 8, random(1)), randomSubspace(3, 8, random(2))];
    const product = new Matrix(a.map((p) => b.map((q) => dot(p, q))));
    const cosines = new SingularValueDecomposition(product).diagonal;
    const expected = cosines.reduce((sum, value) => sum + value ** 2, 0) / 3;
    expect(overlap(a, b)).toBeCloseTo(expected, 6);
    const turned = [a[1], a[2], a[0]?.map((x) => -x)] as Float32Array[];
    expect(overlap(turned, b)).toBeCloseTo(expected, 6);
    expect(overlap(a, a)).toBeCloseTo(1, 6);
    expect(() => overlap(a, b.slice(1))).toThrow("basis: expected two of one size, got 3 and 2");
  });
});
