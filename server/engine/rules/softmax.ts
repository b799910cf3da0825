/** Softmax and its logarithm along the last axis, wherever a network has them. */
import type { Ops } from "../ops.ts";
import { asMatrix, examplesOf } from "./linear.ts";
import { addMaybe, type Rule } from "./rule.ts";

/** p = softmax(x): ṗ = p∘(ẋ − Σ pẋ), which is its own adjoint. */
export function softmaxRule(layer: string, shape: readonly number[]): Rule {
  const width = shape.at(-1) ?? 1;
  return {
    layer,
    parameters: [],
    outputShape: shape,
    forward: (ops, x) => examplesOf(ops, softmax(ops, asMatrix(ops, x, width)).p, shape),
    linearise(ops, given) {
      const { p } = softmax(ops, asMatrix(ops, given, width));
      const lessMean = (a: typeof given) => ops.sub(a, ops.sumOverColumns(ops.mul(p, a)));
      return {
        output: examplesOf(ops, p, shape),
        backward(givenBar, needsInput) {
          const yBar = asMatrix(ops, givenBar, width);
          const apart = lessMean(yBar);
          return {
            wBar: [],
            xBar: needsInput ? examplesOf(ops, ops.mul(p, apart), shape) : null,
            tangent(givenDot) {
              const pDot = givenDot === null ? null : ops.mul(p, lessMean(asMatrix(ops, givenDot, width)));
              return {
                yDot: pDot === null ? null : examplesOf(ops, pDot, shape),
                backward(givenBarDot) {
                  if (!needsInput) return { wBarDot: [], xBarDot: null };
                  const moved =
                    givenBarDot === null ? null : ops.mul(p, lessMean(asMatrix(ops, givenBarDot, width)));
                  const bent =
                    pDot === null
                      ? null
                      : ops.sub(ops.mul(pDot, apart), ops.mul(p, ops.sumOverColumns(ops.mul(pDot, yBar))));
                  const xBarDot = addMaybe(ops, moved, bent);
                  return {
                    wBarDot: [],
                    xBarDot: xBarDot === null ? null : examplesOf(ops, xBarDot, shape),
                  };
                },
              };
            },
          };
        },
      };
    },
  };
}

/** y = x − log Σ eˣ: ẏ = ẋ − Σ pẋ; its adjoint is ȳ ↦ ȳ − p Σ ȳ. */
export function logSoftmaxRule(layer: string, shape: readonly number[]): Rule {
  const width = shape.at(-1) ?? 1;
  return {
    layer,
    parameters: [],
    outputShape: shape,
    forward: (ops, x) => examplesOf(ops, softmax(ops, asMatrix(ops, x, width)).log(), shape),
    linearise(ops, given) {
      const { p, log } = softmax(ops, asMatrix(ops, given, width));
      const lessMean = (a: typeof given) => ops.sub(a, ops.sumOverColumns(ops.mul(p, a)));
      const adjoint = (a: typeof given, total: typeof given) => ops.sub(a, ops.mul(p, total));
      return {
        output: examplesOf(ops, log(), shape),
        backward(givenBar, needsInput) {
          const yBar = asMatrix(ops, givenBar, width);
          const total = ops.sumOverColumns(yBar);
          return {
            wBar: [],
            xBar: needsInput ? examplesOf(ops, adjoint(yBar, total), shape) : null,
            tangent(givenDot) {
              const yDot = givenDot === null ? null : lessMean(asMatrix(ops, givenDot, width));
              return {
                yDot: yDot === null ? null : examplesOf(ops, yDot, shape),
                backward(givenBarDot) {
                  if (!needsInput) return { wBarDot: [], xBarDot: null };
                  const yBarDot = givenBarDot === null ? null : asMatrix(ops, givenBarDot, width);
                  const moved = yBarDot === null ? null : adjoint(yBarDot, ops.sumOverColumns(yBarDot));
                  // ṗ = p∘ẏ, because log p = y.
                  const bent = yDot === null ? null : ops.scale(ops.mul(ops.mul(p, yDot), total), -1);
                  const xBarDot = addMaybe(ops, moved, bent);
                  return {
                    wBarDot: [],
                    xBarDot: xBarDot === null ? null : examplesOf(ops, xBarDot, shape),
                  };
                },
              };
            },
          };
        },
      };
    },
  };
}

/** From z − max z, so that nothing overflows. */
function softmax<T>(ops: Ops<T>, z: T): { p: T; log(): T } {
  const down = ops.sub(z, ops.maxOverColumns(z));
  const powers = ops.exp(down);
  const total = ops.sumOverColumns(powers);
  return { p: ops.div(powers, total), log: () => ops.sub(down, ops.log(total)) };
}
