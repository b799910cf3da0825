/** The layers of a tfjs model as rules in topological order, chain or not. */
import type * as tf from "@tensorflow/tfjs-layers";
import { hasRule, layerRules, switchedOff } from "./layer-rules.ts";
import { type Add, merge, mergers, type Value } from "./merging-layers.ts";
import { unsupported } from "./placed-layer.ts";
import type { GraphNode } from "./rules/graph.ts";
import { rearrangeRule, sizeOf } from "./rules/linear.ts";
import type { ParameterShape, Rule } from "./rules/rule.ts";
import { partSources } from "./rules/sources.ts";
import { tapeRule } from "./rules/tape.ts";
import { tapedLayer } from "./taped-layer.ts";

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
  /** Names of the layers that have no rule of their own. */
  readonly taped: ReadonlySet<string>;
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
  const taped = new Set<string>();
  /** Of every trained layer its first parameter. */
  const firstOf = new Map<Layer, number>();

  const add: Add = (rule, sources, own) => {
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

  /** Own parameters where the layer has been met before, else new ones. */
  const own = (layer: Layer, shapes: readonly ParameterShape[]): number[] => {
    const first = firstOf.get(layer) ?? parameters.length;
    if (!firstOf.has(layer)) {
      firstOf.set(layer, first);
      parameters.push(...shapes.map((shape) => ({ ...shape, layer })));
    }
    return shapes.map((_, i) => first + i);
  };

  /** A layer without a rule of its own: its inputs side by side in one vector. */
  const applyToSeveral = (
    layer: Layer,
    inputs: readonly Value[],
    outputShape: Shape,
    isFrozen: boolean,
  ): Value => {
    const { batchNorm } = options;
    const inputShapes = inputs.map(({ shape }) => shape);
    const placed = { layer, outputShape, isFrozen, folded: null, batchNorm };
    const { parameters: shapes, f } = tapedLayer(placed, inputShapes);
    const all = [inputShapes.reduce((sum, shape) => sum + sizeOf(shape), 0)];
    let from = 0;
    const parts = inputs.map(({ node, shape }) => {
      const size = sizeOf(shape);
      const part = add(
        rearrangeRule(layer.name, shape, all, partSources([size], all, 0, from)),
        [node],
        [],
      ).node;
      from += size;
      return part;
    });
    return add(tapeRule(layer.name, shapes, outputShape, f), parts, own(layer, shapes));
  };

  const apply = (
    layer: Layer,
    inputs: readonly Value[],
    outputShape: Shape,
    isFrozen: boolean,
    folded: string | null,
  ) => {
    if (mergers.has(layer.getClassName())) return merge(add, layer, inputs, outputShape);
    const [input, ...others] = inputs as [Value, ...Value[]];
    if (others.length > 0) return applyToSeveral(layer, inputs, outputShape, isFrozen);
    if (layer.getClassName() === "Embedding" && moves[input.node] === true)
      throw unsupported(layer, "its numbers depend on parameters, and have no derivative");
    const { batchNorm } = options;
    const rules = layerRules({ layer, inputShape: input.shape, outputShape, isFrozen, folded, batchNorm });
    return addChain(
      rules,
      input,
      own(
        layer,
        rules.flatMap((rule) => rule.parameters),
      ),
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
      if (!hasRule(layer.getClassName()) && !mergers.has(layer.getClassName())) taped.add(layer.name);
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
  return inModelOrder(model, { nodes, parameters, outputShape: end.shape, kinds, taped });
}

const transparent = new Set(["Flatten", "Reshape", ...switchedOff]);

function isContainer(layer: Layer): layer is Container {
  return "layers" in layer && "inputs" in layer && "outputs" in layer;
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
