import { describe, expect, test } from "vitest";
import { initialise } from "../../server/engine/initialise.ts";
import { createRandom } from "../../server/numerics/random.ts";

const parameters = [
  { name: "a/kernel", layer: "a", shape: [300, 100], offset: 0 },
  { name: "a/bias", layer: "a", shape: [100], offset: 30_000 },
  { name: "b/kernel", layer: "b", shape: [100, 50], offset: 30_100 },
  { name: "b/bias", layer: "b", shape: [50], offset: 35_100 },
];

describe("initialise", () => {
  test.each([
    ["glorot", 2 / 400, 2 / 150],
    ["lecun", 1 / 300, 1 / 100],
    ["he", 2 / 300, 2 / 100],
  ] as const)("%s: normal kernels of its variance, zero biases", (how, first, second) => {
    const theta = initialise(parameters, how, createRandom(1));
    expect(theta).toHaveLength(35_150);
    for (const [from, to, variance] of [
      [0, 30_000, first],
      [30_100, 35_100, second],
    ] as const) {
      const kernel = theta.subarray(from, to);
      const n = kernel.length;
      const moment = (k: number) =>
        kernel.reduce((sum, value) => sum + (value / Math.sqrt(variance)) ** k, 0) / n;
      expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
      expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
      // 3 for a normal, 1.8 for a uniform.
      expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    }
    expect(theta.subarray(30_000, 30_100).every((value) => value === 0)).toBe(true);
    expect(theta.subarray(35_100).every((value) => value === 0)).toBe(true);
  });

  test("counts the taps of a convolution's window, and leaves what is no kernel at its neutral value", () => {
    const shapes: [string, number[], number][] = [
      ["conv/kernel", [5, 5, 8, 40], 1 / 200],
      ["depth/depthwise_kernel", [5, 5, 80, 4], 1 / 25],
      ["point/pointwise_kernel", [1, 1, 80, 100], 1 / 80],
      ["words/embeddings", [100, 80], 1],
      ["norm/gamma", [8000], 0],
      ["norm/beta", [8000], 0],
      ["slope/alpha", [10, 800], 0],
    ];
    const all = shapes.map(([name, shape], i) => ({ name, layer: "", shape, offset: 8000 * i }));
    const theta = initialise(all, "lecun", createRandom(3));
    shapes.forEach(([name, , variance], i) => {
      const part = theta.subarray(8000 * i, 8000 * (i + 1));
      if (variance > 0) {
        const moment = part.reduce((sum, value) => sum + value * value, 0) / part.length;
        expect(Math.abs(moment / variance - 1)).toBeLessThan(4 * Math.sqrt(2 / part.length));
      } else expect(part.every((value) => value === (name === "norm/gamma" ? 1 : 0))).toBe(true);
    });
  });

  test("gives the same θ₀ for the same seed, and another for another", () => {
    const first = initialise(parameters, "he", createRandom(1));
    expect(initialise(parameters, "he", createRandom(1))).toEqual(first);
    expect(initialise(parameters, "he", createRandom(2))).not.toEqual(first);
  });
});
