import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { describe, expect, test } from "vitest";
import { compile, parametersOf } from "../../server/engine/compile.ts";
import { createObjective } from "../../server/engine/compiled-objective.ts";
import { EngineError } from "../../server/engine/engine-error.ts";
import { createRandom } from "../../server/numerics/random.ts";

// Silences tfjs's advice to install another backend.
tf.enableProdMode();

const { layers, sequential } = tfl;

/** Flatten, Reshape, Activation, ReLU and Dense without a bias, all in one chain. */
function mixedLayers(): tfl.layers.Layer[] {
  return [
    layers.reshape({ targetShape: [3, 4], inputShape: [2, 6] }),
    layers.flatten(),
    layers.dense({ units: 7, activation: "softplus", name: "first" }),
    layers.dense({ units: 6, useBias: false, name: "second" }),
    layers.activation({ activation: "tanh" }),
    layers.dense({ units: 5, name: "third" }),
    layers.reLU(),
    layers.dense({ units: 5, activation: "sigmoid", name: "fourth" }),
    layers.dense({ units: 4, activation: "gelu" as "relu", name: "fifth" }),
    layers.dense({ units: 3, activation: "linear", name: "last" }),
  ];
}

function randomWeights(model: tfl.LayersModel): void {
  const random = createRandom(4);
  const weights = model.getWeights();
  model.setWeights(
    weights.map(({ shape, size }) => tf.tensor(random.fillNormal(new Float32Array(size), 0.7), shape)),
  );
}

function refusal(make: () => tfl.LayersModel, loss = "mse"): EngineError {
  try {
    compile(make(), loss);
  } catch (cause) {
    expect(cause).toBeInstanceOf(EngineError);
    return cause as EngineError;
  }
  throw new Error("compiled");
}

const stack = (...more: tfl.layers.Layer[]) =>
  sequential({ layers: [layers.dense({ units: 4, inputShape: [3], name: "input-layer" }), ...more] });

describe("compile", () => {
  test("lays parameters out as the model's own weights: layers in order, kernel before bias", () => {
    const model = sequential({ layers: mixedLayers() });
    const { parameters, parameterCount, inputShape, outputs } = compile(model, "mse");
    expect(parameters.map(({ name }) => name)).toEqual([
      "first/kernel",
      "first/bias",
      "second/kernel",
      "third/kernel",
      "third/bias",
      "fourth/kernel",
      "fourth/bias",
      "fifth/kernel",
      "fifth/bias",
      "last/kernel",
      "last/bias",
    ]);
    const weights = model.getWeights();
    expect(parameters.map(({ shape }) => shape)).toEqual(weights.map(({ shape }) => shape));
    let offset = 0;
    parameters.forEach((parameter, i) => {
      expect(parameter.offset).toBe(offset);
      offset += weights[i]?.size ?? 0;
    });
    expect({ parameterCount, inputShape, outputs }).toEqual({
      parameterCount: offset,
      inputShape: [2, 6],
      outputs: 3,
    });
  });

  test.each(["sequential", "functional"])(
    "a %s model and its rules give the loss and gradient of tfjs's own autodiff",
    (kind) => {
      const chain = mixedLayers();
      let model: tfl.LayersModel = sequential({ layers: chain });
      if (kind === "functional") {
        const input = tfl.input({ shape: [2, 6] });
        const outputs = mixedLayers().reduce<tfl.SymbolicTensor>(
          (x, layer) => layer.apply(x) as tfl.SymbolicTensor,
          input,
        );
        model = tfl.model({ inputs: input, outputs });
      }
      randomWeights(model);
      const compiled = compile(model, "mse");
      const theta = parametersOf(model, compiled);
      const random = createRandom(5);
      const size = 9;
      const inputs = random.fillNormal(new Float32Array(size * 12));
      const targets = random.fillNormal(new Float32Array(size * 3));
      const objective = createObjective(compiled, { inputs, targets, size });
      const found = objective.gradient(theta);
      objective.dispose();

      const y = tf.tensor2d(targets, [size, 3]);
      const x = tf.tensor3d(inputs, [size, 2, 6]);
      const { value, grads } = tf.variableGrads(
        () => tf.losses.meanSquaredError(y, model.apply(x) as tf.Tensor2D) as tf.Scalar,
      );
      expect(found.loss).toBeCloseTo(value.dataSync()[0] as number, 6);
      const expected = model.trainableWeights.flatMap((weight) => [
        ...(grads[(weight as unknown as { val: tf.Variable }).val.name]?.dataSync() ?? []),
      ]);
      expect(expected).toHaveLength(compiled.parameterCount);
      const largest = Math.max(...expected.map(Math.abs));
      expected.forEach((entry, i) => {
        expect(Math.abs((found.gradient[i] as number) - entry)).toBeLessThan(2e-6 * largest);
      });
    },
  );

  test("folds a final softmax into cross-entropy, as activation, Activation or Softmax layer", () => {
    const plain = compile(stack(layers.dense({ units: 2 })), "cross-entropy");
    for (const model of [
      stack(layers.dense({ units: 2, activation: "softmax" })),
      stack(layers.dense({ units: 2 }), layers.activation({ activation: "softmax" })),
      stack(layers.dense({ units: 2 }), layers.softmax()),
    ])
      expect(compile(model, "cross-entropy").rules).toHaveLength(plain.rules.length);
  });

  test.each<[string, () => tfl.LayersModel, string, EngineError["code"], string]>([
    [
      "a layer it does not know",
      () => stack(layers.dropout({ rate: 0.5, name: "drop" })),
      "mse",
      "unknown-layer",
      'layer "drop" (Dropout)',
    ],
    [
      "an activation without a rule",
      () => stack(layers.dense({ units: 2, activation: "elu", name: "odd" })),
      "mse",
      "unsupported-layer",
      'layer "odd" (Dense): no derivative rule, because its activation is elu',
    ],
    [
      "a softmax in the middle",
      () => stack(layers.softmax({ name: "middle" }), layers.dense({ units: 2 })),
      "cross-entropy",
      "unsupported-layer",
      'layer "middle" (Softmax)',
    ],
    [
      "a softmax under a squared loss",
      () => stack(layers.dense({ units: 2, activation: "softmax", name: "end" })),
      "mse",
      "unsupported-layer",
      'layer "end" (Dense)',
    ],
    [
      "a capped ReLU",
      () => stack(layers.reLU({ maxValue: 6, name: "relu6" })),
      "mse",
      "unsupported-layer",
      "it has a maxValue",
    ],
    [
      "a regularizer, which would not be in the loss",
      () => stack(layers.dense({ units: 2, kernelRegularizer: "l1l2", name: "reg" })),
      "mse",
      "unsupported-layer",
      "it has a kernelRegularizer",
    ],
    [
      "a frozen layer",
      () => stack(layers.dense({ units: 2, trainable: false, name: "ice" })),
      "mse",
      "unsupported-layer",
      "it is frozen",
    ],
    [
      "Dense on more than vectors",
      () => sequential({ layers: [layers.dense({ units: 2, inputShape: [3, 4], name: "wide" })] }),
      "mse",
      "unsupported-layer",
      "put a flatten before it",
    ],
    [
      "an output that is no vector",
      () => stack(layers.reshape({ targetShape: [2, 2] })),
      "mse",
      "shape-mismatch",
      "expected a vector",
    ],
    [
      "a model without parameters",
      () => sequential({ layers: [layers.flatten({ inputShape: [2, 2] })] }),
      "mse",
      "shape-mismatch",
      "at least one layer with parameters",
    ],
    [
      "an unknown loss",
      () => stack(),
      "huber",
      "unknown-loss",
      'loss: expected one of cross-entropy, mse, half-sum-mse, got "huber"',
    ],
  ])("refuses %s by name", (_, make, loss, code, message) => {
    const error = refusal(make, loss);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("\n");
  });

  test("refuses a model whose layers branch", () => {
    const input = tfl.input({ shape: [3] });
    const a = layers.dense({ units: 2 }).apply(input) as tfl.SymbolicTensor;
    const b = layers.dense({ units: 2 }).apply(input) as tfl.SymbolicTensor;
    const sum = layers.add({ name: "join" }).apply([a, b]) as tfl.SymbolicTensor;
    const error = refusal(() => tfl.model({ inputs: input, outputs: sum }));
    expect(error.message).toContain('layer "join" (Add)');
  });
});
