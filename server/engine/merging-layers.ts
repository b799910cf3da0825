/** Layers that put several values together, as nodes of a graph whose edges add. */
import type * as tf from "@tensorflow/tfjs-layers";
import { unsupported } from "./placed-layer.ts";
import { rearrangeRule, reshapeRule, scaleRule, sizeOf } from "./rules/linear.ts";
import { maxPoolRule } from "./rules/pooling.ts";
import { productRule } from "./rules/product.ts";
import type { Rule } from "./rules/rule.ts";
import { interleaveSources, partSources } from "./rules/sources.ts";

type Layer = tf.layers.Layer;
type Shape = readonly number[];

/** Where a value is: the node that makes it, −1 for the network's input. */
export interface Value {
  readonly node: number;
  readonly shape: Shape;
}

/** A node of this rule, fed by the sum of those; with the parameters that it owns. */
export type Add = (rule: Rule, sources: readonly number[], own: readonly number[]) => Value;

export const mergers: ReadonlySet<string> = new Set([
  "Add",
  "Average",
  "Concatenate",
  "Maximum",
  "Minimum",
  "Multiply",
]);

/** One node, or some, that put their inputs together. @throws {EngineError} where their shapes do not fit. */
export function merge(add: Add, layer: Layer, inputs: readonly Value[], outputShape: Shape): Value {
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
}

/** Of the output, batch not counted. */
function axisOf(layer: Layer, rank: number): number {
  const axis = Number(layer.getConfig()["axis"]);
  const own = axis < 0 ? rank + axis : axis - 1;
  if (own >= 0 && own < rank) return own;
  throw unsupported(layer, `its axis is ${axis}, the examples'`);
}
