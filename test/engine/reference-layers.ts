/** The layers of tfjs-layers by their definitions, in float64, for reference.ts. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { HyperDual, sum64 } from "./hyper-dual.ts";
import type { Context } from "./reference.ts";

export type Config = Record<string, unknown>;

export interface Tensor64 {
  /** With the batch. */
  readonly shape: readonly number[];
  readonly data: readonly HyperDual[];
}

type Weights = readonly (readonly HyperDual[])[];
type Evaluate = (
  inputs: readonly Tensor64[],
  weights: Weights,
  config: Config,
  context: Context,
  layer: tfl.layers.Layer,
) => Tensor64;

const NEAR = 1e-5;
const one = new HyperDual(1);

/** z where it is above `at`, else `below`; counts what is too near to tell. */
function above(z: HyperDual, at: number, below: HyperDual, context: Context): HyperDual {
  if (Math.abs(z.value - at) < NEAR) context.kinks++;
  return z.value > at ? z : below;
}

const zero = new HyperDual(0);
const sigmoid = (z: HyperDual) => one.over(z.times(-1).exp().plus(1));
const tanh = (z: HyperDual) => one.minus(new HyperDual(2).over(z.times(2).exp().plus(1)));
const softplus = (z: HyperDual) =>
  z.value > 0 ? z.plus(z.times(-1).exp().plus(1).log()) : z.exp().plus(1).log();
const elu = (z: HyperDual, alpha: number, context: Context) =>
  above(z, 0, z.exp().minus(1).times(alpha), context);

/** Elementwise ones. */
export const activations64: Readonly<Record<string, (z: HyperDual, context: Context) => HyperDual>> = {
  linear: (z) => z,
  relu: (z, context) => above(z, 0, zero, context),
  relu6: (z, context) => {
    const capped = above(z, 6, z, context);
    return capped.value > 6 ? new HyperDual(6) : above(z, 0, zero, context);
  },
  elu: (z, context) => elu(z, 1, context),
  selu: (z, context) => elu(z, 1.6732632423543772, context).times(1.0507009873554805),
  sigmoid,
  hardSigmoid: (z, context) => {
    const line = z.times(0.2).plus(0.5);
    const low = above(line, 0, zero, context);
    return above(line, 1, low, context).value > 1 ? one : low;
  },
  softplus,
  softsign: (z, context) => z.over(above(z, 0, z.times(-1), { ...context }).plus(1)),
  tanh,
  swish: (z) => z.times(sigmoid(z)),
  mish: (z) => z.times(tanh(softplus(z))),
  gelu: (z) => z.times(z.times(Math.SQRT1_2).erf().plus(1)).times(0.5),
  gelu_new: (z) => {
    const inner = z.plus(z.times(z).times(z).times(0.044715)).times(Math.sqrt(2 / Math.PI));
    return z.times(tanh(inner).plus(1)).times(0.5);
  },
};

function activate(x: Tensor64, name: unknown, context: Context): Tensor64 {
  if (name === undefined || name === null) return x;
  if (name === "softmax" || name === "logSoftmax") {
    return byRows(x, x.shape.at(-1) as number, (row) => {
      const top = Math.max(...row.map(({ value }) => value));
      const log = sum64(row.map((z) => z.minus(top).exp()))
        .log()
        .plus(top);
      return row.map((z) => (name === "softmax" ? z.minus(log).exp() : z.minus(log)));
    });
  }
  const phi = activations64[String(name)];
  if (phi === undefined) throw new Error(`reference: expected a known activation, got ${name}`);
  return { shape: x.shape, data: x.data.map((z) => phi(z, context)) };
}

function byRows(
  x: Tensor64,
  width: number,
  map: (row: readonly HyperDual[]) => readonly HyperDual[],
): Tensor64 {
  const data: HyperDual[] = [];
  for (let at = 0; at < x.data.length; at += width) data.push(...map(x.data.slice(at, at + width)));
  return { shape: x.shape, data };
}

const reshaped = (x: Tensor64, shape: readonly number[]): Tensor64 => ({
  shape: [x.shape[0] as number, ...shape],
  data: x.data,
});

/** Output shape without the batch, as tfjs says. */
const exampleShape = (layer: tfl.layers.Layer) =>
  (layer.outputShape as (number | null)[]).slice(1).map((size) => size ?? 0);

const list = (value: unknown, length: number): number[] =>
  Array.isArray(value) ? value.map(Number) : new Array(length).fill(Number(value));

interface Window {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: string;
}

function windowOf(config: Config, size: unknown): Window {
  const kernel = list(size, 1);
  return {
    size: kernel,
    strides: list(config["strides"] ?? size, kernel.length),
    dilation: list(config["dilationRate"] ?? 1, kernel.length),
    padding: String(config["padding"]),
  };
}

/** [h, w] of images; a sequence is an image of height 1. */
function asImage(x: Tensor64, window: Window): { x: Tensor64; window: Window } {
  if (x.shape.length === 4) return { x, window };
  const [n, length, channels] = x.shape as [number, number, number];
  const first = (values: readonly number[]) => [1, values[0] as number];
  return {
    x: { shape: [n, 1, length, channels], data: x.data },
    window: {
      ...window,
      size: first(window.size),
      strides: first(window.strides),
      dilation: first(window.dilation),
    },
  };
}

/** For each window: its example, and (tap, offset of the pixel's first channel) of the taps that lie inside. */
function slide(
  x: Tensor64,
  window: Window,
  visit: (taps: readonly { tap: number; at: number }[]) => readonly HyperDual[],
): HyperDual[] {
  const [n, height, width, channels] = x.shape as [number, number, number, number];
  const axis = (length: number, i: number) => {
    const reach = ((window.size[i] as number) - 1) * (window.dilation[i] as number) + 1;
    const stride = window.strides[i] as number;
    if (window.padding === "valid") return { count: Math.ceil((length - reach + 1) / stride), before: 0 };
    const count = Math.ceil(length / stride);
    return { count, before: Math.floor(Math.max((count - 1) * stride + reach - length, 0) / 2) };
  };
  const [rows, columns] = [axis(height, 0), axis(width, 1)];
  const results: HyperDual[] = [];
  for (let i = 0; i < n; i++)
    for (let p = 0; p < rows.count; p++)
      for (let q = 0; q < columns.count; q++) {
        const taps: { tap: number; at: number }[] = [];
        for (let a = 0; a < (window.size[0] as number); a++)
          for (let b = 0; b < (window.size[1] as number); b++) {
            const r = p * (window.strides[0] as number) - rows.before + a * (window.dilation[0] as number);
            const c = q * (window.strides[1] as number) - columns.before + b * (window.dilation[1] as number);
            if (r < 0 || r >= height || c < 0 || c >= width) continue;
            taps.push({
              tap: a * (window.size[1] as number) + b,
              at: ((i * height + r) * width + c) * channels,
            });
          }
        results.push(...visit(taps));
      }
  return results;
}

function convolve(
  given: Tensor64,
  kernel: readonly HyperDual[],
  bias: readonly HyperDual[] | null,
  filters: number,
  window: Window,
): HyperDual[] {
  const { x, window: over } = asImage(given, window);
  const channels = x.shape[3] as number;
  return slide(x, over, (taps) =>
    Array.from({ length: filters }, (_, f) => {
      const terms = taps.flatMap(({ tap, at }) =>
        Array.from({ length: channels }, (_, c) =>
          (x.data[at + c] as HyperDual).times(kernel[(tap * channels + c) * filters + f] as HyperDual),
        ),
      );
      return sum64(bias === null ? terms : [...terms, bias[f] as HyperDual]);
    }),
  );
}

function convolveDepthwise(
  given: Tensor64,
  kernel: readonly HyperDual[],
  multiplier: number,
  window: Window,
) {
  const { x, window: over } = asImage(given, window);
  const channels = x.shape[3] as number;
  return slide(x, over, (taps) =>
    Array.from({ length: channels * multiplier }, (_, out) => {
      const c = Math.floor(out / multiplier);
      return sum64(
        taps.map(({ tap, at }) =>
          (x.data[at + c] as HyperDual).times(
            kernel[(tap * channels + c) * multiplier + (out % multiplier)] as HyperDual,
          ),
        ),
      );
    }),
  );
}

const convolution: Evaluate = ([x], weights, config, context, layer) => {
  const shape = exampleShape(layer);
  const bias = config["useBias"] === false ? null : (weights[1] ?? []);
  const window = windowOf(config, config["kernelSize"]);
  const data = convolve(x as Tensor64, weights[0] ?? [], bias, shape.at(-1) as number, window);
  return activate(
    { shape: [(x as Tensor64).shape[0] as number, ...shape], data },
    config["activation"],
    context,
  );
};

function largest(values: readonly HyperDual[], context: Context): HyperDual {
  const sorted = [...values].sort((a, b) => b.value - a.value);
  const [first, second] = sorted;
  if (second !== undefined && (first as HyperDual).value - second.value < NEAR) context.kinks++;
  return first as HyperDual;
}

const mean = (values: readonly HyperDual[]) => sum64(values).times(1 / values.length);

function pooling(kind: "max" | "mean"): Evaluate {
  return ([x], _weights, config, context, layer) => {
    const image = asImage(x as Tensor64, windowOf(config, config["poolSize"]));
    const channels = image.x.shape[3] as number;
    const data = slide(image.x, image.window, (taps) =>
      Array.from({ length: channels }, (_, c) => {
        const values = taps.map(({ at }) => image.x.data[at + c] as HyperDual);
        return kind === "max" ? largest(values, context) : mean(values);
      }),
    );
    return { shape: [image.x.shape[0] as number, ...exampleShape(layer)], data };
  };
}

function globalPooling(kind: "max" | "mean"): Evaluate {
  return ([x], _weights, _config, context, layer) => {
    const { shape, data } = x as Tensor64;
    const channels = shape.at(-1) as number;
    const perExample = data.length / (shape[0] as number);
    const pooled: HyperDual[] = [];
    for (let i = 0; i < (shape[0] as number); i++)
      for (let c = 0; c < channels; c++) {
        const values = data.slice(i * perExample, (i + 1) * perExample).filter((_, j) => j % channels === c);
        pooled.push(kind === "max" ? largest(values, context) : mean(values));
      }
    return { shape: [shape[0] as number, ...exampleShape(layer)], data: pooled };
  };
}

function normalised(values: readonly HyperDual[], epsilon: number): HyperDual[] {
  const centre = mean(values);
  const deviations = values.map((value) => value.minus(centre));
  const scale = mean(deviations.map((d) => d.times(d)))
    .plus(epsilon)
    .sqrt();
  return deviations.map((d) => d.over(scale));
}

/** γ·x + β where the layer has them, which come first among its weights. */
function rescaled(row: readonly HyperDual[], weights: Weights, config: Config): HyperDual[] {
  const gamma = config["scale"] === false ? null : weights[0];
  const beta = config["center"] === false ? null : weights[gamma === null ? 0 : 1];
  return row.map((value, c) => {
    const scaled = gamma === null || gamma === undefined ? value : value.times(gamma[c] as HyperDual);
    return beta === null || beta === undefined ? scaled : scaled.plus(beta[c] as HyperDual);
  });
}

const batchNormalization: Evaluate = ([given], weights, config, context, layer) => {
  const x = given as Tensor64;
  const channels = x.shape.at(-1) as number;
  const epsilon = Number(config["epsilon"]);
  const columns = Array.from({ length: channels }, (_, c) => {
    const values = x.data.filter((_, i) => i % channels === c);
    if (context.batchNorm === "examples" && layer.trainable) return normalised(values, epsilon);
    const [centre, variance] = weights.slice(-2).map((of) => of[c]) as [HyperDual, HyperDual];
    return values.map((value) => value.minus(centre).over(variance.plus(epsilon).sqrt()));
  });
  const data = x.data.map((_, i) => columns[i % channels]?.[Math.floor(i / channels)] as HyperDual);
  return byRows({ shape: x.shape, data }, channels, (row) => rescaled(row, weights, config));
};

/** Entry `index(coordinates)` of the input for each entry of the output, null for 0. */
const moved =
  (
    source: (
      at: readonly number[],
      inputShape: readonly number[],
      config: Config,
    ) => readonly number[] | null,
  ): Evaluate =>
  ([given], _weights, config, _context, layer) => {
    const x = given as Tensor64;
    const shape = [x.shape[0] as number, ...exampleShape(layer)];
    const size = shape.reduce((product, length) => product * length, 1);
    const data = Array.from({ length: size }, (_, flat) => {
      const at: number[] = [];
      let rest = flat;
      for (const length of [...shape].reverse()) {
        at.unshift(rest % length);
        rest = Math.floor(rest / length);
      }
      const from = source(at, x.shape, config);
      if (from === null) return zero;
      return x.data[
        from.reduce((offset, coordinate, axis) => offset * (x.shape[axis] as number) + coordinate, 0)
      ] as HyperDual;
    });
    return { shape, data };
  };

const merge =
  (combine: (values: readonly HyperDual[], context: Context) => HyperDual): Evaluate =>
  (inputs, _weights, _config, context) => {
    const [first] = inputs as [Tensor64];
    return {
      shape: first.shape,
      data: first.data.map((_, i) =>
        combine(
          inputs.map((x) => x.data[i] as HyperDual),
          context,
        ),
      ),
    };
  };

const same: Evaluate = ([x]) => x as Tensor64;

/** Each entry through f, with the layer's configuration. */
const elementwise =
  (f: (z: HyperDual, config: Config, context: Context) => HyperDual): Evaluate =>
  ([x], _weights, config, context) => ({
    shape: (x as Tensor64).shape,
    data: (x as Tensor64).data.map((z) => f(z, config, context)),
  });

type Step = (
  x: readonly HyperDual[],
  states: readonly (readonly HyperDual[])[],
  weights: Weights,
  config: Config,
  context: Context,
) => HyperDual[][];

/** x·W + h·U + b of some of the gates. */
function gates(
  x: readonly HyperDual[],
  h: readonly HyperDual[],
  [kernel = [], recurrentKernel = [], bias = []]: Weights,
  of: { readonly units: number; readonly count: number; readonly gate: number },
): HyperDual[] {
  const { units, count, gate } = of;
  return Array.from({ length: units }, (_, j) => {
    const at = (row: number) => row * units * count + gate * units + j;
    return sum64([
      bias[gate * units + j] as HyperDual,
      ...x.map((value, i) => value.times(kernel[at(i)] as HyperDual)),
      ...h.map((value, i) => value.times(recurrentKernel[at(i)] as HyperDual)),
    ]);
  });
}

function activated(z: readonly HyperDual[], name: unknown, context: Context): HyperDual[] {
  return z.map((each) => (activations64[String(name)] as (typeof activations64)[string])(each, context));
}

const simpleStep: Step = (x, [h = []], weights, config, context) => {
  const z = gates(x, h, weights, { units: Number(config["units"]), count: 1, gate: 0 });
  return [activated(z, config["activation"], context)];
};

const gruStep: Step = (x, [h = []], weights, config, context) => {
  const units = Number(config["units"]);
  const of = (gate: number) => ({ units, count: 3, gate });
  const update = activated(gates(x, h, weights, of(0)), config["recurrentActivation"], context);
  const reset = activated(gates(x, h, weights, of(1)), config["recurrentActivation"], context);
  const past = h.map((value, i) => value.times(reset[i] as HyperDual));
  const fresh = activated(gates(x, past, weights, of(2)), config["activation"], context);
  return [
    h.map((value, i) => {
      const share = update[i] as HyperDual;
      return value.times(share).plus((fresh[i] as HyperDual).times(one.minus(share)));
    }),
  ];
};

const lstmStep: Step = (x, [h = [], c = []], weights, config, context) => {
  const units = Number(config["units"]);
  const gate = (index: number, name: string) =>
    activated(gates(x, h, weights, { units, count: 4, gate: index }), config[name], context);
  const [input, forget, output] = [0, 1, 3].map((index) => gate(index, "recurrentActivation")) as [
    HyperDual[],
    HyperDual[],
    HyperDual[],
  ];
  const fresh = gate(2, "activation");
  const carried = c.map((value, i) =>
    value.times(forget[i] as HyperDual).plus((input[i] as HyperDual).times(fresh[i] as HyperDual)),
  );
  return [
    activated(carried, config["activation"], context).map((value, i) => value.times(output[i] as HyperDual)),
    carried,
  ];
};

/** The first state of each example at each time. */
function runOver(
  step: Step,
  x: Tensor64,
  weights: Weights,
  config: Config,
  context: Context,
): HyperDual[][][] {
  const [n, length, width] = x.shape as [number, number, number];
  const units = Number(config["units"]);
  return Array.from({ length: n }, (_, i) => {
    let states: HyperDual[][] = [0, 1].map(() => new Array(units).fill(zero));
    return Array.from({ length }, (_, t) => {
      const at = (i * length + t) * width;
      states = step(x.data.slice(at, at + width), states, weights, config, context);
      return states[0] as HyperDual[];
    });
  });
}

function recurrent(step: Step): Evaluate {
  return ([given], weights, config, context, layer) => {
    const x = given as Tensor64;
    const states = runOver(step, x, weights, config, context);
    const data = states.flatMap((row) =>
      config["returnSequences"] === true ? row.flat() : (row.at(-1) ?? []),
    );
    return { shape: [x.shape[0] as number, ...exampleShape(layer)], data };
  };
}

/** Time backwards. */
function reversed(x: Tensor64): Tensor64 {
  const [n, length, width] = x.shape as [number, number, number];
  const data = Array.from({ length: n * length }, (_, row) => {
    const from = (row - (row % length) + (length - 1 - (row % length))) * width;
    return x.data.slice(from, from + width);
  }).flat();
  return { shape: x.shape, data };
}

export const layers64: Readonly<Record<string, Evaluate>> = {
  Dense: ([given], weights, config, context, layer) => {
    const x = given as Tensor64;
    const units = exampleShape(layer).at(-1) as number;
    const [kernel, bias] = weights;
    const data: HyperDual[] = [];
    const width = x.shape.at(-1) as number;
    for (let at = 0; at < x.data.length; at += width)
      for (let j = 0; j < units; j++) {
        const terms = x.data
          .slice(at, at + width)
          .map((value, i) => value.times(kernel?.[i * units + j] as HyperDual));
        data.push(sum64(bias === undefined ? terms : [...terms, bias[j] as HyperDual]));
      }
    return activate({ shape: [...x.shape.slice(0, -1), units], data }, config["activation"], context);
  },
  Conv1D: convolution,
  Conv2D: convolution,
  DepthwiseConv2D: ([given], weights, config, context, layer) => {
    const x = given as Tensor64;
    const shape = exampleShape(layer);
    const channels = shape.at(-1) as number;
    const window = windowOf(config, config["kernelSize"]);
    const plain = convolveDepthwise(x, weights[0] ?? [], Number(config["depthMultiplier"]), window);
    const bias = weights[1];
    const data =
      bias === undefined ? plain : plain.map((value, i) => value.plus(bias[i % channels] as HyperDual));
    return activate({ shape: [x.shape[0] as number, ...shape], data }, config["activation"], context);
  },
  SeparableConv2D: ([given], [depthwise = [], pointwise = [], bias], config, context, layer) => {
    const x = given as Tensor64;
    const shape = exampleShape(layer);
    const multiplier =
      depthwise.length / ((x.shape[3] as number) * list(config["kernelSize"], 2).reduce((a, b) => a * b));
    const between = convolveDepthwise(x, depthwise, multiplier, windowOf(config, config["kernelSize"]));
    const inner: Tensor64 = {
      shape: [x.shape[0] as number, ...shape.slice(0, 2), (x.shape[3] as number) * multiplier],
      data: between,
    };
    const point: Window = { size: [1, 1], strides: [1, 1], dilation: [1, 1], padding: "valid" };
    const data = convolve(inner, pointwise, bias ?? null, shape.at(-1) as number, point);
    return activate({ shape: [x.shape[0] as number, ...shape], data }, config["activation"], context);
  },
  Conv2DTranspose: ([given], [kernel = [], bias], config, context, layer) => {
    const x = given as Tensor64;
    const [n, height, width, channels] = x.shape as [number, number, number, number];
    const [rows, columns, filters] = exampleShape(layer) as [number, number, number];
    const { size, strides, padding } = windowOf(config, config["kernelSize"]);
    const before = [height, width].map((length, i) => {
      const full = (length - 1) * (strides[i] as number) + (size[i] as number);
      return padding === "valid" ? 0 : Math.floor(Math.max(full - length * (strides[i] as number), 0) / 2);
    }) as [number, number];
    const terms: HyperDual[][] = Array.from({ length: n * rows * columns * filters }, (_, i) =>
      bias === undefined ? [] : [bias[i % filters] as HyperDual],
    );
    for (let i = 0; i < n; i++)
      for (let p = 0; p < height; p++)
        for (let q = 0; q < width; q++)
          for (let a = 0; a < (size[0] as number); a++)
            for (let b = 0; b < (size[1] as number); b++) {
              const r = p * (strides[0] as number) + a - before[0];
              const c = q * (strides[1] as number) + b - before[1];
              if (r < 0 || r >= rows || c < 0 || c >= columns) continue;
              for (let f = 0; f < filters; f++)
                for (let k = 0; k < channels; k++) {
                  const weight = kernel[((a * (size[1] as number) + b) * filters + f) * channels + k];
                  const value = x.data[((i * height + p) * width + q) * channels + k] as HyperDual;
                  terms[((i * rows + r) * columns + c) * filters + f]?.push(value.times(weight as HyperDual));
                }
            }
    const data = terms.map((each) => (each.length === 0 ? zero : sum64(each)));
    return activate({ shape: [n, rows, columns, filters], data }, config["activation"], context);
  },
  SimpleRNN: recurrent(simpleStep),
  GRU: recurrent(gruStep),
  LSTM: recurrent(lstmStep),
  Bidirectional: ([given], weights, config, context, layer) => {
    const x = given as Tensor64;
    const inner = (config["layer"] as { className: string; config: Config }) ?? {};
    const step = { SimpleRNN: simpleStep, GRU: gruStep, LSTM: lstmStep }[inner.className] as Step;
    const half = weights.length / 2;
    const forward = runOver(step, x, weights.slice(0, half), inner.config, context);
    const backward = runOver(step, reversed(x), weights.slice(half), inner.config, context);
    const shape = exampleShape(layer);
    if (inner.config["returnSequences"] !== true) {
      const ends = [forward, backward].map((states) => states.map((row) => row.at(-1) as HyperDual[]));
      const data = (ends[0] as HyperDual[][]).flatMap((row, i) => [...row, ...(ends[1]?.[i] ?? [])]);
      return { shape: [x.shape[0] as number, ...shape], data };
    }
    const data = forward.flatMap((row, i) =>
      row.flatMap((state, t) => [...state, ...(backward[i]?.at(-1 - t) ?? [])]),
    );
    return { shape: [x.shape[0] as number, ...shape], data };
  },
  TimeDistributed: (inputs, weights, config, context, layer) => {
    const inner = config["layer"] as { className: string; config: Config };
    if (inner.className !== "Dense") throw new Error(`reference: expected Dense, got ${inner.className}`);
    return (layers64["Dense"] as Evaluate)(inputs, weights, inner.config, context, layer);
  },
  Dot: ([a, b], _weights, config) => {
    const [x, y] = [a as Tensor64, b as Tensor64];
    const axes = list(config["axes"], 2);
    const n = x.shape[0] as number;
    if (x.shape.length === 2) {
      const width = x.shape[1] as number;
      const data = Array.from({ length: n }, (_, i) =>
        sum64(
          Array.from({ length: width }, (_, j) =>
            (x.data[i * width + j] as HyperDual).times(y.data[i * width + j] as HyperDual),
          ),
        ),
      );
      return { shape: [n, 1], data };
    }
    if (axes.join() !== "2,2") throw new Error(`reference: expected axes 2, got ${axes}`);
    const [p, q, width] = [x.shape[1] as number, y.shape[1] as number, x.shape[2] as number];
    const data: HyperDual[] = [];
    for (let i = 0; i < n; i++)
      for (let r = 0; r < p; r++)
        for (let c = 0; c < q; c++)
          data.push(
            sum64(
              Array.from({ length: width }, (_, j) =>
                (x.data[(i * p + r) * width + j] as HyperDual).times(
                  y.data[(i * q + c) * width + j] as HyperDual,
                ),
              ),
            ),
          );
    return { shape: [n, p, q], data };
  },
  /** Of the tests: see custom-layers.ts. */
  Gate: ([given], [scale = [], shift = []]) => {
    const x = given as Tensor64;
    const width = x.shape.at(-1) as number;
    const data = x.data.map((z, i) => {
      const along = z.times(scale[i % width] as HyperDual).plus(shift[i % width] as HyperDual);
      return z.times(sigmoid(along)).plus(tanh(along).times(z));
    });
    return { shape: x.shape, data };
  },
  MaxPooling1D: pooling("max"),
  MaxPooling2D: pooling("max"),
  AveragePooling1D: pooling("mean"),
  AveragePooling2D: pooling("mean"),
  GlobalMaxPooling1D: globalPooling("max"),
  GlobalMaxPooling2D: globalPooling("max"),
  GlobalAveragePooling1D: globalPooling("mean"),
  GlobalAveragePooling2D: globalPooling("mean"),
  BatchNormalization: batchNormalization,
  LayerNormalization: ([given], weights, config) => {
    const x = given as Tensor64;
    const [first] = [config["axis"]].flat().map((axis) => (Number(axis) + x.shape.length) % x.shape.length);
    const width = x.shape.slice(first).reduce((product, length) => product * length, 1);
    return byRows(x, width, (row) => rescaled(normalised(row, Number(config["epsilon"])), weights, config));
  },
  Embedding: ([given], [table = []], config, _context, layer) => {
    const x = given as Tensor64;
    const width = Number(config["outputDim"]);
    const data = x.data.flatMap(({ value }) => table.slice(value * width, (value + 1) * width));
    return { shape: [x.shape[0] as number, ...exampleShape(layer)], data };
  },
  Flatten: ([x], _w, _config, _context, layer) => reshaped(x as Tensor64, exampleShape(layer)),
  Reshape: ([x], _w, _config, _context, layer) => reshaped(x as Tensor64, exampleShape(layer)),
  Permute: moved((at, _shape, config) => {
    const from = [at[0] as number];
    list(config["dims"], 1).forEach((axis, i) => {
      from[axis] = at[i + 1] as number;
    });
    return from;
  }),
  RepeatVector: moved(([n, , i]) => [n as number, i as number]),
  ZeroPadding2D: moved(([n, r, c, channel], shape, config) => {
    const [[top], [left]] = config["padding"] as [[number], [number]];
    const from = [(r as number) - top, (c as number) - left] as const;
    const inside =
      from[0] >= 0 && from[0] < (shape[1] as number) && from[1] >= 0 && from[1] < (shape[2] as number);
    return inside ? [n as number, ...from, channel as number] : null;
  }),
  Cropping2D: moved(([n, r, c, channel], _shape, config) => {
    const [[top], [left]] = config["cropping"] as [[number], [number]];
    return [n as number, (r as number) + top, (c as number) + left, channel as number];
  }),
  UpSampling2D: moved(([n, r, c, channel], _shape, config) => {
    const [rows, columns] = config["size"] as [number, number];
    return [
      n as number,
      Math.floor((r as number) / rows),
      Math.floor((c as number) / columns),
      channel as number,
    ];
  }),
  Add: merge((values) => sum64(values)),
  Average: merge((values) => mean(values)),
  Multiply: merge((values) => values.reduce((product, value) => product.times(value))),
  Maximum: merge((values, context) => largest(values, context)),
  Minimum: merge((values, context) =>
    largest(
      values.map((value) => value.times(-1)),
      context,
    ).times(-1),
  ),
  Concatenate: (inputs, _weights, config) => {
    const rank = (inputs[0] as Tensor64).shape.length;
    const axis = (Number(config["axis"]) + rank) % rank;
    const shape = [...(inputs[0] as Tensor64).shape];
    shape[axis] = inputs.reduce((total, x) => total + (x.shape[axis] as number), 0);
    const outer = shape.slice(0, axis).reduce((product, length) => product * length, 1);
    const data: HyperDual[] = [];
    for (let block = 0; block < outer; block++)
      for (const x of inputs) {
        const size = x.data.length / outer;
        data.push(...x.data.slice(block * size, (block + 1) * size));
      }
    return { shape, data };
  },
  Activation: ([x], _weights, config, context) => activate(x as Tensor64, config["activation"], context),
  Softmax: ([x], _weights, config, context) =>
    activate(x as Tensor64, config["activation"] === "linear" ? "linear" : "softmax", context),
  ReLU: elementwise((z, config, context) => {
    const cap = config["maxValue"];
    if (cap === null || cap === undefined) return above(z, 0, zero, context);
    if (above(z, Number(cap), z, context).value > Number(cap)) return new HyperDual(Number(cap));
    return above(z, 0, zero, context);
  }),
  LeakyReLU: elementwise((z, config, context) => above(z, 0, z.times(Number(config["alpha"])), context)),
  ELU: elementwise((z, _config, context) => elu(z, 1, context)),
  ThresholdedReLU: elementwise((z, config, context) => above(z, Number(config["theta"]), zero, context)),
  PReLU: ([given], [alpha = []], config, context) => {
    const x = given as Tensor64;
    const shape = x.shape.slice(1);
    const shared = (config["sharedAxes"] as number[] | null) ?? [];
    const perExample = shape.reduce((product, length) => product * length, 1);
    return {
      shape: x.shape,
      data: x.data.map((z, flat) => {
        let rest = flat % perExample;
        let index = 0;
        let step = 1;
        for (let axis = shape.length; axis >= 1; axis--) {
          const length = shape[axis - 1] as number;
          if (!shared.includes(axis)) {
            index += (rest % length) * step;
            step *= length;
          }
          rest = Math.floor(rest / length);
        }
        return above(z, 0, z.times(alpha[index] as HyperDual), context);
      }),
    };
  },
  Dropout: same,
  SpatialDropout1D: same,
  GaussianNoise: same,
  GaussianDropout: same,
  AlphaDropout: same,
};
