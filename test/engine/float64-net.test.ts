import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, test } from "vitest";
import { createRandom } from "../../server/numerics/random.ts";
import { type ActivationName, derivatives64, erf, type LossName, loss64 } from "./float64-net.ts";
import { makeCase } from "./make-case.ts";

const smooth: [ActivationName, LossName][] = [
  ["tanh", "cross-entropy"],
  ["tanh", "half-sum-mse"],
  ["gelu", "cross-entropy"],
  ["gelu", "mse"],
  ["sigmoid", "mse"],
  ["softplus", "cross-entropy"],
  ["linear", "half-sum-mse"],
];

describe("the float64 reference", () => {
  test.each(smooth)("%s, %s: gradient and Hv agree with central differences", (activation, loss) => {
    const { net, theta } = makeCase([5, 4, 3, 3], activation, loss, 6);
    const at = Float64Array.from(theta);
    const random = createRandom(3);
    const v = Float64Array.from(at, () => random.normal());
    const shifted = (step: number) => at.map((value, i) => value + step * (v[i] as number));
    const { gradient, hv } = derivatives64(net, at, v);
    const step = 1e-5;
    const slope = (loss64(net, shifted(step)) - loss64(net, shifted(-step))) / (2 * step);
    const exact = gradient.reduce((sum, value, i) => sum + value * (v[i] as number), 0);
    expect(Math.abs(slope - exact)).toBeLessThan(1e-8 * Math.max(1, Math.abs(exact)));
    const plus = derivatives64(net, shifted(step), v).gradient;
    const minus = derivatives64(net, shifted(-step), v).gradient;
    const size = Math.max(...hv.map(Math.abs));
    hv.forEach((value, i) => {
      const difference = ((plus[i] as number) - (minus[i] as number)) / (2 * step);
      expect(Math.abs(difference - value)).toBeLessThan(1e-8 * size);
    });
  });

  test("erf agrees with Simpson's rule on its integral", () => {
    for (const x of [-4, -1.99, -0.3, 0, 0.7, 1.999, 2.001, 3.2]) {
      const pieces = 4000;
      const h = x / pieces;
      let sum = 0;
      for (let i = 0; i <= pieces; i++) {
        const weight = i === 0 || i === pieces ? 1 : i % 2 === 1 ? 4 : 2;
        sum += weight * Math.exp(-((i * h) ** 2));
      }
      expect(Math.abs(erf(x) - ((2 / Math.sqrt(Math.PI)) * sum * h) / 3)).toBeLessThan(1e-13);
    }
  });
});
