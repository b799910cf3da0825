/** Networks of convolutions, pooling and what lies between, in float64, beside arithmetic of one scalar after the other. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, it } from "vitest";
import { type CompiledModel, compile } from "../../server/engine/compile.ts";
import { createObjective } from "../../server/engine/compiled-objective.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { Inputs } from "../../server/verify/inputs.ts";
import { multiplyAdds, readNetwork } from "../../server/verify/network.ts";
import { Objective64 } from "../../server/verify/objective.ts";
import { derivatives64, gaussNewton64 } from "../engine/reference.ts";
import { expectKnown, ratiosAt } from "./float32-ratios.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const picture = { inputShape: [6, 5, 2] };
const { layers } = tfl;
const { conv2d, dense, flatten, maxPooling2d, averagePooling2d } = layers;
const stack = (...parts: tfl.layers.Layer[]) => tfl.sequential({ layers: parts });

const NETWORKS: readonly (readonly [name: string, loss: string, build: () => tfl.LayersModel])[] = [
  [
    "LeNet-5 in small",
    "cross-entropy",
    () =>
      stack(
        conv2d({ filters: 2, kernelSize: 3, padding: "same", activation: "tanh", ...picture }),
        averagePooling2d({ poolSize: 2 }),
        conv2d({ filters: 3, kernelSize: 2, activation: "tanh" }),
        flatten(),
        dense({ units: 4, activation: "tanh" }),
        dense({ units: 3, activation: "softmax" }),
      ),
  ],
  [
    "relu and maxima, without biases",
    "half-sum-mse",
    () =>
      stack(
        conv2d({ filters: 3, kernelSize: [2, 3], activation: "relu", useBias: false, ...picture }),
        maxPooling2d({ poolSize: 2, strides: 1 }),
        conv2d({ filters: 2, kernelSize: 2, padding: "same", useBias: false }),
        layers.reLU(),
        flatten(),
        dense({ units: 3 }),
      ),
  ],
  [
    "strides, and windows that reach beyond the edge",
    "mse",
    () =>
      stack(
        conv2d({
          filters: 3,
          kernelSize: 3,
          strides: [2, 1],
          padding: "same",
          activation: "sigmoid",
          ...picture,
        }),
        maxPooling2d({ poolSize: [2, 3], strides: [1, 2], padding: "same" }),
        averagePooling2d({ poolSize: 2, strides: 2, padding: "same" }),
        conv2d({ filters: 2, kernelSize: 2, strides: 2, padding: "same", activation: "softplus" }),
        flatten(),
        dense({ units: 3 }),
      ),
  ],
  [
    "activations and dropout of their own, pooled examples, a reshaped vector, the whole picture pooled",
    "cross-entropy",
    () =>
      stack(
        averagePooling2d({ poolSize: 2, strides: 1, padding: "same", ...picture }),
        maxPooling2d({ poolSize: 2, strides: 1 }),
        flatten(),
        dense({ units: 12 }),
        layers.activation({ activation: "gelu" }),
        layers.dropout({ rate: 0.5 }),
        layers.reshape({ targetShape: [2, 3, 2] }),
        conv2d({ filters: 3, kernelSize: 2 }),
        averagePooling2d({ poolSize: 1 }),
        layers.activation({ activation: "tanh" }),
        layers.globalAveragePooling2d({}),
        dense({ units: 3 }),
        layers.softmax(),
      ),
  ],
  [
    "a functional model",
    "cross-entropy",
    () => {
      const input = tfl.input({ shape: [6, 5, 2] });
      const chain = [
        conv2d({ filters: 2, kernelSize: 2, activation: "tanh" }),
        conv2d({ filters: 3, kernelSize: 2, activation: "tanh" }),
        layers.globalMaxPooling2d({}),
        dense({ units: 3 }),
      ];
      const output = chain.reduce((x, layer) => layer.apply(x) as typeof input, input);
      return tfl.model({ inputs: input, outputs: output });
    },
  ],
];

/** As a recording's header has it. */
function networkOf(model: tfl.LayersModel, compiled: CompiledModel) {
  const { parameters, parameterCount, loss } = compiled;
  const json = model.toJSON(null, false) as Record<string, unknown>;
  return readNetwork({ model: json, loss, parameters: [...parameters], parameterCount });
}

/** A network, θ, and examples of it: normals, a third of them exact zeros. */
function made(build: () => tfl.LayersModel, loss: string, n: number, seed = 1) {
  const random = createRandom(seed);
  const network = build();
  const compiled = compile(network, loss);
  const read = networkOf(network, compiled);
  if (!read.ok) throw new Error(read.why);
  const perExample = compiled.inputShape.reduce((product, length) => product * length, 1);
  const inputs = Float32Array.from({ length: n * perExample }, () =>
    random.uniform() < 0.3 ? 0 : random.normal(),
  );
  const targets = new Float32Array(n * compiled.outputs);
  for (let i = 0; i < n; i++) targets[i * compiled.outputs + random.integer(compiled.outputs)] = 1;
  const theta = Float32Array.from({ length: compiled.parameterCount }, () => 0.4 * random.normal());
  const v = Float64Array.from(theta, () => Math.fround(random.normal()));
  const part = { inputs: new Inputs(inputs, n), targets };
  const at = (point: ArrayLike<number>, kinkAt = 0) => new Objective64(read.network, part, point, kinkAt);
  return { network, compiled, part, inputs, targets, theta, v, at, read: read.network };
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

describe.each(NETWORKS)("%s", (_name, loss, build) => {
  it("has the loss, gradient and both products of one scalar after the other", () => {
    const { network, inputs, targets, theta, v, at } = made(build, loss, 4);
    const reference = { model: network, loss, inputs, targets, size: 4 };
    const expected = derivatives64(reference, theta, v);
    const objective = at(theta);
    expect(objective.evaluate().loss).toBeCloseTo(expected.loss, 13);
    const slope = objective.slope();
    // Largest entries among relus that are all off are alike, and nothing follows from which is taken.
    expect(slope.kinks).toBe(0);
    expect(largestDifference(slope.gradient, expected.gradient)).toBeLessThan(1e-13);
    expect(largestDifference(objective.apply(v), expected.hv)).toBeLessThan(1e-12);
    const gaussNewton = gaussNewton64(reference, theta, v);
    expect(largestDifference(objective.applyGaussNewton(v), gaussNewton)).toBeLessThan(1e-12);
    network.dispose();
  });

  it("has a gradient and a Hessian that differences of loss and gradient are", () => {
    const { network, theta, v, at } = made(build, loss, 4);
    const h = 1e-5;
    const [above, below] = [h, -h].map((by) => at(v.map((each, i) => (theta[i] as number) + by * each)));
    const objective = at(theta);
    const { gradient } = objective.slope();
    const along = gradient.reduce((sum, each, i) => sum + each * (v[i] as number), 0);
    const rise = ((above?.evaluate().loss ?? 0) - (below?.evaluate().loss ?? 0)) / (2 * h);
    expect(Math.abs(along - rise)).toBeLessThan(1e-7 * Math.max(1, Math.abs(along)));
    const [up, down] = [above, below].map((each) => each?.slope().gradient as Float64Array);
    const turned = up?.map((each, i) => (each - (down?.[i] as number)) / (2 * h)) ?? [];
    const product = objective.apply(v);
    expect(largestDifference(product, turned)).toBeLessThan(1e-6 * Math.max(...product.map(Math.abs)));
    network.dispose();
  });

  it("knows what float32 may be off by: the engine is, and by no more", () => {
    const ratios = Array.from({ length: 8 }, (_, seed) => {
      const { network, compiled, inputs, targets, theta, at } = made(build, loss, 30, seed + 1);
      const engine = createObjective(compiled, { inputs, targets, size: 30 });
      const found = engine.gradient(theta);
      engine.dispose();
      network.dispose();
      return ratiosAt(found, at(theta));
    });
    expectKnown(ratios);
  });
});

describe("what float32 cannot tell apart", () => {
  /** One pixel times a weight, on two pixels: the larger is passed on. */
  const pair = (activation: "linear" | "relu" | "tanh") => () =>
    stack(
      conv2d({ filters: 1, kernelSize: 1, activation, inputShape: [1, 3, 2] }),
      maxPooling2d({ poolSize: [1, 3] }),
      flatten(),
      dense({ units: 2 }),
    );
  const THETA = Float32Array.of(1, 1, 0, 1, -1, 0.5, 0);

  function atPixels(pixels: readonly number[], activation: "linear" | "relu" | "tanh" = "tanh") {
    const { read, network } = made(pair(activation), "mse", 1);
    network.dispose();
    const part = { inputs: new Inputs(Float32Array.from(pixels), 1), targets: Float32Array.of(1, 0) };
    return (side: number) => new Objective64(read, part, THETA, side).slope();
  }

  it("is a tie, whose sides are the first and the last of the largest", () => {
    // 0.75 + 2⁻²⁵ and 0.5 + 0.25: float32 sees the same sum, float64 the first above the second, and their gradients differ.
    const slope = atPixels([0.75, 2 ** -25, 0, 0, 0.5, 0.25]);
    expect(slope(0).kinks).toBe(1);
    const [own, first, last] = [0, -1, 1].map((side) => slope(side).gradient);
    expect(largestDifference(own ?? [], first ?? [])).toBe(0);
    const factor = (own?.[0] ?? 0) / 0.75;
    expect(factor).not.toBe(0);
    expect(last?.[0]).toBeCloseTo(factor * 0.5, 6);
    expect(last?.[1]).toBeCloseTo(factor * 0.25, 6);
  });

  it("is none where one is larger by more than rounding, where they are the same pixels, or where neither moves", () => {
    expect(atPixels([0.75, 1e-4, 0, 0, 0.5, 0.25])(0).kinks).toBe(0);
    expect(atPixels([0.5, 0.25, 0, 0, 0.5, 0.25])(0).kinks).toBe(0);
    expect(atPixels([-0.75, -(2 ** -25), -1, 0, -0.5, -0.25], "relu")(0).kinks).toBe(0);
    expect(atPixels([0.75, 2 ** -25, 0.75, 0, 0.5, 0.25], "linear")(0).kinks).toBe(1);
  });
});

describe("a model's JSON", () => {
  const verdict = (build: () => tfl.LayersModel, loss = "cross-entropy") => {
    const network = build();
    const compiled = compile(network, loss);
    const read = networkOf(network, compiled);
    network.dispose();
    return read.ok ? "read" : read.why;
  };
  const ended = (...parts: tfl.layers.Layer[]) => stack(...parts, flatten(), dense({ units: 3 }));

  it("is refused by the name of what has no rule", () => {
    const dilated = () =>
      ended(conv2d({ name: "eyes", filters: 2, kernelSize: 2, dilationRate: 2, ...picture }));
    expect(verdict(dilated)).toBe("there is no float64 rule for layer eyes (Conv2D)");
    const normalised = () =>
      ended(conv2d({ filters: 2, kernelSize: 2, ...picture }), layers.batchNormalization({ name: "even" }));
    expect(verdict(normalised)).toBe("there is no float64 rule for layer even (BatchNormalization)");
    const byPixel = () => ended(dense({ name: "pixels", units: 2, ...picture }));
    expect(verdict(byPixel)).toBe(
      "there is no float64 rule for layer pixels (Dense) on inputs of shape [6, 5, 2]",
    );
    const capped = () =>
      ended(conv2d({ filters: 2, kernelSize: 2, ...picture }), layers.reLU({ name: "cap", maxValue: 6 }));
    expect(verdict(capped)).toBe("there is no float64 rule for layer cap (ReLU with a limit)");
  });

  it("is refused where a penalty is part of L, and where a layer is used twice", () => {
    const penalised = () =>
      stack(dense({ name: "small", units: 3, kernelRegularizer: "l1l2", inputShape: [4] }));
    expect(verdict(penalised)).toBe("there is no float64 rule for the penalty of layer small");
    const twice = () => {
      const input = tfl.input({ shape: [4] });
      const same = dense({ name: "same", units: 4, activation: "tanh" });
      const output = dense({ units: 3 }).apply(same.apply(same.apply(input))) as typeof input;
      return tfl.model({ inputs: input, outputs: output });
    };
    expect(verdict(twice)).toBe("layer same is not one of a chain, used once");
  });

  it("tells how many multiplications an example costs", () => {
    const { network, read } = made(NETWORKS[0]?.[2] as () => tfl.LayersModel, "cross-entropy", 1);
    network.dispose();
    // 3 × 3 taps of 2 channels at 30 places for 2 filters, 2 × 2 taps of 2 at 2 places for 3, then 6-4-3; and biases; and means of 6 × 2.
    expect(multiplyAdds(read)).toBe(60 * 19 + 12 + 6 * 9 + 4 * 7 + 3 * 5);
  });
});
