import { describe, expect, test } from "vitest";
import { KrylovBasis } from "../../server/numerics/krylov-basis.ts";
import { createRandom } from "../../server/numerics/random.ts";

/** k random vectors of n, not orthogonal: what is tested is arithmetic. And a w. */
function filled(n: number, k: number, capacity = k) {
  const random = createRandom(n + k);
  const basis = new KrylovBasis(n, capacity);
  const vectors = Array.from({ length: k }, () => {
    for (let i = 0; i < n; i++) basis.w[i] = random.normal();
    return Float64Array.from(basis.append(Math.sqrt(n)));
  });
  for (let i = 0; i < n; i++) basis.w[i] = random.normal();
  return { basis, vectors, w: basis.w.slice() };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** Around the lengths at which lanes, tiles and blocks end. */
const SIZES = [1, 2, 3, 4, 5, 127, 4095, 4096, 4097, 8193].flatMap((n) =>
  [1, 3, 4, 5, 9].map((k) => ({ n, k })),
);

describe("KrylovBasis", () => {
  test.each(SIZES)("projects $k vectors of $n out of w as plain loops do", ({ n, k }) => {
    const { basis, vectors, w } = filled(n, k, k + 2);
    const coefficients = new Float64Array(k).fill(1);
    const length = basis.projectOut(coefficients);
    const exact = vectors.map((vector) => dot(vector, w));
    const scale = 1e-13 * Math.sqrt(n) * k;
    for (const [i, c] of exact.entries())
      expect(Math.abs((coefficients[i] as number) - 1 - c)).toBeLessThan(scale);
    expect(Math.abs(length - Math.hypot(...exact))).toBeLessThan(scale);
    const off = w.map((value, j) => {
      const left = vectors.reduce(
        (rest, vector, i) => rest - (exact[i] as number) * (vector[j] as number),
        value,
      );
      return Math.abs(left - (basis.w[j] as number));
    });
    expect(Math.max(...off)).toBeLessThan(scale);
  });

  test.each(SIZES)("combines $k vectors of $n as plain loops do", ({ n, k }) => {
    const { basis, vectors } = filled(n, k);
    const weights = [1, 2, 3].map((seed) => Float64Array.from({ length: k }, (_, i) => Math.sin(seed + i)));
    const found = basis.combine(weights);
    for (const [m, list] of weights.entries()) {
      const sum = Array.from({ length: n }, (_, j) =>
        vectors.reduce((total, vector, i) => total + (list[i] as number) * (vector[j] as number), 0),
      );
      const off = sum.map(
        (value, j) => Math.abs(value - ((found[m] as Float32Array)[j] as number)) / Math.hypot(...sum),
      );
      expect(Math.max(...off)).toBeLessThan(6e-8);
    }
  });

  test("makes w orthogonal to float32's accuracy, and says what it took away", () => {
    const n = 5000;
    const random = createRandom(1);
    const basis = new KrylovBasis(n, 20);
    const vectors: Float32Array[] = [];
    while (vectors.length < 20) {
      for (let i = 0; i < n; i++) basis.w[i] = random.normal();
      const scratch = new Float64Array(vectors.length);
      for (let pass = 0; pass < 2; pass++) basis.projectOut(scratch);
      vectors.push(basis.append(basis.norm()));
    }
    for (let i = 0; i < n; i++) basis.w[i] = random.normal();
    const w = basis.w.slice();
    const before = dot(vectors[18] as Float32Array, w);
    const { alpha, beta, coefficients } = basis.orthogonalise(before);
    expect(beta).toBe(basis.norm());
    expect(Math.abs(alpha - dot(vectors[19] as Float32Array, w))).toBeLessThan(1e-5);
    for (const [i, vector] of vectors.entries()) {
      expect(Math.abs(dot(vector, basis.w)) / beta).toBeLessThan(2e-7);
      const beyond = i < 18 ? dot(vector, w) : 0;
      expect(Math.abs((coefficients[i] as number) - beyond)).toBeLessThan(1e-5);
    }
  });

  test("is right in memory that another has used, of other size and with nothing finite in it", () => {
    const larger = new KrylovBasis(4103, 3);
    for (let i = 0; i < 3; i++) {
      larger.w.fill(Number.NaN);
      larger.append(1);
    }
    const { buffer } = larger.w;
    larger.dispose();
    const { basis, vectors, w } = filled(4097, 2);
    expect(basis.w.buffer).toBe(buffer);
    const coefficients = new Float64Array(2);
    basis.projectOut(coefficients);
    for (const [i, vector] of vectors.entries())
      expect(Math.abs((coefficients[i] as number) - dot(vector, w))).toBeLessThan(1e-11);
    expect(Math.abs(basis.norm() - Math.hypot(...basis.w))).toBeLessThan(1e-11);
    const other = new KrylovBasis(4097, 2);
    expect(other.w.buffer).not.toBe(buffer);
  });

  test("takes no vector more than there is room for", () => {
    const { basis } = filled(3, 2);
    expect(() => basis.append(1)).toThrow("append: expected at most 2 vectors, got one more");
  });
});
