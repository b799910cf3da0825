/** y = A x for a fixed A: no parameters, no curvature of its own. */
import type { Ops, Rearrangement } from "../ops.ts";
import type { LinearisedRule, Rule } from "./rule.ts";

export interface LinearMap<T> {
  /** A. */
  apply(x: T): T;
  /** Aᵀ. */
  adjoint(y: T): T;
}

export function linearRule(
  layer: string,
  outputShape: readonly number[],
  map: <T>(ops: Ops<T>) => LinearMap<T>,
): Rule {
  return {
    layer,
    parameters: [],
    outputShape,
    forward: (ops, x) => map(ops).apply(x),
    linearise: (ops, x) => lineariseMap(map(ops).apply(x), map(ops)),
  };
}

/** Of a layer that is A for small changes. */
export function lineariseMap<T>(output: T, { apply, adjoint }: LinearMap<T>): LinearisedRule<T> {
  return {
    output,
    backward: (yBar, needsInput) => ({
      wBar: [],
      xBar: needsInput ? adjoint(yBar) : null,
      tangent: (xDot) => ({
        yDot: xDot === null ? null : apply(xDot),
        backward: (yBarDot) => ({
          wBarDot: [],
          xBarDot: yBarDot === null || !needsInput ? null : adjoint(yBarDot),
        }),
      }),
    }),
  };
}

/** The same numbers in another shape: Flatten, Reshape. */
export function reshapeRule(
  layer: string,
  inputShape: readonly number[],
  outputShape: readonly number[],
): Rule {
  const rule = linearRule(layer, outputShape, (ops) => ({
    apply: (x) => examplesOf(ops, x, outputShape),
    adjoint: (y) => examplesOf(ops, y, inputShape),
  }));
  return { ...rule, keepsOrder: true };
}

/** Every entry a copy of one of the input's, or 0. */
export function rearrangeRule(
  layer: string,
  inputShape: readonly number[],
  outputShape: readonly number[],
  sources: Int32Array,
): Rule {
  const by: Rearrangement = { size: sizeOf(inputShape), sources };
  return linearRule(layer, outputShape, (ops) => ({
    apply: (x) => examplesOf(ops, ops.rearrange(x, by), outputShape),
    adjoint: (y) => examplesOf(ops, ops.rearrangeBack(y, by), inputShape),
  }));
}

export function scaleRule(layer: string, shape: readonly number[], factor: number): Rule {
  return linearRule(layer, shape, (ops) => ({
    apply: (x) => ops.scale(x, factor),
    adjoint: (y) => ops.scale(y, factor),
  }));
}

/** [n, …] with the given shape of one example. */
export function examplesOf<T>(ops: Ops<T>, a: T, shape: readonly number[]): T {
  return ops.reshape(a, [sizeOf(ops.shape(a)) / sizeOf(shape), ...shape]);
}

/** [rows, columns] of everything, batch included. */
export function asMatrix<T>(ops: Ops<T>, a: T, columns: number): T {
  return ops.reshape(a, [sizeOf(ops.shape(a)) / columns, columns]);
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
