import { describe, expect, test } from "vitest";
import { lanczosQuadrature, type Quadrature } from "../../server/numerics/lanczos-quadrature.ts";
import { massBelow } from "../../server/numerics/mass-below.ts";
import { createRandom } from "../../server/numerics/random.ts";

interface Atom {
  readonly at: number;
  readonly mass: number;
}

/** A measure of points, as a diagonal matrix and a start show it. */
function measure(points: readonly number[], seed: number): { atoms: Atom[]; see(steps: number): Quadrature } {
  const random = createRandom(seed);
  const start = Float32Array.from(points, () => 0.2 + random.normal() ** 2);
  const total = start.reduce((sum, value) => sum + value * value, 0);
  return {
    atoms: points.map((at, i) => ({ at, mass: (start[i] as number) ** 2 / total })),
    see: (steps) =>
      lanczosQuadrature((v) => v.map((value, i) => value * (points[i] as number)), { start, steps }),
  };
}

const mass = (atoms: readonly Atom[], test: (at: number) => boolean) =>
  atoms.reduce((sum, atom) => (test(atom.at) ? sum + atom.mass : sum), 0);

/** A bulk at zero, shoulders and outliers: the shape that networks have. */
const POINTS = [
  ...Array.from({ length: 160 }, (_, i) => 0.15 * Math.sin(i)),
  ...Array.from({ length: 30 }, (_, i) => 0.1 * i - 1.2),
  ...[6, 7.5, 9, 20],
];

describe("massBelow", () => {
  test("bounds what lies below any point, and ever more tightly", () => {
    const { atoms, see } = measure(POINTS, 1);
    let before = Number.POSITIVE_INFINITY;
    for (const steps of [4, 12, 24]) {
      const quadrature = see(steps);
      let open = 0;
      for (let x = -2; x < 22; x += 0.0137) {
        const { least, most } = massBelow(quadrature, x);
        expect(least).toBeLessThanOrEqual(mass(atoms, (at) => at < x) + 1e-6);
        expect(most).toBeGreaterThanOrEqual(mass(atoms, (at) => at <= x) - 1e-6);
        open = Math.max(open, most - least);
      }
      expect(open).toBeLessThan(before);
      before = open;
    }
  });

  test("gives bounds that no tighter ones could replace: of a measure with one point more than steps, its own masses", () => {
    const points = [-3, -1, 0.5, 2, 4, 11];
    const { atoms, see } = measure(points, 2);
    const quadrature = see(points.length - 1);
    for (const x of points) {
      const { least, most } = massBelow(quadrature, x);
      expect(least).toBeCloseTo(
        mass(atoms, (at) => at < x),
        5,
      );
      expect(most).toBeCloseTo(
        mass(atoms, (at) => at <= x),
        5,
      );
    }
  });

  test("leaves a node's own mass open where the point is a node, and is no different right beside it", () => {
    const quadrature = measure(POINTS, 3).see(8);
    for (const [i, node] of quadrature.nodes.entries()) {
      const below = quadrature.weights.subarray(0, i).reduce((sum, weight) => sum + weight, 0);
      for (const beside of [0, -1e-9, 1e-9]) {
        const { least, most } = massBelow(quadrature, node + beside);
        expect(least).toBeCloseTo(below, 4);
        expect(most - least).toBeCloseTo(quadrature.weights[i] as number, 4);
      }
    }
  });

  test("leaves nothing open where the vector has shown all that it can see, and nothing beyond the ends", () => {
    const { atoms, see } = measure([...new Array(30).fill(0), 1, 1, 5], 4);
    const closed = see(20);
    for (const x of [-1, 0.5, 3, 7]) {
      const { least, most } = massBelow(closed, x);
      expect(least).toBeCloseTo(
        mass(atoms, (at) => at < x),
        5,
      );
      expect(most).toBeCloseTo(least, 5);
    }
    const { least, most } = massBelow(measure(POINTS, 5).see(12), 1000);
    expect(least).toBeCloseTo(1, 6);
    expect(most).toBeCloseTo(1, 6);
  });
});
