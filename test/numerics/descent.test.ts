import { describe, expect, test } from "vitest";
import { Descent } from "../../server/numerics/descent.ts";
import { createRandom } from "../../server/numerics/random.ts";

describe("Descent", () => {
  // Around the lengths at which lanes and blocks end.
  test.each([1, 2, 3, 4, 5, 2047, 2048, 2049, 4099])(
    "moves %i elements as the line of JavaScript does, to the bit",
    (n) => {
      const random = createRandom(n);
      const descent = new Descent();
      const theta = random.fillNormal(new Float32Array(n));
      for (const [eta, decay] of [
        [0.1, 0],
        [0.37, 1e-3],
        [2, 0.5],
      ] as const) {
        const gradient = random.fillNormal(new Float32Array(n), 1e-3);
        const expected = theta.map((before, i) => before - eta * ((gradient[i] as number) + decay * before));
        const before = theta.slice();
        const { gradientSquares, updateSquares } = descent.update(theta, gradient, eta, decay);
        expect(theta).toEqual(expected);
        const squares = gradient.reduce((sum, g) => sum + g * g, 0);
        const moved = before.reduce((sum, value, i) => sum + ((theta[i] as number) - value) ** 2, 0);
        expect(Math.abs(gradientSquares - squares)).toBeLessThanOrEqual(1e-13 * squares);
        expect(Math.abs(updateSquares - moved)).toBeLessThanOrEqual(1e-13 * moved);
      }
    },
  );

  test("says of every element that is not finite, the last included", () => {
    for (const at of [0, 2050, 4098]) {
      const gradient = new Float32Array(4099);
      gradient[at] = Number.POSITIVE_INFINITY;
      expect(new Descent().update(new Float32Array(4099), gradient, 0.1, 0).updateSquares).toBe(Infinity);
    }
  });
});
