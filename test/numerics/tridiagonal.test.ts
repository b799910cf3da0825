import fc from "fast-check";
import { Matrix } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { tridiagonalEigen } from "../../server/numerics/tridiagonal.ts";
import { denseEigenvalues } from "./symmetric.ts";

const entry = fc.oneof(fc.double({ min: -10, max: 10, noNaN: true }), fc.constant(0));

function dense(diagonal: readonly number[], off: readonly number[]): Matrix {
  const t = Matrix.diag([...diagonal]);
  diagonal.slice(1).forEach((_, i) => {
    t.set(i, i + 1, off[i] as number);
    t.set(i + 1, i, off[i] as number);
  });
  return t;
}

describe("tridiagonalEigen", () => {
  test("has the closed form of the second difference", () => {
    const k = 60;
    const { values } = tridiagonalEigen(new Array(k).fill(2), new Array(k - 1).fill(-1));
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(2 - 2 * Math.cos(((i + 1) * Math.PI) / (k + 1)), 13);
    });
  });

  test("agrees with ml-matrix, and TS = SΛ with orthogonal S, zeros on both diagonals included", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(entry, entry), { minLength: 1, maxLength: 30 }), (entries) => {
        const diagonal = entries.map(([d]) => d);
        const off = entries.map(([, e]) => e);
        const t = dense(diagonal, off);
        const { values, rows } = tridiagonalEigen(diagonal, off);
        const exact = denseEigenvalues(t);
        values.forEach((value, i) => {
          expect(Math.abs(value - (exact[i] as number))).toBeLessThan(1e-12 * 40);
        });
        const s = new Matrix(rows.map((row) => [...row]));
        const k = diagonal.length;
        expect(Matrix.sub(t.mmul(s), s.mmul(Matrix.diag([...values]))).norm()).toBeLessThan(1e-12 * 40 * k);
        expect(Matrix.sub(s.transpose().mmul(s), Matrix.eye(k)).norm()).toBeLessThan(1e-12 * k);
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  test("gives the rows asked for, the same as among all of them", () => {
    const diagonal = [4, 1, 3, -2, 0.5];
    const off = [1, 0.3, 0, 2];
    const all = tridiagonalEigen(diagonal, off).rows;
    const some = tridiagonalEigen(diagonal, off, [4, 0]).rows;
    expect(some).toEqual([all[4], all[0]]);
  });

  test("refuses what it could never finish", () => {
    expect(() => tridiagonalEigen([1, Number.NaN], [1])).toThrow("expected finite numbers");
    expect(() => tridiagonalEigen([1, 2, 3], [1])).toThrow(
      "offDiagonal: expected at least 2 elements, got 1",
    );
  });
});
