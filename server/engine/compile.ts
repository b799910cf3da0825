/** From a tfjs-layers model to layer rules. */
import { tensor } from "@tensorflow/tfjs-core";
import type * as tf from "@tensorflow/tfjs-layers";
import type { Parameter } from "../../shared/header.ts";
import { EngineError } from "./engine-error.ts";
import { switchedOff } from "./layer-rules.ts";
import { type Loss, losses } from "./losses.ts";
import { isChain, type Network, networkOf } from "./network.ts";
import { type OwnLoss, ownLoss } from "./own-loss.ts";
import { type Penalty, penaltiesOf, penaltyFormula } from "./penalties.ts";
import { graphRule } from "./rules/graph.ts";
import { sizeOf } from "./rules/linear.ts";
import type { Rule } from "./rules/rule.ts";
import { registerTensorMethods } from "./tensor-methods.ts";

// Before anybody builds a model: whoever imports the engine may.
registerTensorMethods();

export interface CompiledModel {
  /** In order; every example passes through all of them. A network with branches is one rule. */
  readonly rules: readonly Rule[];
  /** Where each parameter lies in θ: layers in order, kernel before bias, as `model.trainableWeights` has them. */
  readonly parameters: readonly Parameter[];
  readonly parameterCount: number;
  /** Of one example. */
  readonly inputShape: readonly number[];
  readonly outputs: number;
  /** Its formula names the penalties too, and what was chosen among {@link CompileOptions}. */
  readonly loss: Loss;
  /** Of the layers, as far as they belong to L. */
  readonly penalties: readonly Penalty[];
  /** Names of the layers that have no rule of their own. */
  readonly taped: readonly string[];
  /** Is L a sum of what each example has by itself? Not by batch statistics; of layers and losses of one's own it is not known. */
  readonly isSumOverExamples: boolean;
}

export interface CompileOptions {
  /**
   * Where batch-norm has its mean and variance from. `examples` (the default): the examples that L is computed on, as in training, so that
   * L is no longer a sum over examples. `moving`: the layer's moving statistics, constants. Layers that are not trained always use these.
   */
  readonly batchNorm?: "examples" | "moving";
  /** Do the layers' regularizers belong to L? By default, since training descends it. */
  readonly penalties?: "included" | "left out";
  /** What the loss "own" stands for. */
  readonly ownLoss?: OwnLoss | null;
}

/**
 * Reads the layers of a sequential or a functional model. The last layer's softmax or sigmoid is folded into a loss that applies one itself.
 * @throws {EngineError} naming the layer that has no rule, and why.
 */
export function compile(
  model: tf.LayersModel,
  lossName: string,
  { batchNorm = "examples", penalties: wanted = "included", ownLoss: own = null }: CompileOptions = {},
): CompiledModel {
  const outputs = model.outputs[0]?.shape.at(-1) ?? 1;
  const loss =
    lossName === "own" && own !== null
      ? ownLoss(own, outputs)
      : Object.values(losses).find(({ name }) => name === lossName);
  if (loss === undefined) {
    throw new EngineError(
      "unknown-loss",
      `loss: expected one of ${Object.keys(losses).join(", ")}, got "${lossName}"`,
    );
  }
  const inputShape = inputShapeOf(model);
  const network = networkOf(model, inputShape, { batchNorm, folded: loss.folds });
  const { nodes, outputShape } = network;
  if (outputShape.length !== 1) {
    throw new EngineError(
      "shape-mismatch",
      `model "${model.name}": expected a vector a example as output, got shape [${outputShape}]`,
    );
  }
  if (network.parameters.length === 0) {
    throw new EngineError(
      "shape-mismatch",
      `model "${model.name}": expected at least one layer with parameters`,
    );
  }
  let offset = 0;
  const parameters = network.parameters.map(({ name, shape, layer }): Parameter => {
    const at = offset;
    offset += sizeOf(shape);
    return { name: `${layer.name}/${name}`, layer: layer.name, shape: [...shape], offset: at };
  });
  const rules = isChain(network)
    ? nodes.map(({ rule }) => rule)
    : [graphRule(model.name, nodes, network.parameters)];
  const penalties = wanted === "included" ? penaltiesOf(network.parameters, parameters) : [];
  const formula = `${loss.formula}${penaltyFormula(penalties)}${choices(network, batchNorm)}`;
  return {
    rules,
    parameters,
    parameterCount: offset,
    inputShape,
    outputs: outputShape[0] ?? 0,
    loss: { ...loss, formula },
    penalties,
    taped: [...network.taped],
    isSumOverExamples:
      !hasBatchStatistics(network, batchNorm) && network.taped.size === 0 && lossName !== "own",
  };
}

function hasBatchStatistics({ kinds }: Network, batchNorm: "examples" | "moving"): boolean {
  return kinds.has("BatchNormalization") && batchNorm === "examples";
}

/** What else decides L, where the network has such layers. */
function choices(network: Network, batchNorm: "examples" | "moving"): string {
  const { kinds, taped } = network;
  const said: string[] = [];
  const has = (kind: string) => kinds.has(kind) || kinds.has(`frozen ${kind}`);
  if (hasBatchStatistics(network, batchNorm)) said.push("batch-norm by the statistics of these examples");
  if (kinds.has("frozen BatchNormalization") || (has("BatchNormalization") && batchNorm === "moving"))
    said.push(`${kinds.has("BatchNormalization") ? "" : "frozen "}batch-norm by its moving statistics`);
  if (switchedOff.some(has)) said.push("dropout and noise off");
  if (taped.size > 0)
    said.push(
      `${[...taped].join(", ")}: no rule of ${taped.size === 1 ? "its" : "their"} own, by double backprop`,
    );
  return said.length === 0 ? "" : ` (${said.join("; ")})`;
}

/** θ as the model holds it now. */
export function parametersOf(model: tf.LayersModel, compiled: CompiledModel): Float32Array {
  const theta = new Float32Array(compiled.parameterCount);
  const weights = model.trainableWeights;
  compiled.parameters.forEach(({ offset }, index) => {
    theta.set(weights[index]?.read().dataSync() ?? [], offset);
  });
  return theta;
}

/** Weights that are no parameters but that L may depend on: of frozen layers, and batch-norm's moving statistics. One after the other. */
export function constantsOf(model: tf.LayersModel): Float32Array {
  const values = model.nonTrainableWeights.map((weight) => weight.read().dataSync());
  const all = new Float32Array(values.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const each of values) {
    all.set(each, at);
    at += each.length;
  }
  return all;
}

/** Gives a copy of the model, made from its configuration, the constants of the original. */
export function setConstants(model: tf.LayersModel, constants: Float32Array): void {
  let at = 0;
  for (const weight of model.nonTrainableWeights) {
    const shape = weight.shape.map((size) => size ?? 0);
    const values = tensor(constants.subarray(at, at + sizeOf(shape)), shape);
    weight.write(values);
    values.dispose();
    at += sizeOf(shape);
  }
}

/** @throws {EngineError} where the input has no fixed shape, or there is not one of it. */
function inputShapeOf(model: tf.LayersModel): number[] {
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new EngineError(
      "unsupported-layer",
      `model "${model.name}": expected one input and one output, got ${model.inputs.length} and ${model.outputs.length}`,
    );
  }
  return (model.inputs[0]?.shape ?? []).slice(1).map((size) => {
    if (size !== null) return size;
    throw new EngineError(
      "shape-mismatch",
      `model "${model.name}": expected a fixed input shape, got a null in it`,
    );
  });
}
