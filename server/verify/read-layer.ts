/** One layer of a model's JSON, as tfjs writes it. */
import type { Parameter } from "../../shared/header.ts";
import type { KernelLayer, Layer, PoolingLayer } from "./layers.ts";
import { slide, type Windows } from "./windows.ts";

export interface LayerJson {
  readonly class_name?: unknown;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Of a functional model: from which layers its inputs come, once for each use of the layer. */
  readonly inbound_nodes?: unknown;
}

/** What has been read so far: the shape of one example there, and where the next parameters begin in θ. */
export interface Place {
  readonly shape: readonly number[];
  readonly offset: number;
}

/** The layer, null where it does nothing to the numbers, and what comes after it; or why it cannot be computed here. */
export type LayerResult =
  | { readonly ok: true; readonly layer: Layer | null; readonly after: Place }
  | { readonly ok: false; readonly why: string };

type Picture = readonly [height: number, width: number, channels: number];

export function readLayer(
  { class_name: kind, config = {} }: LayerJson,
  place: Place,
  parameters: readonly Parameter[],
): LayerResult {
  const name = String(config["name"] ?? kind);
  const { shape, offset } = place;
  const unchanged = (after: readonly number[]): LayerResult => ({
    ok: true,
    layer: null,
    after: { shape: after, offset },
  });
  const unruled = (what: string): LayerResult => ({ ok: false, why: `there is no float64 rule for ${what}` });
  if (Object.entries(config).some(([key, value]) => key.endsWith("_regularizer") && value != null))
    return unruled(`the penalty of layer ${name}`);
  switch (kind) {
    case "InputLayer":
    case "Activation":
    case "Softmax":
    // Off, in L as in training.
    case "Dropout":
    case "GaussianDropout":
    case "GaussianNoise":
    case "AlphaDropout":
      return unchanged(shape);
    case "ReLU":
      return config["max_value"] == null ? unchanged(shape) : unruled(`layer ${name} (${kind} with a limit)`);
    case "Flatten":
      return unchanged([sizeOf(shape)]);
    case "Reshape":
      return unchanged(filled(config["target_shape"], sizeOf(shape)));
    case "Dense":
      if (shape.length !== 1)
        return unruled(`layer ${name} (Dense) on inputs of shape [${shape.join(", ")}]`);
      return withKernel(config, name, place, [shape[0] as number], Number(config["units"]), null, parameters);
    default:
  }
  const windows = isPicture(shape) ? windowsOf(kind, config, shape) : null;
  if (windows === null) return unruled(`layer ${name} (${String(kind)})`);
  if (windows.count === 0) return { ok: false, why: `layer ${name} has no window that fits its input` };
  const [rows, columns] = [windows.count / windows.columns, windows.columns];
  if (kind === "Conv2D") {
    const kernel = [...pair(config["kernel_size"]), windows.channels];
    return withKernel(config, name, place, kernel, Number(config["filters"]), windows, parameters);
  }
  const outputs = windows.count * windows.channels;
  const layer: PoolingLayer = {
    kind: String(kind).includes("Max") ? "max" : "mean",
    inputs: sizeOf(shape),
    outputs,
    terms: 0,
    activation: "linear",
    windows,
  };
  const isGlobal = String(kind).startsWith("Global");
  const after = isGlobal ? [windows.channels] : [rows, columns, windows.channels];
  return { ok: true, layer, after: { shape: after, offset } };
}

/** Placed where the header's parameters lie; the two must agree. */
function withKernel(
  config: Readonly<Record<string, unknown>>,
  name: string,
  { shape, offset }: Place,
  kernel: readonly number[],
  filters: number,
  windows: Windows | null,
  parameters: readonly Parameter[],
): LayerResult {
  const terms = sizeOf(kernel);
  const size = terms * filters;
  const biasAt = config["use_bias"] === false ? null : offset + size;
  const lies = (at: number, expected: readonly number[]) =>
    parameters.find((each) => each.offset === at)?.shape.join() === expected.join();
  if (!lies(offset, [...kernel, filters]) || (biasAt !== null && !lies(biasAt, [filters])))
    return { ok: false, why: `layer ${name} is not where the header's list of parameters has it` };
  const layer: KernelLayer = {
    kind: "kernel",
    inputs: sizeOf(shape),
    outputs: (windows?.count ?? 1) * filters,
    terms,
    filters,
    kernelAt: offset,
    biasAt,
    activation: "linear",
    windows,
  };
  const grid = windows === null ? [] : [windows.count / windows.columns, windows.columns];
  return {
    ok: true,
    layer,
    after: { shape: [...grid, filters], offset: offset + size + (biasAt === null ? 0 : filters) },
  };
}

/** Null for what has no rule. */
function windowsOf(
  kind: unknown,
  config: Readonly<Record<string, unknown>>,
  picture: Picture,
): Windows | null {
  if (config["data_format"] !== "channels_last") return null;
  switch (kind) {
    case "GlobalAveragePooling2D":
    case "GlobalMaxPooling2D":
      return slide(picture, [picture[0], picture[1]], [1, 1], "valid");
    case "Conv2D":
    case "AveragePooling2D":
    case "MaxPooling2D": {
      const padding = config["padding"];
      const isDilated = kind === "Conv2D" && pair(config["dilation_rate"]).some((rate) => rate !== 1);
      if (isDilated || (padding !== "same" && padding !== "valid")) return null;
      const size = pair(config[kind === "Conv2D" ? "kernel_size" : "pool_size"]);
      return slide(picture, size, pair(config["strides"]), padding);
    }
    default:
      return null;
  }
}

function isPicture(shape: readonly number[]): shape is Picture {
  return shape.length === 3;
}

function pair(value: unknown): readonly [number, number] {
  const [a, b] = Array.isArray(value) ? value : [value, value];
  return [Number(a), Number(b)];
}

/** With the one length that is left open: what is left. */
function filled(target: unknown, size: number): number[] {
  const lengths = (Array.isArray(target) ? target : []).map((length) => Number(length ?? -1));
  const known = sizeOf(lengths.filter((length) => length >= 0));
  return lengths.map((length) => (length >= 0 ? length : size / known));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
