import { describe, expect, it } from "vitest";
import { initialise } from "../../server/engine/initialise.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { drawnTheta } from "../../server/verify/initial.ts";
import type { Parameter } from "../../shared/header.ts";

const SHAPES: readonly (readonly [string, readonly number[]])[] = [
  ["embedding/embeddings", [40, 6]],
  ["conv1d/kernel", [3, 6, 8]],
  ["conv2d/kernel", [5, 5, 2, 7]],
  ["conv2d/bias", [7]],
  ["depthwise/depthwise_kernel", [3, 3, 7, 2]],
  ["separable/depthwise_kernel", [3, 3, 4, 1]],
  ["separable/pointwise_kernel", [1, 1, 4, 9]],
  ["norm/gamma", [9]],
  ["norm/beta", [9]],
  ["p_re_lu/alpha", [4, 9]],
  ["gru/kernel", [9, 15]],
  ["gru/recurrent_kernel", [5, 15]],
  ["dense/kernel", [5, 3]],
  ["dense/bias", [3]],
];

function laidOut(): Parameter[] {
  let offset = 0;
  return SHAPES.map(([name, shape]) => {
    const at = offset;
    offset += shape.reduce((product, length) => product * length, 1);
    return { name, layer: name.slice(0, name.indexOf("/")), shape: [...shape], offset: at };
  });
}

describe("drawnTheta", () => {
  it.each(["glorot", "lecun", "he"] as const)(
    "has θ₀ of every kind of layer as the engine draws it: %s",
    (init) => {
      const parameters = laidOut();
      const drawn = drawnTheta(parameters, init, createRandom(3));
      expect(drawn).toEqual(initialise(parameters, init, createRandom(3)));
      const biases = parameters.filter(({ name }) => /bias|beta|alpha/.test(name));
      for (const { offset } of biases) expect(drawn[offset]).toBe(0);
    },
  );

  it("has the spread that a kernel's fans ask for", () => {
    const parameters: Parameter[] = [
      { name: "conv/kernel", layer: "conv", shape: [5, 5, 16, 32], offset: 0 },
    ];
    const drawn = drawnTheta(parameters, "lecun", createRandom(1));
    const variance = drawn.reduce((sum, value) => sum + value * value, 0) / drawn.length;
    // 12,800 squares of normals: a standard error of 1.3 %.
    expect(variance * 25 * 16).toBeGreaterThan(0.95);
    expect(variance * 25 * 16).toBeLessThan(1.05);
  });
});
