import { Matrix } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { lanczosQuadrature } from "../../server/numerics/lanczos-quadrature.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { float32Product, product, randomSymmetric, withSpectrum } from "./symmetric.ts";

const signs = (n: number, seed: number) => createRandom(seed).fillSigns(new Float32Array(n));

/** uᵀAᵖu for u = start/‖start‖, by multiplying. */
function moment(a: Matrix, start: Float32Array, power: number): number {
  const u = Matrix.columnVector([...start]).mul(1 / Math.hypot(...start));
  let image = u;
  for (let i = 0; i < power; i++) image = a.mmul(image);
  return u.transpose().mmul(image).get(0, 0);
}

describe("lanczosQuadrature", () => {
  test("integrates powers up to 2·steps − 1 exactly, and has mass 1", () => {
    const n = 60;
    const a = randomSymmetric(n, 1).mul(1 / Math.sqrt(n));
    const start = signs(n, 2);
    const { nodes, weights } = lanczosQuadrature(product(a), { start, steps: 6 });
    expect(nodes).toHaveLength(6);
    for (let power = 0; power <= 11; power++) {
      const found = nodes.reduce((sum, node, i) => sum + (weights[i] as number) * node ** power, 0);
      expect(Math.abs(found - moment(a, start, power))).toBeLessThan(1e-5 * 2.1 ** power);
    }
    // Degree 12 is the first that six nodes cannot: the test can fail.
    const beyond = nodes.reduce((sum, node, i) => sum + (weights[i] as number) * node ** 12, 0);
    expect(Math.abs(beyond - moment(a, start, 12))).toBeGreaterThan(1e-2);
  });

  test("ends, exact, when the vector has shown all that it can see", () => {
    const spectrum = [...new Array(30).fill(0), 1, 1, 1, 5];
    const { matrix } = withSpectrum(spectrum, 4);
    const start = signs(34, 5);
    const found = lanczosQuadrature(product(matrix), { start, steps: 20 });
    expect(found.applications).toBeLessThanOrEqual(5);
    for (const power of [1, 2, 9]) {
      const sum = found.nodes.reduce(
        (total, node, i) => total + (found.weights[i] as number) * node ** power,
        0,
      );
      expect(sum).toBeCloseTo(moment(matrix, start, power), 4 - power / 2);
    }
  });

  test("shows each outlier once after 60 steps on float32 products, with residuals that bound its error", () => {
    const outliers = [10, 8, 7];
    const bulk = Array.from({ length: 150 }, (_, i) => Math.sin(i) ** 3);
    const { matrix } = withSpectrum([...bulk, ...outliers], 6);
    const found = lanczosQuadrature(float32Product(matrix), { start: signs(153, 7), steps: 60 });
    const top = [...found.nodes]
      .map((node, i) => ({ node, residual: found.residuals[i] as number }))
      .reverse();
    expect(top.filter(({ node }) => node > 1.5).map(({ node }) => Math.round(node))).toEqual(outliers);
    for (const [i, value] of outliers.entries())
      expect(Math.abs((top[i]?.node ?? 0) - value)).toBeLessThan((top[i]?.residual ?? 0) + 1e-4);
  });

  test("says so where a product is not finite, and refuses what is no start", () => {
    const broken = (v: Float32Array) => v.map(() => Number.NaN);
    expect(lanczosQuadrature(broken, { start: signs(4, 1), steps: 3 })).toMatchObject({
      finite: false,
      applications: 1,
    });
    const identity = (v: Float32Array) => v.slice();
    expect(() => lanczosQuadrature(identity, { start: new Float32Array(4), steps: 3 })).toThrow(
      "start: expected a finite vector other than zero, got norm 0",
    );
    expect(() => lanczosQuadrature(identity, { start: signs(4, 1), steps: 0 })).toThrow(
      "steps: expected a positive integer, got 0",
    );
  });
});
