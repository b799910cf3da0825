/** Small networks, one for each thing that tfjs-layers offers and the engine has a rule for. */
import * as tfl from "@tensorflow/tfjs-layers";
import type { CompileOptions } from "../../server/engine/compile.ts";
import { Gate } from "./custom-layers.ts";

const { layers, sequential } = tfl;
type Symbolic = tfl.SymbolicTensor;

export interface AccuracyCase {
  readonly layer: string;
  readonly activation: string;
  readonly loss: string;
  readonly examples: number;
  build(): tfl.LayersModel;
  readonly options?: CompileOptions;
  /** Standard deviation of θ; 0.4 unless given. */
  readonly spread?: number;
  /** Numbers of rows below this, instead of normals. */
  readonly vocabulary?: number;
  /** By double backprop, which no printed graph has. */
  readonly isTaped?: boolean;
}

const dense = (units: number, args: object = {}) => layers.dense({ units, ...args });
const act = (name: string) => name as "relu";
const stack = (...parts: tfl.layers.Layer[]) => sequential({ layers: parts });

function networkCase(
  layer: string,
  build: () => tfl.LayersModel,
  more: Partial<Omit<AccuracyCase, "layer" | "build">> = {},
): AccuracyCase {
  return { layer, activation: "tanh", loss: "cross-entropy", examples: 5, build, ...more };
}

/** Functional: [6] in, three outputs. */
function functional(build: (x: Symbolic) => Symbolic): tfl.LayersModel {
  const input = tfl.input({ shape: [6] });
  const z = dense(3).apply(build(input)) as Symbolic;
  return tfl.model({ inputs: input, outputs: z });
}

/** An image of 6 × 5 with 2 channels through the layer, to three outputs. */
const onImage = (layer: tfl.layers.Layer, ...after: tfl.layers.Layer[]) =>
  stack(layer, ...after, layers.flatten(), dense(3));

/** The same behind a convolution, so that the layer's input depends on θ. */
const behindConvolution = (...after: tfl.layers.Layer[]) =>
  flattened(
    layers.conv2d({ filters: 3, kernelSize: 2, activation: "tanh", inputShape: [6, 5, 2] }),
    ...after,
  );

const behindSequence = (...after: tfl.layers.Layer[]) =>
  flattened(layers.conv1d({ filters: 3, kernelSize: 3, activation: "tanh", inputShape: [9, 2] }), ...after);

function flattened(...parts: tfl.layers.Layer[]): tfl.Sequential {
  const model = stack(...parts);
  if ((model.outputs[0]?.shape.length ?? 0) > 2) model.add(layers.flatten());
  model.add(dense(3));
  return model;
}

const image = { inputShape: [6, 5, 2] };

const activationNames = [
  "linear",
  "relu",
  "relu6",
  "elu",
  "selu",
  "sigmoid",
  "hardSigmoid",
  "softplus",
  "softsign",
  "tanh",
  "swish",
  "mish",
  "gelu",
  "gelu_new",
  "softmax",
  "logSoftmax",
];

const lossNames = ["cross-entropy", "mse", "half-sum-mse", "sigmoid-cross-entropy", "huber"];

const activationLayers: [string, () => tfl.layers.Layer][] = [
  ["ReLU", () => layers.reLU()],
  ["ReLU, maxValue 1", () => layers.reLU({ maxValue: 1 })],
  ["LeakyReLU", () => layers.leakyReLU({ alpha: 0.2 })],
  ["ELU", () => layers.elu()],
  ["ThresholdedReLU", () => layers.thresholdedReLU({ theta: 0.3 })],
  ["PReLU", () => layers.prelu()],
  ["Softmax", () => layers.softmax()],
  ["Activation", () => layers.activation({ activation: "mish" })],
];

const convolutions: [string, () => tfl.layers.Layer][] = [
  ["Conv2D, valid", () => layers.conv2d({ filters: 3, kernelSize: 3, activation: "tanh", ...image })],
  [
    "Conv2D, same, strides 2",
    () =>
      layers.conv2d({
        filters: 3,
        kernelSize: [3, 2],
        strides: 2,
        padding: "same",
        activation: "tanh",
        ...image,
      }),
  ],
  [
    "Conv2D, dilation 2, no bias",
    () =>
      layers.conv2d({
        filters: 2,
        kernelSize: 2,
        dilationRate: 2,
        useBias: false,
        activation: "tanh",
        ...image,
      }),
  ],
  ["Conv2D, 1 × 1", () => layers.conv2d({ filters: 3, kernelSize: 1, activation: "tanh", ...image })],
  [
    "DepthwiseConv2D",
    () => layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, activation: "tanh", ...image }),
  ],
  [
    "DepthwiseConv2D, same, strides 2",
    () =>
      layers.depthwiseConv2d({ kernelSize: 2, strides: 2, padding: "same", activation: "tanh", ...image }),
  ],
  [
    "SeparableConv2D",
    () => layers.separableConv2d({ filters: 3, kernelSize: 3, activation: "tanh", ...image }),
  ],
];

const transposedConvolutions: [string, () => tfl.layers.Layer][] = [
  [
    "Conv2DTranspose",
    () => layers.conv2dTranspose({ filters: 2, kernelSize: [3, 2], activation: "tanh", ...image }),
  ],
  [
    "Conv2DTranspose, same, strides 2",
    () =>
      layers.conv2dTranspose({
        filters: 2,
        kernelSize: 3,
        strides: 2,
        padding: "same",
        activation: "tanh",
        ...image,
      }),
  ],
];

/** Without a rule of their own. */
const recurrent: [string, () => tfl.layers.Layer][] = [
  ["SimpleRNN", () => layers.simpleRNN({ units: 3 })],
  ["GRU", () => layers.gru({ units: 3, recurrentActivation: "sigmoid" })],
  ["GRU, hard gates, all times", () => layers.gru({ units: 2, returnSequences: true })],
  ["LSTM", () => layers.lstm({ units: 3, recurrentActivation: "sigmoid" })],
  [
    "Bidirectional LSTM",
    () =>
      layers.bidirectional({
        layer: layers.lstm({ units: 2, recurrentActivation: "sigmoid" }) as tfl.RNN,
        mergeMode: "concat",
      }),
  ],
  [
    "Bidirectional GRU, all times",
    () =>
      layers.bidirectional({
        layer: layers.gru({ units: 2, recurrentActivation: "sigmoid", returnSequences: true }) as tfl.RNN,
        mergeMode: "concat",
      }),
  ],
  ["TimeDistributed Dense", () => layers.timeDistributed({ layer: dense(3, { activation: "tanh" }) })],
];

const sequences: [string, () => tfl.layers.Layer][] = [
  [
    "Conv1D, same, strides 2",
    () =>
      layers.conv1d({
        filters: 3,
        kernelSize: 3,
        strides: 2,
        padding: "same",
        activation: "tanh",
        inputShape: [9, 2],
      }),
  ],
  [
    "Conv1D, dilation 2",
    () =>
      layers.conv1d({
        filters: 3,
        kernelSize: 2,
        dilationRate: 2,
        activation: "tanh",
        inputShape: [7, 2],
      }),
  ],
];

const poolings: [string, () => tfl.layers.Layer[]][] = [
  ["MaxPooling2D", () => [layers.maxPooling2d({ poolSize: 2 })]],
  [
    "MaxPooling2D, overlapping, same",
    () => [layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" })],
  ],
  ["AveragePooling2D", () => [layers.averagePooling2d({ poolSize: 2 })]],
  [
    "AveragePooling2D, overlapping, same",
    () => [layers.averagePooling2d({ poolSize: 3, strides: 2, padding: "same" })],
  ],
  ["GlobalMaxPooling2D", () => [layers.globalMaxPooling2d({})]],
  ["GlobalAveragePooling2D", () => [layers.globalAveragePooling2d({})]],
  [
    "ZeroPadding2D",
    () => [
      layers.zeroPadding2d({
        padding: [
          [1, 0],
          [0, 2],
        ],
      }),
    ],
  ],
  [
    "Cropping2D",
    () => [
      layers.cropping2D({
        cropping: [
          [1, 0],
          [0, 2],
        ],
      }),
    ],
  ],
  ["UpSampling2D", () => [layers.upSampling2d({ size: [2, 1] })]],
  ["Permute", () => [layers.permute({ dims: [3, 1, 2] })]],
];

const sequencePoolings: [string, () => tfl.layers.Layer[]][] = [
  ["MaxPooling1D", () => [layers.maxPooling1d({ poolSize: 2 })]],
  ["AveragePooling1D", () => [layers.averagePooling1d({ poolSize: 3, strides: 2, padding: "same" })]],
  ["GlobalMaxPooling1D", () => [layers.globalMaxPooling1d({})]],
  ["GlobalAveragePooling1D", () => [layers.globalAveragePooling1d({})]],
];

const merges: [string, (x: Symbolic) => Symbolic][] = [
  [
    "Add: a residual block",
    (x) => {
      const inner = dense(6, { activation: "tanh" }).apply(x) as Symbolic;
      return layers
        .add()
        .apply([x, dense(6, { activation: "tanh" }).apply(inner) as Symbolic, inner]) as Symbolic;
    },
  ],
  ...(["average", "multiply", "maximum", "minimum"] as const).map(
    (kind): [string, (x: Symbolic) => Symbolic] => [
      `${kind[0]?.toUpperCase()}${kind.slice(1)} of three`,
      (x) =>
        layers[kind]().apply(
          [1, 2, 3].map(() => dense(4, { activation: "tanh" }).apply(x) as Symbolic),
        ) as Symbolic,
    ],
  ),
  [
    "Concatenate",
    (x) =>
      layers
        .concatenate()
        .apply([
          x,
          dense(4, { activation: "tanh" }).apply(x) as Symbolic,
          dense(2).apply(x) as Symbolic,
        ]) as Symbolic,
  ],
  [
    "Concatenate, axis 1",
    (x) => {
      const row = (units: number) =>
        layers
          .reshape({ targetShape: [units / 2, 2] })
          .apply(dense(units, { activation: "tanh" }).apply(x)) as Symbolic;
      return layers.flatten().apply(layers.concatenate({ axis: 1 }).apply([row(4), row(6)])) as Symbolic;
    },
  ],
  [
    "one layer used three times",
    (x) => {
      const shared = dense(6, { activation: "tanh" });
      const once = shared.apply(x) as Symbolic;
      return layers.add().apply([shared.apply(shared.apply(once)) as Symbolic, x]) as Symbolic;
    },
  ],
  [
    "a model within the model, used twice",
    (x) => {
      const inner = stack(dense(4, { activation: "tanh", inputShape: [6] }), dense(6));
      return layers.add().apply([inner.apply(inner.apply(x)) as Symbolic, x]) as Symbolic;
    },
  ],
];

const onVector = (...parts: tfl.layers.Layer[]) => stack(dense(5, { inputShape: [4] }), ...parts, dense(3));
const onRows = (...parts: tfl.layers.Layer[]) =>
  stack(dense(4, { inputShape: [3, 2], activation: "tanh" }), ...parts, layers.flatten(), dense(3));

export const accuracyCases: readonly AccuracyCase[] = [
  ...activationNames.map((activation) =>
    networkCase("Dense", () => onVector(dense(6, { activation: act(activation) })), {
      activation,
      loss: "mse",
      // Their caps are to be reached.
      ...(["relu6", "hardSigmoid"].includes(activation) ? { spread: 2 } : {}),
    }),
  ),
  ...lossNames.map((loss) =>
    networkCase("Dense, Activation", () => onVector(layers.activation({ activation: "tanh" })), { loss }),
  ),
  networkCase(
    "Dense, sigmoid folded",
    () => stack(dense(3, { inputShape: [4], activation: "tanh" }), dense(1, { activation: "sigmoid" })),
    {
      loss: "sigmoid-cross-entropy",
    },
  ),
  networkCase(
    "Dense, softmax at the end",
    () => onVector(layers.activation({ activation: "tanh" }), dense(3), layers.softmax()),
    { loss: "mse" },
  ),
  networkCase("Dense on rows, RepeatVector", () =>
    stack(
      dense(3, { inputShape: [4], activation: "tanh" }),
      layers.repeatVector({ n: 2 }),
      dense(2, { activation: "tanh" }),
      layers.flatten(),
      dense(3),
    ),
  ),
  ...activationLayers.map(([layer, make]) =>
    networkCase(layer, () => onVector(make()), { activation: "", loss: "huber" }),
  ),
  networkCase("PReLU, shared over places", () =>
    behindConvolution(layers.prelu({ sharedAxes: [1, 2] }), layers.flatten()),
  ),
  ...[...convolutions, ...transposedConvolutions].map(([layer, make]) =>
    networkCase(layer, () => onImage(make())),
  ),
  ...[...convolutions, ...transposedConvolutions].map(([layer, make]) =>
    networkCase(`${layer}, behind another`, () =>
      onImage(layers.conv2d({ filters: 2, kernelSize: 1, activation: "tanh", ...image }), make()),
    ),
  ),
  ...recurrent.map(([layer, make]) => networkCase(layer, () => behindSequence(make()), { isTaped: true })),
  networkCase(
    "LSTM at the start",
    () => flattened(layers.lstm({ units: 3, recurrentActivation: "sigmoid", inputShape: [4, 2] })),
    { isTaped: true },
  ),
  networkCase(
    "a frozen LSTM",
    () => behindSequence(layers.lstm({ units: 3, recurrentActivation: "sigmoid", trainable: false })),
    { isTaped: true },
  ),
  networkCase("a layer of one's own", () => onVector(new Gate({})), { activation: "", isTaped: true }),
  ...sequences.map(([layer, make]) => networkCase(layer, () => onImage(make()))),
  ...(["relu", "gelu"] as const).map((activation) =>
    networkCase(
      "Conv2D",
      () => onImage(layers.conv2d({ filters: 3, kernelSize: 3, activation: act(activation), ...image })),
      {
        activation,
        loss: "half-sum-mse",
      },
    ),
  ),
  ...poolings.map(([layer, make]) => networkCase(layer, () => behindConvolution(...make()))),
  ...sequencePoolings.map(([layer, make]) => networkCase(layer, () => behindSequence(...make()))),
  networkCase("MaxPooling2D, all windows negative", () =>
    stack(
      layers.conv2d({ filters: 3, kernelSize: 2, activation: "softplus", inputShape: [6, 5, 2] }),
      // −softplus: every number below 0, which tfjs's own max-pooling on wasm gets wrong.
      layers.conv2d({ filters: 3, kernelSize: 1, trainable: false, useBias: false }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      dense(3),
    ),
  ),
  networkCase(
    "BatchNormalization",
    () => onVector(layers.batchNormalization(), layers.activation({ activation: "tanh" })),
    { examples: 7 },
  ),
  networkCase(
    "BatchNormalization, no scale",
    () => onVector(layers.batchNormalization({ scale: false }), layers.activation({ activation: "tanh" })),
    { examples: 7 },
  ),
  networkCase("BatchNormalization of channels", () =>
    behindConvolution(
      layers.batchNormalization(),
      layers.activation({ activation: "tanh" }),
      layers.flatten(),
    ),
  ),
  networkCase(
    "BatchNormalization, moving statistics",
    () =>
      behindConvolution(
        layers.batchNormalization(),
        layers.activation({ activation: "tanh" }),
        layers.flatten(),
      ),
    {
      options: { batchNorm: "moving" },
    },
  ),
  networkCase("BatchNormalization, frozen", () =>
    behindConvolution(
      layers.batchNormalization({ trainable: false }),
      layers.activation({ activation: "tanh" }),
      layers.flatten(),
    ),
  ),
  networkCase("LayerNormalization", () => onRows(layers.layerNormalization())),
  networkCase("LayerNormalization, last two axes", () => onRows(layers.layerNormalization({ axis: [1, 2] }))),
  networkCase("LayerNormalization, no center", () => onVector(layers.layerNormalization({ center: false }))),
  networkCase(
    "Embedding",
    () =>
      stack(
        layers.embedding({ inputDim: 7, outputDim: 3, inputLength: 4 }),
        layers.conv1d({ filters: 2, kernelSize: 2, activation: "tanh" }),
        layers.flatten(),
        dense(3),
      ),
    {
      vocabulary: 7,
    },
  ),
  networkCase("Dropout, noise", () =>
    onVector(
      layers.dropout({ rate: 0.5 }),
      layers.activation({ activation: "tanh" }),
      layers.gaussianNoise({ stddev: 1 }),
      layers.alphaDropout({ rate: 0.2 }),
    ),
  ),
  networkCase("l2 and l1 on weights", () =>
    onVector(
      dense(4, {
        activation: "tanh",
        kernelRegularizer: tfl.regularizers.l2({ l2: 0.03 }),
        biasRegularizer: tfl.regularizers.l1({ l1: 0.02 }),
      }),
    ),
  ),
  networkCase(
    "l2, left out of L",
    () => onVector(dense(4, { activation: "tanh", kernelRegularizer: tfl.regularizers.l2({ l2: 0.03 }) })),
    {
      options: { penalties: "left out" },
    },
  ),
  networkCase("a frozen Dense at the start", () =>
    stack(
      dense(5, { inputShape: [4], trainable: false, activation: "tanh" }),
      dense(4, { activation: "tanh" }),
      dense(3),
    ),
  ),
  networkCase("a frozen Dense in the middle", () =>
    onVector(dense(4, { trainable: false, activation: "tanh" })),
  ),
  ...merges.map(([layer, build]) => networkCase(layer, () => functional(build))),
  networkCase(
    "Dot of two vectors",
    (): tfl.LayersModel =>
      functional((x) => {
        const [a, b] = [1, 2].map(() => dense(4, { activation: "tanh" }).apply(x) as Symbolic);
        return layers.dot({ axes: 1 }).apply([a as Symbolic, b as Symbolic]) as Symbolic;
      }),
    { isTaped: true },
  ),
  networkCase(
    "Dot of rows",
    (): tfl.LayersModel =>
      functional((x) => {
        const rows = (count: number) =>
          layers
            .reshape({ targetShape: [count, 2] })
            .apply(dense(2 * count, { activation: "tanh" }).apply(x)) as Symbolic;
        const products = layers.dot({ axes: 2 }).apply([rows(2), rows(3)]) as Symbolic;
        return layers.flatten().apply(products) as Symbolic;
      }),
    { isTaped: true },
  ),
  networkCase("LeNet in small", () =>
    stack(
      layers.conv2d({
        filters: 2,
        kernelSize: 3,
        padding: "same",
        activation: "tanh",
        inputShape: [8, 8, 1],
      }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 3, kernelSize: 3, activation: "tanh" }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      dense(4, { activation: "tanh" }),
      dense(3, { activation: "softmax" }),
    ),
  ),
  networkCase(
    "a residual network in small",
    () => {
      const input = tfl.input({ shape: [5, 5, 2] });
      const block = (x: Symbolic) => {
        const part = (y: Symbolic) =>
          layers
            .batchNormalization()
            .apply(
              layers.conv2d({ filters: 2, kernelSize: 3, padding: "same", useBias: false }).apply(y),
            ) as Symbolic;
        const inner = layers.activation({ activation: act("swish") }).apply(part(x)) as Symbolic;
        return layers
          .activation({ activation: act("swish") })
          .apply(layers.add().apply([x, part(inner)])) as Symbolic;
      };
      const pooled = layers.globalAveragePooling2d({}).apply(block(block(input))) as Symbolic;
      return tfl.model({ inputs: input, outputs: dense(3).apply(pooled) as Symbolic });
    },
    { activation: "swish" },
  ),
];
