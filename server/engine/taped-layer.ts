/**
 * A layer without a rule, as a function of its inputs and weights on tfjs's tape. Nothing is taken on trust: what the tape says of it is
 * held against finite differences of its values on random numbers, and a layer that does not agree is refused by name.
 */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { type Placed, unsupported, valuesOf } from "./placed-layer.ts";
import { sizeOf } from "./rules/linear.ts";
import type { ParameterShape } from "./rules/rule.ts";
import type { TapeFunction } from "./tape.ts";
import { tapeFault } from "./tape-check.ts";

type Layer = tfl.layers.Layer;
type Shape = readonly number[];

const EXAMPLES = 3;

export interface TapedLayer {
  readonly parameters: readonly ParameterShape[];
  /** Of the inputs side by side as one vector of each example, then the parameters. */
  readonly f: TapeFunction;
}

/** A variable of tfjs-layers, whose value is lent to it for the time of a call. */
type Lent = { val: tf.Tensor };

/** @param inputShapes  of one example each. @throws {EngineError} naming the layer, and why its curvature cannot be had. */
export function tapedLayer(
  { layer, outputShape, isFrozen }: Omit<Placed, "inputShape">,
  inputShapes: readonly Shape[],
): TapedLayer {
  const config = layer.getConfig() as Readonly<Record<string, unknown>>;
  if (config["stateful"] === true)
    throw unsupported(layer, "it is stateful: its output depends on what came before");
  if (layer.losses.length > 0 || says(config, "Regularizer"))
    throw unsupported(layer, "it has a regularizer, which is read only of layers with a rule of their own");
  if (says(config, "Constraint")) throw unsupported(layer, "it has a constraint, which is no part of a loss");
  const copy = copyOf(layer, inputShapes);
  const trained = isFrozen ? [] : copy.trainableWeights;
  const constants = copy.weights.filter((weight) => !trained.includes(weight));
  const originals = layer.weights;
  const fixed = constants.map((weight) =>
    valuesOf(originals[copy.weights.indexOf(weight)] as tfl.LayerVariable),
  );
  const parameters = trained.map(({ originalName, shape }) => ({
    name: originalName.split("/").at(-1) as string,
    shape: shape.map((size) => size ?? 0),
  }));
  const variables = [...trained, ...constants] as unknown as Lent[];
  // From here on the copy's own numbers are never read.
  for (const { val } of variables) (val as tf.Variable).dispose();

  const call = (inputs: tf.Tensor[], weights: readonly tf.Tensor[]): tf.Tensor => {
    const still = fixed.map((numbers, i) => tf.tensor(numbers, constants[i]?.shape as number[]));
    for (const [i, variable] of variables.entries())
      variable.val = (weights[i] ?? still[i - weights.length]) as tf.Tensor;
    const output = copy.call(inputs.length === 1 ? (inputs[0] as tf.Tensor) : inputs, { training: false });
    return Array.isArray(output) ? (output[0] as tf.Tensor) : output;
  };
  const f: TapeFunction = ([x, ...weights]) => {
    const given = x as tf.Tensor;
    const n = given.shape[0] as number;
    if (inputShapes.length === 1) return call([given], weights);
    const row = tf.reshape(given, [n, -1]) as tf.Tensor2D;
    let from = 0;
    const inputs = inputShapes.map((shape) => {
      const size = sizeOf(shape);
      const part = tf.slice(row, [0, from], [n, size]);
      from += size;
      return tf.reshape(part, [n, ...shape]);
    });
    return call(inputs, weights);
  };
  const inputShape =
    inputShapes.length === 1 ? inputShapes[0] : [inputShapes.reduce((sum, shape) => sum + sizeOf(shape), 0)];
  const shapes = [[EXAMPLES, ...(inputShape as Shape)], ...parameters.map(({ shape }) => shape)];
  const why = tapeFault(f, [EXAMPLES, ...outputShape], (normal) =>
    shapes.map((shape, i) => normal(shape, i === 0 ? 1 : 0.5)),
  );
  if (why !== null) throw unsupported(layer, why);
  return { parameters, f };
}

/** Is there something under a key that ends so, in the layer's configuration or in that of one within it? */
function says(config: unknown, ending: string): boolean {
  if (typeof config !== "object" || config === null) return false;
  return Object.entries(config).some(
    ([key, value]) => (key.endsWith(ending) && value !== null && value !== undefined) || says(value, ending),
  );
}

/** Made from its configuration, so that lending weights to it does not disturb the model. */
function copyOf(layer: Layer, inputShapes: readonly Shape[]): Layer {
  const kind = layer.constructor as unknown as {
    fromConfig?(of: unknown, config: unknown): Layer;
  };
  const shapes = inputShapes.map((shape) => [null, ...shape]);
  try {
    const copy = kind.fromConfig?.(layer.constructor, layer.getConfig()) as Layer;
    copy.build(shapes.length === 1 ? (shapes[0] as tfl.Shape) : (shapes as tfl.Shape[]));
    copy.built = true;
    if (copy.weights.length === layer.weights.length) return copy;
  } catch {
    // Said below.
  }
  throw unsupported(layer, "it cannot be made from its own configuration (getConfig)");
}
