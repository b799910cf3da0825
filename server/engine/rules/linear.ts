/** y = A x for a fixed A: no parameters, no curvature of its own. */
import type { Ops, Rearrangement } from "../ops.ts";
import type { Rule } from "./rule.ts";

export interface LinearMap {
  /** A. */
  apply<T>(ops: Ops<T>, x: T): T;
  /** Aᵀ. */
  adjoint<T>(ops: Ops<T>, y: T): T;
}

export function linearRule(layer: string, outputShape: readonly number[], map: LinearMap): Rule {
  return {
    layer,
    parameters: [],
    outputShape,
    forward: (ops, x) => map.apply(ops, x),
    linearise: (ops, x) => ({
      output: map.apply(ops, x),
      backward: (yBar, needsInput) => ({
        wBar: [],
        xBar: needsInput ? map.adjoint(ops, yBar) : null,
        tangent: (xDot) => ({
          yDot: xDot === null ? null : map.apply(ops, xDot),
          backward: (yBarDot) => ({
            wBarDot: [],
            xBarDot: yBarDot === null || !needsInput ? null : map.adjoint(ops, yBarDot),
          }),
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
  return linearRule(layer, outputShape, {
    apply: (ops, x) => examplesOf(ops, x, outputShape),
    adjoint: (ops, y) => examplesOf(ops, y, inputShape),
  });
}

/** Every entry a copy of one of the input's, or 0. */
export function rearrangeRule(
  layer: string,
  inputShape: readonly number[],
  outputShape: readonly number[],
  sources: Int32Array,
): Rule {
  const by: Rearrangement = { size: sizeOf(inputShape), sources };
  return linearRule(layer, outputShape, {
    apply: (ops, x) => examplesOf(ops, ops.rearrange(x, by), outputShape),
    adjoint: (ops, y) => examplesOf(ops, ops.rearrangeBack(y, by), inputShape),
  });
}

export function scaleRule(layer: string, shape: readonly number[], factor: number): Rule {
  return linearRule(layer, shape, {
    apply: (ops, x) => ops.scale(x, factor),
    adjoint: (ops, y) => ops.scale(y, factor),
  });
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
