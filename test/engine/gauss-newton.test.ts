import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../server/engine/compile.ts";
import { createObjective } from "../../server/engine/compiled-objective.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { dot, norm } from "../../server/numerics/vector.ts";
import { dense } from "./make-case.ts";
import { type Case64, gaussNewton64 } from "./reference.ts";

const SIZE = 9;

function makeNet(activation: "tanh" | "relu" | "linear", loss: string) {
  const random = createRandom(7);
  const model = dense([5, 6, 4, 3], activation);
  const compiled = compile(model, loss);
  const inputs = random.fillNormal(new Float32Array(SIZE * 5));
  const targets = new Float32Array(SIZE * 3);
  for (let i = 0; i < SIZE; i++) targets[3 * i + random.integer(3)] = 1;
  const theta = random.fillNormal(new Float32Array(compiled.parameterCount), 0.7);
  const of: Case64 = { model, loss, inputs, targets, size: SIZE };
  const objective = () => createObjective(compiled, { inputs, targets, size: SIZE });
  return { of, theta, random, objective };
}

function largestError(found: Float32Array, exact: Float64Array): number {
  const scale = Math.max(...exact.map(Math.abs));
  return Math.max(...exact.map((value, i) => Math.abs(value - (found[i] as number)))) / scale;
}

describe.each(["wasm", "cpu"])("the Gauss–Newton product on %s", (backend) => {
  beforeAll(async () => {
    expect(await tf.setBackend(backend)).toBe(true);
  });

  test.each([
    ["tanh", "cross-entropy"],
    ["tanh", "mse"],
    ["relu", "cross-entropy"],
    ["relu", "half-sum-mse"],
  ] as const)("%s, %s: is JᵀHJv of the dense float64 Jacobian, and symmetric", (activation, loss) => {
    const { of, theta, random, objective } = makeNet(activation, loss);
    const v = random.fillNormal(new Float32Array(theta.length));
    const w = random.fillNormal(new Float32Array(theta.length));
    const on = objective();
    const before = tf.memory().numTensors;
    const linearised = on.linearise(theta);
    const held = tf.memory().numTensors;
    const gv = linearised.gaussNewtonProduct(v);
    const gw = linearised.gaussNewtonProduct(w);
    expect(largestError(gv, gaussNewton64(of, theta, v))).toBeLessThan(1e-6);
    expect(Math.abs(dot(gv, w) - dot(gw, v))).toBeLessThan(1e-6 * norm(gv) * norm(w));
    expect(dot(gv, v)).toBeGreaterThan(0);
    // Neither product disturbs the other.
    const hv = linearised.hessianVectorProduct(v);
    expect(linearised.gaussNewtonProduct(v)).toEqual(gv);
    expect(linearised.hessianVectorProduct(v)).toEqual(hv);
    expect(tf.memory().numTensors).toBe(held);
    linearised.dispose();
    expect(tf.memory().numTensors).toBe(before);
    on.dispose();
    of.model.dispose();
  });

  test("is the Hessian's for a model linear in θ, and is not for another", () => {
    for (const activation of ["linear", "tanh"] as const) {
      const random = createRandom(2);
      const model = activation === "linear" ? dense([4, 3], "linear") : dense([4, 5, 3], "tanh");
      const compiled = compile(model, "cross-entropy");
      model.dispose();
      const inputs = random.fillNormal(new Float32Array(8 * 4));
      const targets = Float32Array.from({ length: 8 * 3 }, (_, i) => (i % 3 === (i >> 3) % 3 ? 1 : 0));
      const on = createObjective(compiled, { inputs, targets, size: 8 });
      const theta = random.fillNormal(new Float32Array(compiled.parameterCount));
      const v = random.fillNormal(new Float32Array(compiled.parameterCount));
      const linearised = on.linearise(theta);
      const hv = linearised.hessianVectorProduct(v);
      const gv = linearised.gaussNewtonProduct(v);
      const apart = norm(hv.map((value, i) => value - (gv[i] as number))) / norm(hv);
      if (activation === "linear") expect(apart).toBeLessThan(1e-6);
      else expect(apart).toBeGreaterThan(0.01);
      linearised.dispose();
      on.dispose();
    }
  });
});
