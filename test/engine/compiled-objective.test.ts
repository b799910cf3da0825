import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { describe, expect, test } from "vitest";
import { compile } from "../../server/engine/compile.ts";
import { createObjective } from "../../server/engine/compiled-objective.ts";
import { EngineError } from "../../server/engine/engine-error.ts";
import type { Objective } from "../../server/engine/objective.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { onEveryBackend } from "./every-backend.ts";
import { derivatives64, loss64 } from "./float64-net.ts";
import { dense, makeCase } from "./make-case.ts";

onEveryBackend("an objective on", (create) => {
  test("gives the same bits from every method, and the same at every call", () => {
    const { theta, objective } = makeCase([12, 8, 5], "gelu", "cross-entropy", 33);
    const on = objective(create);
    const { loss, gradient, exampleLosses } = on.gradient(theta);
    expect(on.loss(theta)).toBe(loss);
    expect(on.evaluate(theta).loss).toBe(loss);
    expect(on.exampleLosses(theta)).toEqual(exampleLosses);
    const linearised = on.linearise(theta);
    expect(linearised.loss).toBe(loss);
    expect(linearised.gradient).toEqual(gradient);
    expect(linearised.theta).toEqual(theta);
    expect(linearised.theta).not.toBe(theta);
    linearised.dispose();
    expect(on.gradient(theta)).toEqual({ loss, gradient, exampleLosses });
    expect(loss).toBe(exampleLosses.reduce((sum, value) => sum + value, 0) / 33);
    on.dispose();
  });

  test("writes derivatives into the vector it is given, with the same bits", () => {
    const { theta, objective } = makeCase([6, 5, 4], "tanh", "cross-entropy", 9);
    const on = objective(create);
    const out = new Float32Array(theta.length).fill(Number.NaN);
    const { gradient } = on.gradient(theta);
    expect(on.gradient(theta, out).gradient).toBe(out);
    expect(out).toEqual(gradient);
    const linearised = on.linearise(theta);
    for (const product of [linearised.hessianVectorProduct, linearised.gaussNewtonProduct]) {
      const expected = product(theta);
      expect(product(theta, out.fill(Number.NaN))).toBe(out);
      expect(out).toEqual(expected);
      expect(() => product(theta, new Float32Array(3))).toThrow(
        `out: expected length ${theta.length}, got 3`,
      );
    }
    linearised.dispose();
    on.dispose();
  });

  test("has each example's loss right in float64's eyes", () => {
    for (const loss of ["cross-entropy", "mse", "half-sum-mse"] as const) {
      const { net, theta, objective } = makeCase([6, 5, 4], "tanh", loss, 11);
      const on = objective(create);
      on.exampleLosses(theta).forEach((value, i) => {
        const one = { ...net, inputs: [net.inputs[i] ?? []], targets: [net.targets[i] ?? []] };
        expect(Math.abs(value - loss64(one, theta))).toBeLessThan(2e-6);
      });
      on.dispose();
    }
  });

  test("keeps no tensor through 1,000 gradients and Hessian-vector products, and none at all after dispose", () => {
    const before = tf.memory().numTensors;
    const { theta, objective } = makeCase([5, 4, 3], "gelu", "cross-entropy", 8);
    const on = objective(create);
    const linearised = on.linearise(theta);
    linearised.hessianVectorProduct(theta);
    const { numTensors, numBytes } = tf.memory();
    for (let i = 0; i < 1000; i++) {
      on.gradient(theta);
      linearised.hessianVectorProduct(theta);
      if (i % 50 === 0) {
        on.loss(theta);
        on.evaluate(theta);
        on.linearise(theta).dispose();
      }
    }
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(tf.memory().numBytes).toBe(numBytes);
    linearised.dispose();
    linearised.dispose();
    on.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test("keeps no tensor when an error interrupts it", () => {
    const { theta, objective } = makeCase([5, 4, 3], "tanh", "mse", 8);
    const on = objective(create);
    const linearised = on.linearise(theta);
    const before = tf.memory().numTensors;
    const short = theta.subarray(1);
    for (const attempt of [
      () => on.gradient(short),
      () => on.loss(short),
      () => on.linearise(short),
      () => linearised.hessianVectorProduct(short),
    ])
      expect(attempt).toThrow(`expected length ${theta.length}, got ${theta.length - 1}`);
    expect(tf.memory().numTensors).toBe(before);
    linearised.dispose();
    on.dispose();
  });

  test("a NaN or an overflow in θ reaches the loss and the gradient, whatever the activation", () => {
    const names = [
      ...(["relu", "relu6", "elu", "selu", "sigmoid", "hardSigmoid", "softplus", "softsign"] as const),
      ...(["tanh", "swish", "mish", "gelu", "gelu_new", "softmax", "logSoftmax"] as const),
    ];
    for (const activation of names) {
      const { theta, objective } = makeCase([5, 4, 3], activation as "relu", "cross-entropy", 8);
      const on = objective(create);
      const poisoned = theta.slice();
      poisoned[0] = Number.NaN;
      const { loss, gradient } = on.gradient(poisoned);
      expect(loss, activation).toBeNaN();
      expect(gradient.some(Number.isNaN)).toBe(true);
      expect(on.loss(poisoned)).toBeNaN();
      on.dispose();
    }
    const { theta, objective } = makeCase([5, 4, 3], "linear", "half-sum-mse", 8);
    const on = objective(create);
    expect(Number.isFinite(on.loss(theta.map((value) => value * 1e30)))).toBe(false);
    on.dispose();
  });

  test("does not overflow where logits are large", () => {
    const { net, theta, objective } = makeCase([5, 4, 3], "relu", "cross-entropy", 16);
    const on = objective(create);
    const large = theta.map((value) => 300 * value);
    const { loss } = on.gradient(large);
    expect(Math.abs(loss - derivatives64(net, large, large).loss)).toBeLessThan(1e-5 * loss);
    on.dispose();
  });

  test("is not touched by what happens to the arrays it was given", () => {
    const compiled = compile(dense([3, 2], "linear"), "mse");
    const inputs = Float32Array.of(1, 2, 3);
    const targets = Float32Array.of(0, 1);
    const on = create(compiled, { inputs, targets, size: 1 });
    const theta = createRandom(1).fillNormal(new Float32Array(compiled.parameterCount));
    const loss = on.loss(theta);
    inputs.fill(7);
    targets.fill(7);
    const linearised = on.linearise(theta);
    theta.fill(0);
    expect(linearised.loss).toBe(loss);
    expect(linearised.theta[0]).not.toBe(0);
    linearised.dispose();
    on.dispose();
  });
});

describe("accuracy", () => {
  const identity = Float32Array.of(1, 0, 0, 1, 0, 0);

  test("is the share of examples whose largest output is the label's", () => {
    const compiled = compile(dense([2, 2], "linear"), "cross-entropy");
    const on = createObjective(compiled, {
      inputs: Float32Array.of(3, 1, 1, 3, 5, 4, 0, 1),
      targets: Float32Array.of(1, 0, 1, 0, 1, 0, 0, 1),
      size: 4,
    });
    expect(on.accuracy(identity)).toBe(0.75);
    expect(on.evaluate(identity)).toEqual({ loss: on.loss(identity), accuracy: 0.75 });
    on.dispose();
  });

  test("of one logit is the share on the label's side of 0", () => {
    const compiled = compile(dense([1, 1], "linear"), "sigmoid-cross-entropy");
    const of = (targets: number[]) => {
      const on = createObjective(compiled, {
        inputs: Float32Array.of(-2, -1, 1, 2),
        targets: Float32Array.from(targets),
        size: 4,
      });
      const accuracy = on.accuracy(Float32Array.of(1, 0));
      on.dispose();
      return accuracy;
    };
    expect(of([0, 1, 1, 1])).toBe(0.75);
    expect(of([0, 0.5, 1, 1])).toBeNaN();
  });

  test.each([
    ["cross-entropy", [0, 1]],
    ["half-sum-mse", [0, 1]],
    ["sigmoid-cross-entropy", [1]],
  ] as const)(
    "under %s is NaN where an output has overflowed, and not only where it is large",
    (loss, targets) => {
      const outputs = targets.length;
      const compiled = compile(dense([1, outputs], "linear"), loss);
      const on = createObjective(compiled, {
        inputs: Float32Array.of(1, 100),
        targets: Float32Array.of(...targets, ...targets),
        size: 2,
      });
      const kernel = (value: number) => Float32Array.of(...targets.map(() => value), ...targets.map(() => 0));
      expect(on.accuracy(kernel(1e36))).toBe(outputs === 1 ? 1 : 0);
      for (const value of [1e38, -1e38, Number.NaN]) expect(on.accuracy(kernel(value))).toBeNaN();
      on.dispose();
    },
  );

  test("is NaN for regression", () => {
    const compiled = compile(dense([2, 2], "linear"), "mse");
    const on = createObjective(compiled, {
      inputs: Float32Array.of(1, 2),
      targets: Float32Array.of(0.5, 1),
      size: 1,
    });
    expect(on.accuracy(identity)).toBeNaN();
    on.dispose();
  });
});

describe("penalties", () => {
  test("are a part of every example's loss, so that L stays their mean", () => {
    const model = (kernelRegularizer?: ReturnType<typeof tfl.regularizers.l2>) =>
      tfl.sequential({
        layers: [
          tfl.layers.dense({
            units: 2,
            inputShape: [3],
            ...(kernelRegularizer === undefined ? {} : { kernelRegularizer }),
          }),
        ],
      });
    const data = {
      inputs: Float32Array.of(1, 2, 3, -1, 0, 1),
      targets: Float32Array.of(1, 2, 3, 4),
      size: 2,
    };
    const theta = Float32Array.of(1, -2, 3, -4, 5, -6, 7, 8);
    const [plain, penalised] = [model(), model(tfl.regularizers.l2({ l2: 0.5 }))].map((each) =>
      createObjective(compile(each, "half-sum-mse"), data),
    ) as [Objective, Objective];
    const penalty = 0.5 * (1 + 4 + 9 + 16 + 25 + 36);
    expect([...penalised.exampleLosses(theta)]).toEqual(
      [...plain.exampleLosses(theta)].map((value) => Math.fround(value + penalty)),
    );
    expect(penalised.evaluate(theta).loss).toBe(penalised.loss(theta));
    expect(penalised.gradient(theta).loss).toBe(penalised.loss(theta));
    expect(penalised.formula).toContain("+ 0.5·‖");
    plain.dispose();
    penalised.dispose();
  });
});

describe.each(["wasm", "cpu"])("max-pooling on %s", (backend) => {
  test("gives a tie to the first of its window, and a window without a positive number its maximum", async () => {
    expect(await tf.setBackend(backend)).toBe(true);
    const model = tfl.sequential({
      layers: [
        tfl.layers.conv2d({ filters: 1, kernelSize: 1, inputShape: [2, 4, 1] }),
        tfl.layers.maxPooling2d({ poolSize: 2 }),
        tfl.layers.flatten(),
        tfl.layers.dense({ units: 1, useBias: false }),
      ],
    });
    const compiled = compile(model, "half-sum-mse");
    // Two windows: [3, 3 / 3, 1], whose first 3 counts, and [−4, −3 / −1, −2].
    const on = createObjective(compiled, {
      inputs: Float32Array.of(3, 3, -4, -3, 3, 1, -1, -2),
      targets: Float32Array.of(0),
      size: 1,
    });
    // w, b of the convolution, then the outputs' weights: z = 1·(3w + b) + 10·(−w + b).
    const theta = Float32Array.of(1, 0, 1, 10);
    expect([...on.gradient(theta).gradient]).toEqual([-7 * -7, -7 * 11, -7 * 3, -7 * -1]);
    const linearised = on.linearise(theta);
    // H = ∇z∇zᵀ + z·∇²z, where ∂²z/∂w∂u₁ = 3 and so on.
    const hv = linearised.hessianVectorProduct(Float32Array.of(1, 0, 0, 0));
    expect([...hv]).toEqual([49, -77, -21 - 7 * 3, 7 - 7 * -1]);
    linearised.dispose();
    on.dispose();
  });
});

test("an embedding refuses a number that names no row", () => {
  const model = tfl.sequential({
    layers: [
      tfl.layers.embedding({ inputDim: 3, outputDim: 2, inputLength: 2 }),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 1 }),
    ],
  });
  const compiled = compile(model, "mse");
  const on = createObjective(compiled, {
    inputs: Float32Array.of(0, 3),
    targets: Float32Array.of(0),
    size: 1,
  });
  const before = tf.memory().numTensors;
  expect(() => on.gradient(new Float32Array(compiled.parameterCount))).toThrow(
    new EngineError("shape-mismatch", "inputs: expected numbers from 0 to 2 before an embedding, got 3"),
  );
  expect(tf.memory().numTensors).toBe(before);
  on.dispose();
});

test("targets beyond 0 and 1 are refused under sigmoid-cross-entropy", () => {
  const compiled = compile(dense([1, 1], "linear"), "sigmoid-cross-entropy");
  expect(() =>
    createObjective(compiled, { inputs: Float32Array.of(1), targets: Float32Array.of(-1), size: 1 }),
  ).toThrow("targets: expected numbers from 0 to 1 under sigmoid-cross-entropy, got others");
});

test.each([
  [{ inputs: new Float32Array(5) }, "inputs: expected 6 numbers for this model, got 5"],
  [{ targets: new Float32Array(5) }, "targets: expected 4 numbers for this model, got 5"],
  [{ size: 0 }, "data: expected at least 1 example, got 0"],
  [
    { targets: Float32Array.of(1, 0, 0.5, 0.5) },
    "targets: expected one-hot rows under cross-entropy, got others",
  ],
])("data that do not fit the model are refused: %o", (wrong, message) => {
  const compiled = compile(dense([3, 2], "linear"), "cross-entropy");
  const before = tf.memory().numTensors;
  const data = { inputs: new Float32Array(6), targets: Float32Array.of(1, 0, 0, 1), size: 2, ...wrong };
  expect(() => createObjective(compiled, data)).toThrow(new EngineError("shape-mismatch", message));
  expect(tf.memory().numTensors).toBe(before);
});
