import * as tf from "@tensorflow/tfjs-core";
import { Matrix } from "ml-matrix";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Objective } from "../../server/engine/objective.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { dot, norm } from "../../server/numerics/vector.ts";
import { denseEigenvalues } from "../numerics/symmetric.ts";
import { onEveryBackend } from "./every-backend.ts";
import { type ActivationName, derivatives64, hessian64, type LossName } from "./float64-net.ts";
import { makeCase } from "./make-case.ts";

const combinations: [ActivationName, LossName][] = (
  ["tanh", "gelu", "relu", "sigmoid", "softplus"] as const
).flatMap((activation) =>
  (["cross-entropy", "mse", "half-sum-mse"] as const).map((loss): [ActivationName, LossName] => [
    activation,
    loss,
  ]),
);

/** Rows of H from the engine, by unit vectors. */
function hessian(objective: Objective, theta: Float32Array): Float64Array[] {
  const linearised = objective.linearise(theta);
  const rows = Array.from(theta, (_, i) => {
    const unit = new Float32Array(theta.length);
    unit[i] = 1;
    return Float64Array.from(linearised.hessianVectorProduct(unit));
  });
  linearised.dispose();
  return rows;
}

const matrix = (rows: readonly Float64Array[]) => new Matrix(rows.map((row) => [...row]));

/** Errors of the engine's Hessian relative to λ₁. */
function compare(found: Matrix, exact: Matrix) {
  const n = exact.rows;
  const expected = denseEigenvalues(exact);
  const lambda1 = expected[n - 1] as number;
  const difference = Matrix.sub(found, exact).abs().max();
  const asymmetry = Matrix.sub(found, found.transpose()).abs().max();
  const symmetric = Matrix.add(found, found.transpose()).mul(0.5);
  const values = denseEigenvalues(symmetric);
  const shift = Math.max(...values.map((value, i) => Math.abs(value - (expected[i] as number))));
  return { difference: difference / lambda1, asymmetry: asymmetry / lambda1, shift: shift / lambda1 };
}

onEveryBackend("on", (create) => {
  let before: number;
  beforeAll(() => {
    before = tf.memory().numTensors;
  });
  afterAll(() => {
    expect(tf.memory().numTensors).toBe(before);
  });

  describe("the full Hessian of an 8-6-5-3 net", () => {
    test.each(combinations)(
      "%s, %s: every entry and every eigenvalue within 2e-7·λ₁ of float64",
      (activation, loss) => {
        const { net, theta, objective } = makeCase([8, 6, 5, 3], activation, loss, 24);
        const on = objective(create);
        const errors = compare(matrix(hessian(on, theta)), matrix(hessian64(net, theta)));
        on.dispose();
        expect(errors.difference).toBeLessThan(2e-7);
        expect(errors.shift).toBeLessThan(2e-7);
        expect(errors.asymmetry).toBeLessThan(2e-7);
      },
    );
  });

  test.each(combinations)(
    "%s, %s: the gradient is within 2e-6 of float64, relative to its largest entry",
    (activation, loss) => {
      const { net, theta, objective } = makeCase([20, 16, 10], activation, loss, 100, 2);
      const on = objective(create);
      const found = on.gradient(theta);
      on.dispose();
      const exact = derivatives64(net, theta, new Float64Array(theta.length));
      expect(Math.abs(found.loss - exact.loss)).toBeLessThan(1e-6 * exact.loss);
      const size = Math.max(...exact.gradient.map(Math.abs));
      exact.gradient.forEach((value, i) => {
        expect(Math.abs((found.gradient[i] as number) - value)).toBeLessThan(2e-6 * size);
      });
    },
  );

  test("the last bias, which enters Hv through the loss alone, has its curvature", () => {
    const { net, theta, objective } = makeCase([6, 5, 3], "tanh", "cross-entropy", 20, 3);
    const on = objective(create);
    const linearised = on.linearise(theta);
    for (const bias of [theta.length - 3, theta.length - 2, theta.length - 1]) {
      const unit = new Float32Array(theta.length);
      unit[bias] = 1;
      const found = linearised.hessianVectorProduct(unit);
      const { hv } = derivatives64(net, theta, unit);
      expect(Math.abs(hv[bias] as number)).toBeGreaterThan(0.05);
      hv.forEach((value, i) => {
        expect(Math.abs((found[i] as number) - value)).toBeLessThan(1e-6);
      });
    }
    linearised.dispose();
    on.dispose();
  });

  test("Hv is symmetric and linear in v", () => {
    const { theta, objective } = makeCase([30, 20, 12, 10], "gelu", "cross-entropy", 64, 4);
    const on = objective(create);
    const linearised = on.linearise(theta);
    const random = createRandom(9);
    for (let round = 0; round < 5; round++) {
      const v = random.fillNormal(new Float32Array(theta.length));
      const w = random.fillNormal(new Float32Array(theta.length));
      const hv = linearised.hessianVectorProduct(v);
      const hw = linearised.hessianVectorProduct(w);
      expect(Math.abs(dot(hv, w) - dot(v, hw))).toBeLessThan(1e-6 * norm(hv) * norm(w));
      const sum = linearised.hessianVectorProduct(v.map((value, i) => value - 2 * (w[i] as number)));
      const apart = hv.map((value, i) => value - 2 * (hw[i] as number) - (sum[i] as number));
      expect(norm(apart)).toBeLessThan(1e-6 * norm(hv));
    }
    linearised.dispose();
    on.dispose();
  });

  test("Hv does not depend on what was asked before, and outlives other work on the objective", () => {
    const { theta, objective } = makeCase([8, 6, 4], "tanh", "cross-entropy", 16, 5);
    const on = objective(create);
    const v = createRandom(1).fillNormal(new Float32Array(theta.length));
    const first = on.linearise(theta);
    const expected = first.hessianVectorProduct(v);
    const elsewhere = on.linearise(theta.map((value) => value + 1));
    elsewhere.hessianVectorProduct(v);
    elsewhere.dispose();
    on.gradient(v);
    expect(first.hessianVectorProduct(v)).toEqual(expected);
    first.dispose();
    on.dispose();
  });
});

test("wasm: a net of 452 parameters, tanh under cross-entropy, is within 2e-7·λ₁ of float64 as a whole", async () => {
  await tf.setBackend("wasm");
  const { net, theta, objective } = makeCase([25, 12, 8, 4], "tanh", "cross-entropy", 12);
  const on = objective();
  const errors = compare(matrix(hessian(on, theta)), matrix(hessian64(net, theta)));
  on.dispose();
  expect(errors.difference).toBeLessThan(2e-7);
  expect(errors.shift).toBeLessThan(2e-7);
  expect(errors.asymmetry).toBeLessThan(2e-7);
});
