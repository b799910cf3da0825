import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../server/engine/compile.ts";
import { createObjective } from "../../server/engine/compiled-objective.ts";
import { EngineError } from "../../server/engine/engine-error.ts";
import type { OwnLoss } from "../../server/engine/own-loss.ts";
import { Apply, Gate } from "./custom-layers.ts";

const { layers } = tfl;

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend("cpu");
});

const behind = (layer: tfl.layers.Layer) =>
  tfl.sequential({
    layers: [layers.dense({ units: 4, inputShape: [3] }), layer, layers.dense({ units: 2 })],
  });

function refusal(model: tfl.LayersModel): string {
  try {
    compile(model, "mse");
  } catch (cause) {
    expect(cause).toBeInstanceOf(EngineError);
    expect((cause as EngineError).code).toBe("unsupported-layer");
    return (cause as EngineError).message;
  } finally {
    model.dispose();
  }
  throw new Error("expected a refusal");
}

describe("a layer without a rule", () => {
  test("is named in the formula, and leaves no tensor behind", () => {
    const model = behind(new Gate({ name: "own" }));
    const before = tf.memory().numTensors;
    expect(compile(model, "mse").loss.formula).toMatch(/ \(own: no rule of its own, by double backprop\)$/);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  test("is computed with the weights of θ, not with those it was made with, after the model is gone", () => {
    const model = behind(new Gate({}));
    const { parameters } = compile(model, "mse");
    expect(parameters.map(({ shape }) => shape)).toEqual(model.trainableWeights.map(({ shape }) => shape));
    model.dispose();
  });

  test.each<[string, (x: tf.Tensor) => tf.Tensor, string]>([
    [
      "whose second derivative tfjs does not have",
      (x) => tf.reshape(tf.maxPool(tf.reshape(x, [-1, 2, 2, 1]) as tf.Tensor4D, 1, 1, "valid"), [-1, 4]),
      "tfjs cannot differentiate it twice (Cannot compute gradient: gradient function not found for MaxPoolGrad.)",
    ],
    [
      "whose gradient is wrong in second order",
      tf.customGrad((x, save) => {
        const y = tf.square(x as tf.Tensor);
        // An intermediate that the tape never sees.
        (save as (of: tf.Tensor[]) => void)([tf.mul(x as tf.Tensor, 2)]);
        return {
          value: y,
          gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, saved[0] as tf.Tensor),
        };
      }) as (x: tf.Tensor) => tf.Tensor,
      "tfjs's second derivatives of it are wrong: off by 100 % of finite differences",
    ],
    [
      "of another shape than it says",
      (x) => tf.sum(x, 1, true),
      "its output has shape [3,1], expected [3,4]",
    ],
    ["that is not finite", (x) => tf.log(tf.mul(tf.square(x), -1)), "its derivatives are not finite"],
  ])("%s is refused by name", (_, f, why) => {
    expect(refusal(behind(new Apply({ name: "odd", f })))).toBe(
      `layer "odd" (Apply): no derivative rule, because ${why}`,
    );
  });

  // Each is right to 2 %, or it would be refused; as tfjs comes, each is wrong or throws.
  test.each<[string, (x: tf.Tensor) => tf.Tensor]>([
    ["tanh", tf.tanh],
    ["sigmoid", tf.sigmoid],
    ["exp", tf.exp],
    ["elu", tf.elu],
    ["selu", tf.selu],
    ["leakyRelu", tf.leakyRelu],
    ["softplus", tf.softplus],
    ["softmax", (x) => tf.softmax(x)],
    ["logSoftmax", (x) => tf.logSoftmax(x)],
    ["logSumExp", (x) => tf.mul(x, tf.logSumExp(x, 1, true))],
    ["a maximum", (x) => tf.maximum(x, tf.tanh(x))],
    ["a clip", (x) => tf.mul(x, tf.clipByValue(x, -1, 1))],
    ["where", (x) => tf.where(tf.greater(x, 0), tf.square(x), tf.tanh(x))],
    ["a norm", (x) => tf.div(x, tf.norm(x, 2, 1, true))],
    ["a product with transposes", (x) => tf.matMul(tf.tanh(x), tf.matMul(x, x, true, false), false, true)],
    [
      "a pooled image",
      (x) => {
        const image = tf.reshape(tf.square(x), [-1, 2, 2, 1]) as tf.Tensor4D;
        return tf.mul(x, tf.reshape(tf.avgPool(image, 2, 1, "same"), [-1, 4]));
      },
    ],
    [
      "a convolution with what it is given",
      (x) => {
        const kernel = tf.reshape(tf.slice(tf.tanh(x), [0, 0], [1, 4]), [2, 2, 1, 1]) as tf.Tensor4D;
        const image = tf.reshape(x, [-1, 2, 2, 1]) as tf.Tensor4D;
        return tf.reshape(tf.conv2d(image, kernel, 1, "same"), [-1, 4]);
      },
    ],
  ])("made of %s is differentiated twice", (_, f) => {
    const model = behind(new Apply({ f }));
    expect(compile(model, "mse").taped).toHaveLength(1);
    model.dispose();
  });

  test("with a regularizer, or with a state, is refused by name", () => {
    const recurrent = (args: object) =>
      tfl.sequential({
        layers: [
          layers.gru({ units: 2, batchInputShape: [3, 4, 2], name: "memory", ...args } as never),
          layers.dense({ units: 2 }),
        ],
      });
    expect(refusal(recurrent({ stateful: true }))).toContain(
      'layer "memory" (GRU): no derivative rule, because it is stateful',
    );
    expect(refusal(recurrent({ kernelRegularizer: tfl.regularizers.l2() }))).toContain(
      "it has a regularizer",
    );
  });
});

describe("a loss of one's own", () => {
  const compiledWith = (ownLoss: OwnLoss) =>
    compile(tfl.sequential({ layers: [layers.dense({ units: 3, inputShape: [2] })] }), "own", { ownLoss });

  test("has the derivatives of the one with a rule that computes the same", () => {
    const named = compile(
      tfl.sequential({ layers: [layers.dense({ units: 3, inputShape: [2] })] }),
      "cross-entropy",
    );
    const own = compiledWith((yTrue, yPred) => tf.neg(tf.sum(tf.mul(yTrue, tf.logSoftmax(yPred)), 1)));
    const data = {
      inputs: Float32Array.of(1, -2, 0.5, 1, -1, 0.25, 2, 1),
      targets: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0),
      size: 4,
    };
    const theta = Float32Array.from({ length: 9 }, (_, i) => Math.sin(2 * i + 1));
    const v = theta.map((value) => Math.cos(5 * value));
    const before = tf.memory().numTensors;
    const [expected, found] = [named, own].map((compiled) => {
      const objective = createObjective(compiled, data);
      const linearised = objective.linearise(theta);
      const all = [
        Float32Array.of(linearised.loss),
        linearised.gradient,
        linearised.hessianVectorProduct(v),
        linearised.gaussNewtonProduct(v),
      ];
      linearised.dispose();
      objective.dispose();
      return all;
    }) as [Float32Array[], Float32Array[]];
    expected.forEach((numbers, i) => {
      numbers.forEach((value, j) => {
        expect(found[i]?.[j]).toBeCloseTo(value, 6);
      });
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each<[string, OwnLoss, string]>([
    [
      "that is one number for all",
      (y, z) => tf.mean(tf.square(tf.sub(z, y))),
      "its output has shape [], expected [3,1]",
    ],
    [
      "that tfjs gets wrong in second order",
      (y, z) => tf.losses.softmaxCrossEntropy(y, z, undefined, undefined, tf.Reduction.NONE),
      "derivatives of it are wrong",
    ],
  ])("%s is refused with the reason", (_, f, why) => {
    expect(() => compiledWith(f)).toThrow(why);
  });
});
