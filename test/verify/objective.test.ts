import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { Matrix } from "ml-matrix";
import { beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../../server/numerics/random.ts";
import { normalDistribution } from "../../server/verify/activations.ts";
import { denseSpectrum } from "../../server/verify/dense.ts";
import { Inputs } from "../../server/verify/inputs.ts";
import { lanczos64, noise } from "../../server/verify/lanczos64.ts";
import type { Network } from "../../server/verify/network.ts";
import { Objective64 } from "../../server/verify/objective.ts";
import { type ActivationName, derivatives64, erf, hessian64, type LossName } from "../engine/float64-net.ts";
import { type Case, makeCase } from "../engine/make-case.ts";
import { denseEigenvalues, randomSymmetric } from "../numerics/symmetric.ts";
import { expectKnown, ratiosAt } from "./float32-ratios.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const SIZES = [7, 6, 5, 3];

function objective64({ net, theta, targets }: Case, kinkAt = 0): Objective64 {
  let offset = 0;
  const layers = net.sizes.slice(1).map((outputs, l) => {
    const inputs = net.sizes[l] as number;
    const kernelAt = offset;
    offset += (inputs + 1) * outputs;
    const activation = l === net.sizes.length - 2 ? "linear" : net.activation;
    const biasAt = kernelAt + inputs * outputs;
    const kernel = { terms: inputs, filters: outputs, kernelAt, biasAt, windows: null };
    return { kind: "kernel" as const, inputs, outputs, ...kernel, activation };
  });
  const network: Network = { layers, parameterCount: offset, loss: net.loss };
  const inputs = new Inputs(Float32Array.from(net.inputs.flat()), net.inputs.length);
  return new Objective64(network, { inputs, targets }, theta, kinkAt);
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

const combinations = (["tanh", "gelu", "relu", "sigmoid", "softplus"] as const).flatMap((activation) =>
  (["cross-entropy", "mse", "half-sum-mse"] as const).map((loss): [ActivationName, LossName] => [
    activation,
    loss,
  ]),
);

describe.each(combinations)("%s under %s", (activation, loss) => {
  it("has the loss, gradient and Hessian-vector product of one scalar after the other", () => {
    const made = makeCase(SIZES, activation, loss, 9);
    const v = Float64Array.from(made.theta, (_, i) => Math.sin(i * i + 1));
    const expected = derivatives64(made.net, made.theta, v);
    const objective = objective64(made);
    expect(objective.evaluate().loss).toBeCloseTo(expected.loss, 13);
    expect(largestDifference(objective.slope().gradient, expected.gradient)).toBeLessThan(1e-14);
    expect(largestDifference(objective.apply(v), expected.hv)).toBeLessThan(1e-14);
  });

  it("multiplies with the Gauss–Newton matrix as the engine does", () => {
    const made = makeCase(SIZES, activation, loss, 9);
    const v = Float32Array.from(made.theta, (_, i) => Math.sin(i * i + 1));
    const engine = made.objective();
    const linearised = engine.linearise(made.theta);
    const expected = linearised.gaussNewtonProduct(v);
    linearised.dispose();
    engine.dispose();
    const found = objective64(made).applyGaussNewton(Float64Array.from(v));
    expect(largestDifference(found, expected)).toBeLessThan(1e-6 * Math.max(...expected.map(Math.abs)));
  });

  it("knows what float32 may be off by: the engine is, and by no more", () => {
    const ratios = Array.from({ length: 8 }, (_, seed) => {
      const made = makeCase([40, 30, 20, 10], activation, loss, 50, seed + 1);
      const engine = made.objective();
      const found = engine.gradient(made.theta);
      engine.dispose();
      return ratiosAt(found, objective64(made));
    });
    expectKnown(ratios);
  });
});

describe("inputs", () => {
  it("multiply as the dense matrix does, whatever their columns have in common", () => {
    const random = createRandom(3);
    const [n, width, q] = [11, 8, 3];
    const x = Float32Array.from({ length: n * width }, (_, i) =>
      random.uniform() < 0.7 ? (i % width) / 10 : random.normal(),
    );
    const inputs = new Inputs(x, n);
    const dense = Matrix.from1DArray(n, width, [...x]);
    const w = Float64Array.from({ length: width * q }, () => random.normal());
    const b = Float64Array.from({ length: n * q }, () => random.normal());
    const times = new Float64Array(n * q);
    inputs.addTimes(w, q, times);
    const transposed = new Float64Array(width * q);
    inputs.addTransposedTimes(b, q, transposed);
    const expected = dense.mmul(Matrix.from1DArray(width, q, [...w])).to1DArray();
    expect(largestDifference(times, expected)).toBeLessThan(1e-14);
    const expectedT = dense
      .transpose()
      .mmul(Matrix.from1DArray(n, q, [...b]))
      .to1DArray();
    expect(largestDifference(transposed, expectedT)).toBeLessThan(1e-14);
  });
});

describe("spectra", () => {
  it("of the whole Hessian are those of its unit vectors' products", async () => {
    const made = makeCase([4, 5, 3], "tanh", "cross-entropy", 12);
    const found = await denseSpectrum(objective64(made), async () => {});
    const rows = hessian64(made.net, made.theta).map((row) => [...row]);
    expect(largestDifference(found, denseEigenvalues(new Matrix(rows)).reverse())).toBeLessThan(1e-13);
  });

  it("by Lanczos have eigenvalues within their residuals, and vectors that belong to them", () => {
    const matrix = randomSymmetric(80, 7);
    const apply = (v: Float64Array) =>
      Float64Array.from(matrix.mmul(Matrix.columnVector([...v])).to1DArray());
    const enough = (pairs: readonly { readonly residual: number }[]) => (pairs[2]?.residual ?? 1) < 1e-6;
    const { pairs } = lanczos64(apply, noise(80, createRandom(1)), enough, 80);
    const exact = denseEigenvalues(matrix).reverse();
    for (const [i, pair] of pairs.slice(0, 3).entries()) {
      expect(Math.abs(pair.value - (exact[i] as number))).toBeLessThan(pair.residual + 1e-12);
      const vector = pair.vector();
      const difference = apply(vector).map((value, j) => value - pair.value * (vector[j] as number));
      expect(Math.hypot(...difference)).toBeLessThan(1.01 * pair.residual + 1e-12);
    }
  });
});

it("has Φ to 1e-15", () => {
  for (const z of [-7, -3.1, -2.9, -1, -0.01, 0, 0.3, 1.9, 2.8284, 2.8285, 4, 8])
    expect(Math.abs(normalDistribution(z) - 0.5 * (1 + erf(z / Math.SQRT2)))).toBeLessThan(1e-12);
});
