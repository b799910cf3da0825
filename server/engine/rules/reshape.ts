/** The same numbers in another shape: Flatten, Reshape. */
import type { Ops } from "../ops.ts";
import type { Rule } from "./rule.ts";

export function reshapeRule(layer: string, outputShape: readonly number[]): Rule {
  const into = <T>(ops: Ops<T>, x: T): T => ops.reshape(x, [ops.shape(x)[0] ?? 0, ...outputShape]);
  return {
    layer,
    parameters: [],
    outputShape,
    forward: (ops, x) => into(ops, x),
    linearise(ops, x) {
      const inputShape = ops.shape(x);
      const back = (a: typeof x | null) => (a === null ? null : ops.reshape(a, inputShape));
      return {
        output: into(ops, x),
        backward: (yBar) => ({
          wBar: [],
          xBar: back(yBar),
          tangent: (xDot) => ({
            yDot: xDot === null ? null : into(ops, xDot),
            backward: (yBarDot) => ({ wBarDot: [], xBarDot: back(yBarDot) }),
          }),
        }),
      };
    },
  };
}
