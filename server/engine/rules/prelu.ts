/** y = z above 0 and αz below, with a learned α (He et al. 2015, arXiv:1502.01852). */
import type { Ops } from "../ops.ts";
import { asMatrix, examplesOf, sizeOf } from "./linear.ts";
import { addMaybe, type Rule } from "./rule.ts";

/** @param alphaShape  that of one example, its first axes 1 where they share an α. */
export function preluRule(layer: string, shape: readonly number[], alphaShape: readonly number[]): Rule {
  const width = sizeOf(alphaShape);
  const row = <T>(ops: Ops<T>, alpha: T | undefined): T => ops.reshape(alpha as T, [1, width]);
  const asParameter = <T>(ops: Ops<T>, a: T): T => ops.reshape(ops.sumOverRows(a), alphaShape);
  /** min(z, 0), and the output from it. */
  const parts = <T>(ops: Ops<T>, given: T, alpha: T) => {
    const z = asMatrix(ops, given, width);
    const negative = ops.scale(ops.relu(ops.scale(z, -1)), -1);
    return { z, negative, output: ops.add(ops.relu(z), ops.mul(negative, alpha)) };
  };
  return {
    layer,
    parameters: [{ name: "alpha", shape: alphaShape }],
    outputShape: shape,
    forward: (ops, z, [alpha]) => examplesOf(ops, parts(ops, z, row(ops, alpha)).output, shape),
    linearise(ops, given, [givenAlpha]) {
      const alpha = row(ops, givenAlpha);
      const { z, negative, output } = parts(ops, given, alpha);
      const above = ops.positive(z);
      const below = ops.shift(ops.scale(above, -1), 1);
      const slope = ops.add(above, ops.mul(below, alpha));
      return {
        output: examplesOf(ops, output, shape),
        backward(givenBar, needsInput) {
          const yBar = asMatrix(ops, givenBar, width);
          return {
            wBar: [asParameter(ops, ops.mul(negative, yBar))],
            xBar: needsInput ? examplesOf(ops, ops.mul(slope, yBar), shape) : null,
            tangent(givenDot, [givenAlphaDot]) {
              const alphaDot = row(ops, givenAlphaDot);
              const zDot = givenDot === null ? null : asMatrix(ops, givenDot, width);
              const moved = zDot === null ? null : ops.mul(slope, zDot);
              const yDot = addMaybe(ops, ops.mul(negative, alphaDot), moved);
              return {
                yDot: yDot === null ? null : examplesOf(ops, yDot, shape),
                backward(givenBarDot) {
                  const yBarDot = givenBarDot === null ? null : asMatrix(ops, givenBarDot, width);
                  const alphaBarDot = addMaybe(
                    ops,
                    yBarDot === null ? null : ops.mul(negative, yBarDot),
                    zDot === null ? null : ops.mul(ops.mul(below, zDot), yBar),
                  );
                  const xBarDot = addMaybe(
                    ops,
                    yBarDot === null ? null : ops.mul(slope, yBarDot),
                    ops.mul(ops.mul(below, alphaDot), yBar),
                  );
                  return {
                    wBarDot: [asParameter(ops, alphaBarDot ?? ops.scale(yBar, 0))],
                    xBarDot: xBarDot === null || !needsInput ? null : examplesOf(ops, xBarDot, shape),
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
