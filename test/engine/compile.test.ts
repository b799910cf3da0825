import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { describe, expect, test } from "vitest";
import { compile, constantsOf, parametersOf, setConstants } from "../../server/engine/compile.ts";
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
      "a layer that makes a mask",
      () => sequential({ layers: [layers.masking({ inputShape: [4, 3], name: "mask" }), layers.flatten()] }),
      "mse",
      "unsupported-layer",
      'layer "mask" (Masking): no derivative rule, because it makes a mask',
    ],
    [
      "a constraint, which is no part of a loss",
      () => stack(layers.dense({ units: 2, kernelConstraint: tfl.constraints.nonNeg(), name: "bounded" })),
      "mse",
      "unsupported-layer",
      'layer "bounded" (Dense): no derivative rule, because it has a kernelConstraint',
    ],
    [
      "channels first",
      () =>
        sequential({
          layers: [
            layers.conv2d({
              filters: 2,
              kernelSize: 2,
              dataFormat: "channelsFirst",
              inputShape: [1, 4, 4],
              name: "first",
            }),
            layers.flatten(),
          ],
        }),
      "mse",
      "unsupported-layer",
      "its dataFormat is channelsFirst, expected channelsLast",
    ],
    [
      "a softmax over an axis that is not the last",
      () =>
        sequential({
          layers: [
            layers.dense({ units: 2, inputShape: [3, 2] }),
            layers.softmax({ axis: 1, name: "across" }),
            layers.flatten(),
          ],
        }),
      "mse",
      "unsupported-layer",
      'layer "across" (Softmax): no derivative rule, because its axis is 1, expected the last',
    ],
    [
      "a mask",
      () =>
        sequential({
          layers: [
            layers.embedding({ inputDim: 4, outputDim: 2, inputLength: 3, maskZero: true, name: "words" }),
            layers.flatten(),
          ],
        }),
      "mse",
      "unsupported-layer",
      "it masks zeros (maskZero)",
    ],
    [
      "Dense on rows at the end, whose output is no vector",
      () => sequential({ layers: [layers.dense({ units: 2, inputShape: [3, 4], name: "wide" })] }),
      "mse",
      "shape-mismatch",
      "expected a vector a example as output, got shape [3,2]",
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
      "hinge",
      "unknown-loss",
      'loss: expected one of cross-entropy, mse, half-sum-mse, sigmoid-cross-entropy, huber, got "hinge"',
    ],
  ])("refuses %s by name", (_, make, loss, code, message) => {
    const error = refusal(make, loss);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("\n");
  });

  test("refuses merged inputs of different shapes, and more than one input, by name", () => {
    const input = tfl.input({ shape: [3] });
    const a = layers.dense({ units: 2 }).apply(input) as tfl.SymbolicTensor;
    const b = layers.dense({ units: 1 }).apply(input) as tfl.SymbolicTensor;
    const sum = layers.add({ name: "join" }).apply([a, b]) as tfl.SymbolicTensor;
    const error = refusal(() => tfl.model({ inputs: input, outputs: sum }));
    expect(error.message).toContain('layer "join" (Add)');
    expect(error.message).toContain("its inputs differ in shape: [2], [1]");
    const two = tfl.model({ inputs: [input, tfl.input({ shape: [3] })], outputs: a, name: "two" });
    expect(refusal(() => two).message).toContain("expected one input and one output, got 2 and 1");
  });

  test("θ follows the model's own order of weights, though branches are reached from the output", () => {
    const input = tfl.input({ shape: [3] });
    const apply = (units: number, name: string, x: tfl.SymbolicTensor) =>
      layers.dense({ units, name }).apply(x) as tfl.SymbolicTensor;
    const early = apply(2, "early", input);
    const late = apply(2, "late", apply(4, "before-late", input));
    const sum = layers.add().apply([late, early]) as tfl.SymbolicTensor;
    const model = tfl.model({ inputs: input, outputs: apply(2, "end", sum) });
    const { parameters } = compile(model, "mse");
    expect(parameters.map(({ layer }) => layer).filter((_, i) => i % 2 === 0)).toEqual(
      model.layers.filter((layer) => layer.weights.length > 0).map(({ name }) => name),
    );
    expect(parameters.map(({ shape }) => shape)).toEqual(model.trainableWeights.map(({ shape }) => shape));
    randomWeights(model);
    expect([...parametersOf(model, compile(model, "mse"))]).toEqual(
      model.trainableWeights.flatMap((weight) => [...weight.read().dataSync()]),
    );
  });

  test("folds a softmax that only changes of shape follow, and a sigmoid under its loss", () => {
    const reshaped = stack(
      layers.dense({ units: 2, activation: "softmax" }),
      layers.reshape({ targetShape: [2] }),
      layers.dropout({ rate: 0.5 }),
    );
    const plain = stack(layers.dense({ units: 2 }), layers.reshape({ targetShape: [2] }));
    const rules = (model: tfl.LayersModel, loss: string) => compile(model, loss).rules.length;
    expect(rules(reshaped, "cross-entropy")).toBe(rules(plain, "cross-entropy"));
    expect(rules(reshaped, "mse")).toBe(rules(plain, "mse") + 1);
    const sigmoid = stack(layers.dense({ units: 1, activation: "sigmoid" }));
    expect(rules(sigmoid, "sigmoid-cross-entropy")).toBe(rules(sigmoid, "mse") - 1);
  });

  test("the formula names penalties, batch-norm's statistics and what is switched off", () => {
    const model = () =>
      stack(
        layers.dense({
          units: 4,
          name: "inner",
          kernelRegularizer: tfl.regularizers.l1l2({ l1: 0.5, l2: 0.01 }),
          biasRegularizer: tfl.regularizers.l2({ l2: 0.2 }),
        }),
        layers.batchNormalization(),
        layers.dropout({ rate: 0.1 }),
      );
    const plain = compile(stack(), "mse").loss.formula;
    expect(compile(model(), "mse").loss.formula).toBe(
      `${plain} + 0.01·‖inner/kernel‖² + 0.5·‖inner/kernel‖₁ + 0.2·‖inner/bias‖²` +
        " (batch-norm by the statistics of these examples; dropout and noise off)",
    );
    expect(compile(model(), "mse", { batchNorm: "moving", penalties: "left out" }).loss.formula).toBe(
      `${plain} (batch-norm by its moving statistics; dropout and noise off)`,
    );
  });

  test("L is a sum over examples, but for batch statistics and what is one's own", () => {
    const isSum = (model: tfl.LayersModel, batchNorm?: "moving") =>
      compile(model, "mse", batchNorm === undefined ? {} : { batchNorm }).isSumOverExamples;
    expect(isSum(stack(layers.dense({ units: 2, kernelRegularizer: "l1l2" })))).toBe(true);
    expect(isSum(stack(layers.batchNormalization()))).toBe(false);
    expect(isSum(stack(layers.batchNormalization()), "moving")).toBe(true);
    const own = (y: tf.Tensor, z: tf.Tensor) => tf.sum(tf.squaredDifference(y, z), 1);
    expect(compile(stack(), "own", { ownLoss: own }).isSumOverExamples).toBe(false);
  });

  test("a copy of a model has its frozen weights and moving statistics, once they are set", () => {
    const make = () =>
      stack(
        layers.dense({ units: 3, trainable: false, name: "ice" }),
        layers.batchNormalization({ trainable: false }),
        layers.dense({ units: 2 }),
      );
    const [original, copy] = [make(), make()];
    randomWeights(original);
    const constants = constantsOf(original);
    expect(constants).toHaveLength(4 * 3 + 3 + 4 * 3);
    setConstants(copy, constants);
    expect(constantsOf(copy)).toEqual(constants);
    const before = tf.memory().numTensors;
    setConstants(copy, constants);
    expect(tf.memory().numTensors).toBe(before);
    const lossOf = (model: tfl.LayersModel) => {
      const compiled = compile(model, "mse");
      const on = createObjective(compiled, {
        inputs: Float32Array.of(1, 2, 3),
        targets: Float32Array.of(0, 1),
        size: 1,
      });
      const loss = on.loss(parametersOf(original, compiled));
      on.dispose();
      return loss;
    };
    expect(lossOf(copy)).toBe(lossOf(original));
    expect(lossOf(make())).not.toBe(lossOf(original));
  });
});
