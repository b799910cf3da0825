/** From a tfjs-layers model to layer rules. */
import type * as tf from "@tensorflow/tfjs-layers";
import type { Parameter } from "../../shared/header.ts";
import { EngineError } from "./engine-error.ts";
import { type Loss, losses } from "./losses.ts";
import { activationRule, activations } from "./rules/activation.ts";
import { denseRule } from "./rules/dense.ts";
import { reshapeRule } from "./rules/reshape.ts";
import type { Rule } from "./rules/rule.ts";

export interface CompiledModel {
  /** In order; every example passes through all of them. */
  readonly rules: readonly Rule[];
  /** Where each parameter lies in θ: layers in order, kernel before bias, as `model.trainableWeights` has them. */
  readonly parameters: readonly Parameter[];
  readonly parameterCount: number;
  /** Of one example. */
  readonly inputShape: readonly number[];
  readonly outputs: number;
  readonly loss: Loss;
}

type Layer = tf.layers.Layer;
type Config = Readonly<Record<string, unknown>>;

/**
 * Reads the layers of a sequential or a linear functional model. Under cross-entropy a final softmax is folded into the loss.
 * @throws {EngineError} naming the layer that has no rule, and why.
 */
export function compile(model: tf.LayersModel, lossName: string): CompiledModel {
  const loss = Object.values(losses).find(({ name }) => name === lossName);
  if (loss === undefined) {
    throw new EngineError(
      "unknown-loss",
      `loss: expected one of ${Object.keys(losses).join(", ")}, got "${lossName}"`,
    );
  }
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new EngineError(
      "unsupported-layer",
      `model "${model.name}": expected one input and one output, got ${model.inputs.length} and ${model.outputs.length}`,
    );
  }
  const inputShape = (model.inputs[0]?.shape ?? []).slice(1).map((size) => {
    if (size !== null) return size;
    throw new EngineError(
      "shape-mismatch",
      `model "${model.name}": expected a fixed input shape, got a null in it`,
    );
  });
  const rules: Rule[] = [];
  let shape: readonly number[] = inputShape;
  const chain = linearChain(model);
  chain.forEach((layer, index) => {
    const isLast = index === chain.length - 1;
    for (const rule of rulesOf(layer, shape, isLast && loss.onLogits)) {
      rules.push(rule);
      shape = rule.outputShape;
    }
  });
  if (shape.length !== 1) {
    throw new EngineError(
      "shape-mismatch",
      `model "${model.name}": expected a vector a example as output, got shape [${shape}]`,
    );
  }
  if (rules.every((rule) => rule.parameters.length === 0)) {
    throw new EngineError(
      "shape-mismatch",
      `model "${model.name}": expected at least one layer with parameters`,
    );
  }
  let offset = 0;
  const parameters: Parameter[] = rules.flatMap((rule) =>
    rule.parameters.map(({ name, shape: of }) => {
      const parameter = { name: `${rule.layer}/${name}`, layer: rule.layer, shape: [...of], offset };
      offset += of.reduce((product, size) => product * size, 1);
      return parameter;
    }),
  );
  return { rules, parameters, parameterCount: offset, inputShape, outputs: shape[0] ?? 0, loss };
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

function linearChain(model: tf.LayersModel): Layer[] {
  const layers = model.layers.filter((layer) => layer.getClassName() !== "InputLayer");
  for (const layer of layers) {
    const before = layer.inboundNodes.flatMap((node) => node.inboundLayers);
    if (layer.inboundNodes.length > 1 || before.length > 1) {
      throw unsupported(
        layer,
        "it has several inputs or is used more than once, and only chains of layers have rules",
      );
    }
  }
  return layers;
}

function rulesOf(layer: Layer, inputShape: readonly number[], foldSoftmax: boolean): Rule[] {
  const config = layer.getConfig() as Config;
  const outputShape = (layer.outputShape as (number | null)[]).slice(1).map((size) => size ?? 0);
  if (!layer.trainable) throw unsupported(layer, "it is frozen (trainable: false)");
  for (const key of [
    "kernelRegularizer",
    "biasRegularizer",
    "activityRegularizer",
    "kernelConstraint",
    "biasConstraint",
  ]) {
    if (config[key] !== null && config[key] !== undefined) throw unsupported(layer, `it has a ${key}`);
  }
  switch (layer.getClassName()) {
    case "Dense": {
      if (inputShape.length !== 1)
        throw unsupported(layer, `it is applied to shape [${inputShape}]; put a flatten before it`);
      const dense = denseRule(
        layer.name,
        inputShape[0] ?? 0,
        outputShape[0] ?? 0,
        config["useBias"] !== false,
      );
      return [dense, ...activationRules(layer, config["activation"], outputShape, foldSoftmax)];
    }
    case "Activation":
      return activationRules(layer, config["activation"], outputShape, foldSoftmax);
    case "ReLU":
      if (config["maxValue"] !== null && config["maxValue"] !== undefined)
        throw unsupported(layer, "it has a maxValue");
      return activationRules(layer, "relu", outputShape, foldSoftmax);
    case "Softmax":
      return activationRules(layer, "softmax", outputShape, foldSoftmax);
    case "Flatten":
    case "Reshape":
      return [reshapeRule(layer.name, outputShape)];
    default:
      throw new EngineError(
        "unknown-layer",
        `layer "${layer.name}" (${layer.getClassName()}): no derivative rule for this kind; ` +
          "known are Dense, Flatten, Reshape, Activation and ReLU",
      );
  }
}

function activationRules(
  layer: Layer,
  given: unknown,
  outputShape: readonly number[],
  foldSoftmax: boolean,
): Rule[] {
  const name = given === null || given === undefined ? "linear" : String(given);
  if (name === "linear") return [];
  if (name === "softmax" && foldSoftmax) return [];
  if (!(name in activations)) {
    throw unsupported(
      layer,
      `its activation is ${name}; known are ${Object.keys(activations).join(", ")}, and a last softmax under cross-entropy`,
    );
  }
  return [activationRule(layer.name, name, outputShape)];
}

function unsupported(layer: Layer, why: string): EngineError {
  return new EngineError(
    "unsupported-layer",
    `layer "${layer.name}" (${layer.getClassName()}): no derivative rule, because ${why}`,
  );
}
