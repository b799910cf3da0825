import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { expect, test } from "vitest";
import { compile } from "../../server/engine/compile.ts";
import { onEveryBackend } from "./every-backend.ts";

/** In float32 tanh 10 rounds to 1, and so does σ(18); at 40 the slopes are 7·10⁻³⁵ and 4·10⁻¹⁸. */
const PLACES = [0.01, 0.5, 2, 5, 8, 9, 10, 15, 20, 40];
const BOUND = 2e-6;

/** φ, φ′ and φ″ in float64, by formulas without differences. */
const EXACT = {
  tanh(z: number) {
    const slope = 1 / Math.cosh(z) ** 2;
    return { value: Math.tanh(z), slope, bend: -2 * Math.tanh(z) * slope };
  },
  sigmoid(z: number) {
    const value = 1 / (1 + Math.exp(-z));
    const slope = value / (1 + Math.exp(z));
    return { value, slope, bend: -slope * Math.tanh(z / 2) };
  },
} as const;

onEveryBackend("where activations saturate, on", (create) => {
  test.each(["tanh", "sigmoid"] as const)("slopes and bends of %s have all their digits", (activation) => {
    const model = tfl.sequential({
      layers: [tfl.layers.dense({ units: 1, useBias: false, activation, inputShape: [1] })],
    });
    const compiled = compile(model, "half-sum-mse");
    model.dispose();
    const before = tf.memory().numTensors;
    for (const z of PLACES.flatMap((place) => [place, -place])) {
      // One example at z and one weight, 1: L = ½ φ(wz)².
      const on = create(compiled, { inputs: Float32Array.of(z), targets: Float32Array.of(0), size: 1 });
      const linearised = on.linearise(Float32Array.of(1));
      const x = Math.fround(z);
      const { value, slope, bend } = EXACT[activation](x);
      expectNear(linearised.gradient[0], x * value * slope, x * value * slope, `∇L at ${z}`);
      const hv = linearised.hessianVectorProduct(Float32Array.of(1))[0];
      const size = x * x * (slope * slope + Math.abs(value * bend));
      expectNear(hv, x * x * (slope * slope + value * bend), size, `Hv at ${z}`);
      linearised.dispose();
      on.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

/** @param size  of the terms that `exact` is the sum of. */
function expectNear(found: number | undefined, exact: number, size: number, what: string): void {
  expect(Math.abs((found ?? Number.NaN) - exact), what).toBeLessThanOrEqual(BOUND * Math.abs(size));
}
