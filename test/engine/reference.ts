/**
 * A tfjs-layers model and a loss, evaluated in float64 by the definitions, one number at a time: what the engine's rules are tested
 * against. It reads the layers itself and shares no code with the rules.
 */
import type * as tfl from "@tensorflow/tfjs-layers";
import { HyperDual, parameters64, sum64 } from "./hyper-dual.ts";
import { type Config, layers64, type Tensor64 } from "./reference-layers.ts";

export interface Case64 {
  readonly model: tfl.LayersModel;
  readonly loss: string;
  readonly inputs: ArrayLike<number>;
  readonly targets: ArrayLike<number>;
  readonly size: number;
  /** Batch-norm's statistics: those of the examples, or the layer's moving ones. */
  readonly batchNorm?: "examples" | "moving";
  /** Without the layers' own penalties. */
  readonly dataLossOnly?: boolean;
}

export interface Derivatives64 {
  readonly loss: number;
  readonly gradient: Float64Array;
  readonly hv: Float64Array;
  /** [n · outputs], of the network; where the loss applies a softmax or sigmoid itself, without that. */
  readonly outputs: readonly HyperDual[];
  /** Numbers so near to a kink or a tie that float32 may fall on the other side. */
  readonly kinks: number;
}

export function derivatives64(of: Case64, theta: ArrayLike<number>, v: ArrayLike<number>): Derivatives64 {
  const { model } = of;
  const weights = new Map<tfl.LayerVariable, HyperDual[]>();
  const parameters = parameters64(theta, v);
  let offset = 0;
  for (const weight of model.trainableWeights) {
    const size = weight.shape.reduce<number>((product, length) => product * (length ?? 1), 1);
    weights.set(weight, parameters.slice(offset, offset + size));
    offset += size;
  }
  if (offset !== theta.length) throw new Error(`theta: expected length ${offset}, got ${theta.length}`);
  for (const weight of model.nonTrainableWeights) {
    weights.set(
      weight,
      Array.from(weight.read().dataSync(), (value) => new HyperDual(value)),
    );
  }
  const context = { batchNorm: of.batchNorm ?? ("examples" as const), kinks: 0, weights };
  const [input, output] = [model.inputs[0], model.outputs[0]] as [tfl.SymbolicTensor, tfl.SymbolicTensor];
  const x: Tensor64 = {
    shape: [of.size, ...input.shape.slice(1).map((length) => length ?? 0)],
    data: Array.from(of.inputs, (value) => new HyperDual(value)),
  };
  const z = evaluate64(output, new Map([[input.id, x]]), context, of.loss);
  const data = loss64(of.loss, z, of.targets, context);
  const total = of.dataLossOnly === true ? data : data.plus(penalties(model, weights, context));
  const zeros = new Float64Array(theta.length);
  return {
    loss: total.value,
    gradient: total.gradient ?? zeros,
    hv: total.bend ?? zeros,
    outputs: z.data,
    kinks: context.kinks,
  };
}

export interface Context {
  readonly batchNorm: "examples" | "moving";
  readonly weights: ReadonlyMap<tfl.LayerVariable, readonly HyperDual[]>;
  kinks: number;
}

/** What a symbolic tensor stands for, given those already known. */
function evaluate64(
  tensor: tfl.SymbolicTensor,
  known: Map<number, Tensor64>,
  context: Context,
  /** Of the network's output, whose softmax or sigmoid it may hold; null elsewhere. */
  lossOfOutput: string | null,
): Tensor64 {
  const found = known.get(tensor.id);
  if (found !== undefined) return found;
  const layer = tensor.sourceLayer;
  const inputs = tensor.inputs.map((input) => evaluate64(input, known, context, null));
  const config = { ...(layer.getConfig() as Config) };
  if (isFolded(layer, config, lossOfOutput)) config["activation"] = "linear";
  const nested = layer as unknown as Partial<tfl.LayersModel>;
  let value: Tensor64;
  if (nested.layers !== undefined && nested.inputs !== undefined) {
    const [inner, outer] = [nested.inputs[0], nested.outputs?.[0]] as [
      tfl.SymbolicTensor,
      tfl.SymbolicTensor,
    ];
    value = evaluate64(outer, new Map([[inner.id, inputs[0] as Tensor64]]), context, null);
  } else {
    const evaluate = layers64[layer.getClassName()];
    if (evaluate === undefined)
      throw new Error(`reference: expected a known layer, got ${layer.getClassName()}`);
    const weights = layer.weights.map((weight) => context.weights.get(weight) ?? []);
    value = evaluate(inputs, weights, config, context, layer);
  }
  known.set(tensor.id, value);
  return value;
}

function isFolded(layer: tfl.layers.Layer, config: Config, loss: string | null): boolean {
  const folded = loss === "cross-entropy" ? "softmax" : loss === "sigmoid-cross-entropy" ? "sigmoid" : null;
  if (folded === null) return false;
  return config["activation"] === folded || layer.getClassName().toLowerCase() === folded;
}

function loss64(name: string, z: Tensor64, targets: ArrayLike<number>, context: Context): HyperDual {
  const outputs = z.shape.at(-1) as number;
  const n = z.data.length / outputs;
  const y = (i: number) => targets[i] as number;
  switch (name) {
    case "cross-entropy": {
      const terms = Array.from({ length: n }, (_, i) => {
        const row = z.data.slice(i * outputs, (i + 1) * outputs);
        const top = Math.max(...row.map(({ value }) => value));
        const log = sum64(row.map((entry) => entry.minus(top).exp()))
          .log()
          .plus(top);
        return sum64(row.map((entry, k) => log.minus(entry).times(y(i * outputs + k))));
      });
      return sum64(terms).times(1 / n);
    }
    case "sigmoid-cross-entropy":
      // −y log σ(z) − (1 − y) log(1 − σ(z)).
      return sum64(
        z.data.map((entry, i) => {
          const p = new HyperDual(1).over(entry.times(-1).exp().plus(1));
          const q = new HyperDual(1).over(entry.exp().plus(1));
          return p
            .log()
            .times(-y(i))
            .plus(q.log().times(y(i) - 1));
        }),
      ).times(1 / (n * outputs));
    case "huber":
      return sum64(
        z.data.map((entry, i) => {
          const d = entry.minus(y(i));
          if (Math.abs(Math.abs(d.value) - 1) < 1e-5) context.kinks++;
          if (Math.abs(d.value) <= 1) return d.times(d).times(0.5);
          return d.times(Math.sign(d.value)).minus(0.5);
        }),
      ).times(1 / (n * outputs));
    case "mse":
    case "half-sum-mse": {
      const squares = z.data.map((entry, i) => entry.minus(y(i)).times(entry.minus(y(i))));
      return sum64(squares).times(name === "mse" ? 1 / (n * outputs) : 1 / (2 * n));
    }
    default:
      throw new Error(`reference: expected a known loss, got ${name}`);
  }
}

/** Σ l1 |w| + l2 w², for every layer that has a regularizer. */
function penalties(
  model: tfl.LayersModel,
  weights: ReadonlyMap<tfl.LayerVariable, readonly HyperDual[]>,
  context: Context,
): HyperDual {
  let total = new HyperDual(0);
  const visit = (layer: tfl.layers.Layer) => {
    const inner = (layer as unknown as Partial<tfl.LayersModel>).layers;
    if (inner !== undefined) {
      inner.forEach(visit);
      return;
    }
    const config = layer.getConfig() as Config;
    for (const weight of layer.weights) {
      const short = weight.originalName.split("/").at(-1) as string;
      const key = { depthwise_kernel: "depthwise", pointwise_kernel: "pointwise" }[short] ?? short;
      const found = config[`${key}Regularizer`] as { config: { l1: number; l2: number } } | null | undefined;
      if (found === null || found === undefined) continue;
      for (const entry of weights.get(weight) ?? []) {
        if (found.config.l1 !== 0 && Math.abs(entry.value) < 1e-6) context.kinks++;
        total = total
          .plus(entry.times(found.config.l1 * Math.sign(entry.value)))
          .plus(entry.times(entry).times(found.config.l2));
      }
    }
  };
  model.layers.forEach(visit);
  return total;
}

/** G = Σ_i J_iᵀ H_i J_i with the dense Jacobian of the outputs; the loss's Hessian in them from a second set of dual numbers. */
export function gaussNewton64(of: Case64, theta: ArrayLike<number>, v: ArrayLike<number>): Float64Array {
  const { outputs } = derivatives64(of, theta, v);
  const zDot = Float64Array.from(outputs, ({ slope }) => slope);
  const z = parameters64(
    outputs.map(({ value }) => value),
    zDot,
  );
  const perExample = outputs.length / of.size;
  const context = { batchNorm: "examples" as const, kinks: 0, weights: new Map() };
  const loss = loss64(of.loss, { shape: [of.size, perExample], data: z }, of.targets, context);
  const product = new Float64Array(theta.length);
  outputs.forEach(({ gradient }, row) => {
    gradient?.forEach((entry, i) => {
      product[i] = (product[i] as number) + entry * ((loss.bend as Float64Array)[row] as number);
    });
  });
  return product;
}
