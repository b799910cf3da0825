/** y = φ(z), elementwise. */
import { addMaybe, type Rule } from "./rule.ts";
import type { Activation } from "./scalar-functions.ts";

export function activationRule(layer: string, activation: Activation, outputShape: readonly number[]): Rule {
  return {
    layer,
    parameters: [],
    outputShape,
    forward: (ops, z) => activation.value(ops, z),
    linearise(ops, z) {
      const { value, first, second } = activation.derivatives(ops, z);
      const along = (a: typeof z) => (first === null ? a : ops.mul(a, first));
      return {
        output: value,
        backward(yBar) {
          const bend = second === null ? null : ops.mul(yBar, second);
          return {
            wBar: [],
            xBar: along(yBar),
            tangent(zDot) {
              return {
                yDot: zDot === null ? null : along(zDot),
                backward(yBarDot) {
                  return {
                    wBarDot: [],
                    xBarDot: addMaybe(
                      ops,
                      yBarDot === null ? null : along(yBarDot),
                      bend === null || zDot === null ? null : ops.mul(bend, zDot),
                    ),
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
