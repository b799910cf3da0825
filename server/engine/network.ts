/** The layers of a tfjs model as rules in topological order, chain or not. */
import type * as tf from "@tensorflow/tfjs-layers";
import { layerRules, switchedOff } from "./layer-rules.ts";
import { unsupported } from "./placed-layer.ts";
import type { GraphNode } from "./rules/graph.ts";
import { rearrangeRule, reshapeRule, scaleRule, sizeOf } from "./rules/linear.ts";
import { maxPoolRule } from "./rules/pooling.ts";
import { productRule } from "./rules/product.ts";
import type { ParameterShape, Rule } from "./rules/rule.ts";
import { interleaveSources, partSources } from "./rules/sources.ts";

type Layer = tf.layers.Layer;
type Shape = readonly number[];

export interface NetworkOptions {
  readonly batchNorm: "examples" | "moving";
  /** The activation that the loss applies itself to the network's output. */
  readonly folded: string | null;
}

export interface OwnedParameter extends ParameterShape {
  readonly layer: Layer;
}

export interface Network {
  readonly nodes: readonly GraphNode[];
  /** In the order of `model.trainableWeights`. */
  readonly parameters: readonly OwnedParameter[];
  readonly outputShape: Shape;
  /** Class names of all layers; those of layers that are not trained with "frozen " before. */
  readonly kinds: ReadonlySet<string>;
}

/** Where a value is: the node that makes it, −1 for the network's input. */
interface Value {
  readonly node: number;
  readonly shape: Shape;
}

/** A model that is a layer of another, or the whole. */
type Container = Layer & { readonly layers: Layer[] } & Pick<tf.LayersModel, "inputs" | "outputs">;

const INPUT = -1;

/** @throws {EngineError} naming the layer that has no rule, and why. */
export function networkOf(model: tf.LayersModel, inputShape: Shape, options: NetworkOptions): Network {
  const nodes: GraphNode[] = [];
  const parameters: OwnedParameter[] = [];
  const moves: boolean[] = [];
  const kinds = new Set<string>();
  /** Of every trained layer its first parameter. */
  const firstOf = new Map<Layer, number>();

  const add = (rule: Rule, sources: readonly number[], own: readonly number[]): Value => {
    nodes.push({ rule, sources, parameters: own });
    moves.push(own.length > 0 || sources.some((from) => moves[from] === true));
    return { node: nodes.length - 1, shape: rule.outputShape };
  };
  const addChain = (rules: readonly Rule[], from: Value, own: readonly number[]): Value => {
    let next = 0;
    return rules.reduce((value, rule) => {
      const theirs = own.slice(next, next + rule.parameters.length);
      next += theirs.length;
      return add(rule, [value.node], theirs);
    }, from);
  };

  const merge = (layer: Layer, inputs: readonly Value[], outputShape: Shape): Value => {
    const { name } = layer;
    const kind = layer.getClassName();
    const place = (value: Value, sources: Int32Array, shape: Shape) =>
      add(rearrangeRule(name, value.shape, shape, sources), [value.node], []).node;
    if (kind === "Concatenate") {
      const axis = axisOf(layer, outputShape.length);
      let from = 0;
      const parts = inputs.map((value) => {
        const part = place(value, partSources(value.shape, outputShape, axis, from), outputShape);
        from += value.shape[axis] as number;
        return part;
      });
      return add(reshapeRule(name, outputShape, outputShape), parts, []);
    }
    if (inputs.some(({ shape }) => shape.join() !== outputShape.join()))
      throw unsupported(
        layer,
        `its inputs differ in shape: ${inputs.map(({ shape }) => `[${shape}]`).join(", ")}`,
      );
    const size = sizeOf(outputShape);
    const sources = inputs.map(({ node }) => node);
    if (kind === "Add") return add(reshapeRule(name, outputShape, outputShape), sources, []);
    if (kind === "Average") return add(scaleRule(name, outputShape, 1 / inputs.length), sources, []);
    if (kind === "Multiply") {
      const pair = [2, ...outputShape];
      return inputs.slice(1).reduce((product, value) => {
        const halves = [product, value].map((half, i) =>
          place(half, partSources([1, ...outputShape], pair, 0, i), pair),
        );
        return add(productRule(name, outputShape), halves, []);
      }, inputs[0] as Value);
    }
    // Maximum and Minimum: under one window each, all that stands at one place.
    const stacked = [...outputShape, inputs.length];
    const sign = kind === "Minimum" ? -1 : 1;
    const layersBeside = inputs.map((value, i) => {
      const signed = sign === 1 ? value : add(scaleRule(name, outputShape, -1), [value.node], []);
      return place(signed, interleaveSources(size, inputs.length, i), stacked);
    });
    const largest = add(
      maxPoolRule(name, {
        inputShape: stacked,
        outputShape,
        taps: inputs.length,
        sources: Int32Array.from({ length: size * inputs.length }, (_, i) => i),
      }),
      layersBeside,
      [],
    );
    return sign === 1 ? largest : add(scaleRule(name, outputShape, -1), [largest.node], []);
  };

  const apply = (
    layer: Layer,
    inputs: readonly Value[],
    outputShape: Shape,
    isFrozen: boolean,
    folded: string | null,
  ) => {
    if (mergers.has(layer.getClassName())) return merge(layer, inputs, outputShape);
    const [input, ...others] = inputs as [Value, ...Value[]];
    if (others.length > 0) throw unsupported(layer, `it has ${inputs.length} inputs`);
    if (layer.getClassName() === "Embedding" && moves[input.node] === true)
      throw unsupported(layer, "its numbers depend on parameters, and have no derivative");
    const { batchNorm } = options;
    const rules = layerRules({ layer, inputShape: input.shape, outputShape, isFrozen, folded, batchNorm });
    const shapes = rules.flatMap((rule) => rule.parameters);
    const first = firstOf.get(layer) ?? parameters.length;
    if (!firstOf.has(layer)) {
      firstOf.set(layer, first);
      parameters.push(...shapes.map((shape) => ({ ...shape, layer })));
    }
    return addChain(
      rules,
      input,
      shapes.map((_, i) => first + i),
    );
  };

  /** @param known  values of symbolic tensors; those of a nested model are its own for each use of it. */
  const follow = (
    tensor: tf.SymbolicTensor,
    known: Map<number, Value>,
    isFrozen: boolean,
    folded: string | null,
  ): Value => {
    const found = known.get(tensor.id);
    if (found !== undefined) return found;
    const layer = tensor.sourceLayer;
    const frozen = isFrozen || !layer.trainable;
    kinds.add(`${frozen ? "frozen " : ""}${layer.getClassName()}`);
    // The loss's own activation may be followed by layers that change no number.
    const passesFolding = transparent.has(layer.getClassName());
    const inputs = tensor.inputs.map((input) =>
      follow(input, known, isFrozen, passesFolding ? folded : null),
    );
    let value: Value;
    if (isContainer(layer)) {
      const inside = new Map(layer.inputs.map(({ id }, i) => [id, inputs[i] as Value]));
      const output = layer.outputs[tensor.outputTensorIndex ?? 0] as tf.SymbolicTensor;
      value = follow(output, inside, frozen, folded);
    } else {
      const shape = tensor.shape.slice(1).map((size) => size ?? 0);
      value = apply(layer, inputs, shape, frozen, folded);
    }
    known.set(tensor.id, value);
    return value;
  };

  const [input, output] = [model.inputs[0], model.outputs[0]] as [tf.SymbolicTensor, tf.SymbolicTensor];
  const end = follow(
    output,
    new Map([[input.id, { node: INPUT, shape: inputShape }]]),
    !model.trainable,
    options.folded,
  );
  return inModelOrder(model, { nodes, parameters, outputShape: end.shape, kinds });
}

const mergers = new Set(["Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply"]);
const transparent = new Set(["Flatten", "Reshape", ...switchedOff]);

function isContainer(layer: Layer): layer is Container {
  return "layers" in layer && "inputs" in layer && "outputs" in layer;
}

/** Of the output, batch not counted. */
function axisOf(layer: Layer, rank: number): number {
  const axis = Number(layer.getConfig()["axis"]);
  const own = axis < 0 ? rank + axis : axis - 1;
  if (own >= 0 && own < rank) return own;
  throw unsupported(layer, `its axis is ${axis}, the examples'`);
}

/** θ has layers as the model lists them, which need not be the order in which they are reached from the output. */
function inModelOrder(model: tf.LayersModel, network: Network): Network {
  const listed: Layer[] = [];
  const list = (layer: Layer) => {
    if (isContainer(layer)) layer.layers.forEach(list);
    else if (!listed.includes(layer)) listed.push(layer);
  };
  model.layers.forEach(list);
  const order = network.parameters.map((_, index) => index).sort((a, b) => rank(a) - rank(b) || a - b);
  function rank(index: number): number {
    return listed.indexOf(network.parameters[index]?.layer as Layer);
  }
  const position = new Map(order.map((index, at) => [index, at]));
  return {
    ...network,
    nodes: network.nodes.map((node) => ({
      ...node,
      parameters: node.parameters.map((index) => position.get(index) as number),
    })),
    parameters: order.map((index) => network.parameters[index] as OwnedParameter),
  };
}

/** One after the other, each parameter used once and in order? */
export function isChain({ nodes, parameters }: Network): boolean {
  const used = nodes.flatMap((node) => node.parameters);
  return (
    nodes.every(({ sources }, i) => sources.length === 1 && sources[0] === i - 1) &&
    used.length === parameters.length &&
    used.every((parameter, i) => parameter === i)
  );
}
