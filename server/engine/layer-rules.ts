/** For each kind of layer that tfjs-layers has, the rules that stand for it, or why there are none. */
import { batchNormalization, layerNormalization } from "./normalisation-layers.ts";
import { type Config, type Placed, unsupported, valuesOf } from "./placed-layer.ts";
import { activationRule } from "./rules/activation.ts";
import { convolutionRules, depthwiseRules, transposedConvolutionRules } from "./rules/convolution.ts";
import { denseRule } from "./rules/dense.ts";
import { embeddingRule } from "./rules/embedding.ts";
import { frozenRule } from "./rules/frozen.ts";
import { rearrangeRule, reshapeRule } from "./rules/linear.ts";
import { averagePoolRule, maxPoolRule } from "./rules/pooling.ts";
import { preluRule } from "./rules/prelu.ts";
import type { Rule } from "./rules/rule.ts";
import {
  type Activation,
  activations,
  cappedRelu,
  leakyRelu,
  thresholdedRelu,
} from "./rules/scalar-functions.ts";
import { logSoftmaxRule, softmaxRule } from "./rules/softmax.ts";
import { cropSources, padSources, permuteSources, repeatSources, upsampleSources } from "./rules/sources.ts";
import { tapeRule } from "./rules/tape.ts";
import { type Window, windowsOf } from "./rules/windows.ts";
import { tapedLayer } from "./taped-layer.ts";

type Build = (at: Placed, config: Config) => Rule[];

/** In order. Parameters in the order of the layer's own weights. @throws {EngineError} naming the layer. */
export function layerRules(at: Placed): Rule[] {
  const { layer } = at;
  const kind = layer.getClassName();
  const build = kinds[kind] ?? taped;
  const config = layer.getConfig() as Config;
  for (const [key, value] of Object.entries(config)) {
    if (value === null || value === undefined) continue;
    if (key.endsWith("Constraint")) throw unsupported(layer, `it has a ${key}, which is no part of a loss`);
    if (key === "padding" && value === "causal")
      throw unsupported(layer, "its padding is causal, which tfjs itself does not compute");
    if (key === "dataFormat" && value === "channelsFirst")
      throw unsupported(layer, "its dataFormat is channelsFirst, expected channelsLast");
  }
  const rules = build(at, config);
  return at.isFrozen && build !== taped ? frozen(rules, layer.weights.map(valuesOf)) : rules;
}

/** The layer's weights, in order, become constants of the rules that had them as parameters. */
function frozen(rules: readonly Rule[], weights: readonly Float32Array[]): Rule[] {
  let next = 0;
  return rules.map((rule) => {
    const values = rule.parameters.map(() => weights[next++] ?? null);
    return values.length === 0 ? rule : frozenRule(rule, values);
  });
}

/** By double backprop on tfjs's tape. */
const taped: Build = (at) => {
  const { parameters, f } = tapedLayer(at, [at.inputShape]);
  return [tapeRule(at.layer.name, parameters, at.outputShape, f)];
};

export const hasRule = (kind: string) => kind in kinds;

const none: Build = () => [];

const activated: Build = (at, config) => activationRules(at, config["activation"]);

const as =
  (activation: (config: Config) => Activation): Build =>
  (at, config) => [activationRule(at.layer.name, activation(config), at.outputShape)];

const moved =
  (sources: (at: Placed, config: Config) => Int32Array): Build =>
  (at, config) => [rearrangeRule(at.layer.name, at.inputShape, at.outputShape, sources(at, config))];

const convolution: Build = (at, config) => [
  ...convolutionRules(at.layer.name, {
    inputShape: at.inputShape,
    window: windowOf(config, config["kernelSize"]),
    filters: at.outputShape.at(-1) ?? 0,
    useBias: config["useBias"] !== false,
  }),
  ...activated(at, config),
];

const reshape: Build = (at) => [reshapeRule(at.layer.name, at.inputShape, at.outputShape)];

const kinds: Readonly<Record<string, Build>> = {
  Dense: (at, config) => [
    denseRule(at.layer.name, {
      inputShape: at.inputShape,
      outputs: at.outputShape.at(-1) ?? 0,
      useBias: config["useBias"] !== false,
    }),
    ...activated(at, config),
  ],
  Conv1D: convolution,
  Conv2D: convolution,
  Conv2DTranspose: (at, config) => [
    ...transposedConvolutionRules(at.layer.name, {
      inputShape: at.inputShape,
      outputShape: at.outputShape,
      window: windowOf(config, config["kernelSize"]),
      filters: at.outputShape.at(-1) ?? 0,
      useBias: config["useBias"] !== false,
    }),
    ...activated(at, config),
  ],
  DepthwiseConv2D(at, config) {
    const window = windowOf(config, config["kernelSize"]);
    if (window.dilation.some((step) => step !== 1))
      throw unsupported(at.layer, "it has a dilationRate, which tfjs itself ignores");
    const of = {
      inputShape: at.inputShape,
      window,
      multiplier: Number(config["depthMultiplier"]),
      useBias: config["useBias"] !== false,
    };
    return [...depthwiseRules(at.layer.name, of), ...activated(at, config)];
  },
  SeparableConv2D(at, config) {
    const { layer, inputShape, outputShape } = at;
    const multiplier = layer.weights[0]?.shape.at(-1);
    if (multiplier !== 1)
      throw unsupported(
        layer,
        `its depthMultiplier is ${multiplier}, which tfjs loses when it copies a model`,
      );
    const depthwise = depthwiseRules(layer.name, {
      inputShape,
      window: windowOf(config, config["kernelSize"]),
      multiplier,
      useBias: false,
    });
    const pointwise = convolutionRules(layer.name, {
      inputShape: depthwise.at(-1)?.outputShape ?? [],
      window: { size: [1, 1], strides: [1, 1], dilation: [1, 1], padding: "valid" },
      filters: outputShape.at(-1) ?? 0,
      useBias: config["useBias"] !== false,
      kernelName: "pointwise_kernel",
    });
    return [...depthwise, ...pointwise, ...activated(at, config)];
  },
  MaxPooling1D: (at, config) => [maxPoolRule(at.layer.name, pooled(at, config))],
  MaxPooling2D: (at, config) => [maxPoolRule(at.layer.name, pooled(at, config))],
  AveragePooling1D: (at, config) => [averagePoolRule(at.layer.name, pooled(at, config))],
  AveragePooling2D: (at, config) => [averagePoolRule(at.layer.name, pooled(at, config))],
  GlobalMaxPooling1D: (at) => [maxPoolRule(at.layer.name, pooledWhole(at))],
  GlobalMaxPooling2D: (at) => [maxPoolRule(at.layer.name, pooledWhole(at))],
  GlobalAveragePooling1D: (at) => [averagePoolRule(at.layer.name, pooledWhole(at))],
  GlobalAveragePooling2D: (at) => [averagePoolRule(at.layer.name, pooledWhole(at))],
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Embedding(at, config) {
    if (config["maskZero"] === true) throw unsupported(at.layer, "it masks zeros (maskZero)");
    return [
      embeddingRule(at.layer.name, at.inputShape, Number(config["inputDim"]), Number(config["outputDim"])),
    ];
  },
  Masking(at) {
    throw unsupported(at.layer, "it makes a mask, which layers after it would have to follow");
  },
  Flatten: reshape,
  Reshape: reshape,
  Permute: moved((at, config) => permuteSources(at.inputShape, config["dims"] as number[])),
  RepeatVector: moved((at, config) => repeatSources(at.inputShape, Number(config["n"]))),
  ZeroPadding2D: moved((at, config) => padSources(at.inputShape, config["padding"] as number[][])),
  Cropping2D: moved((at, config) => cropSources(at.inputShape, config["cropping"] as number[][])),
  UpSampling2D: moved((at, config) => {
    if (config["interpolation"] !== "nearest")
      throw unsupported(at.layer, `its interpolation is ${config["interpolation"]}, expected nearest`);
    return upsampleSources(at.inputShape, config["size"] as number[]);
  }),
  Activation: activated,
  Softmax(at, config) {
    const [axis] = [config["axis"]].flat() as number[];
    if (axis !== -1 && axis !== at.inputShape.length)
      throw unsupported(at.layer, `its axis is ${config["axis"]}, expected the last`);
    return activationRules(at, "softmax");
  },
  ReLU: as(({ maxValue }) =>
    maxValue === null || maxValue === undefined
      ? (activations["relu"] as Activation)
      : cappedRelu(Number(maxValue)),
  ),
  LeakyReLU: as(({ alpha }) => leakyRelu(Number(alpha))),
  ELU: as(() => activations["elu"] as Activation),
  ThresholdedReLU: as(({ theta }) => thresholdedRelu(Number(theta))),
  PReLU(at) {
    const alphaShape = (at.layer.weights[0]?.shape ?? []).map((size) => size ?? 0);
    const firstOwn = alphaShape.findIndex((size) => size !== 1);
    const own = firstOwn < 0 ? [] : alphaShape.slice(firstOwn);
    if (own.some((size, i) => size !== at.inputShape[at.inputShape.length - own.length + i]))
      throw unsupported(at.layer, "its sharedAxes are not the first ones");
    return [preluRule(at.layer.name, at.inputShape, alphaShape)];
  },
  // Off: L is a function of θ alone.
  Dropout: none,
  SpatialDropout1D: none,
  GaussianDropout: none,
  GaussianNoise: none,
  AlphaDropout: none,
};

/** Kinds that {@link layerRules} treats as if they were not there. */
export const switchedOff = Object.keys(kinds).filter((kind) => kinds[kind] === none);

function activationRules(at: Placed, given: unknown): Rule[] {
  const { layer, outputShape } = at;
  const name = given === null || given === undefined ? "linear" : String(given);
  if (name === "linear" || name === at.folded) return [];
  if (name === "softmax") return [softmaxRule(layer.name, outputShape)];
  if (name === "logSoftmax") return [logSoftmaxRule(layer.name, outputShape)];
  const activation = activations[name];
  if (activation === undefined) {
    throw unsupported(
      layer,
      `its activation is ${name}; known are ${Object.keys(activations).join(", ")}, softmax, logSoftmax`,
    );
  }
  return [activationRule(layer.name, activation, outputShape)];
}

function pooled(at: Placed, config: Config) {
  const { inputShape, outputShape } = at;
  const { taps, sources } = windowsOf(inputShape, windowOf(config, config["poolSize"]), "channels-taps");
  return { inputShape, outputShape, taps, sources };
}

function pooledWhole({ inputShape, outputShape }: Placed) {
  const size = inputShape.slice(0, -1);
  const ones = size.map(() => 1);
  const window: Window = { size, strides: ones, dilation: ones, padding: "valid" };
  const { taps, sources } = windowsOf(inputShape, window, "channels-taps");
  return { inputShape, outputShape, taps, sources };
}

function windowOf(config: Config, given: unknown): Window {
  const size = [given].flat().map(Number);
  const perAxis = (value: unknown) => {
    const values = [value].flat().map(Number);
    return size.map((_, axis) => values[axis] ?? (values[0] as number));
  };
  return {
    size,
    strides: perAxis(config["strides"] ?? size),
    dilation: perAxis(config["dilationRate"] ?? 1),
    padding: config["padding"] === "same" ? "same" : "valid",
  };
}
