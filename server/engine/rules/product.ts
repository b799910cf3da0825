/** y = a∘b, where the example is a and then b. */
import type { Ops } from "../ops.ts";
import { examplesOf, sizeOf } from "./linear.ts";
import { addMaybe, type Rule } from "./rule.ts";

/** [2, …shape] → shape. */
export function productRule(layer: string, shape: readonly number[]): Rule {
  const size = sizeOf(shape);
  const half = (from: number) => ({
    size: 2 * size,
    sources: Int32Array.from({ length: size }, (_, j) => from + j),
  });
  const halves = [half(0), half(size)] as const;
  const split = <T>(ops: Ops<T>, x: T): [T, T] => [ops.rearrange(x, halves[0]), ops.rearrange(x, halves[1])];
  const join = <T>(ops: Ops<T>, a: T, b: T): T =>
    examplesOf(ops, ops.add(ops.rearrangeBack(a, halves[0]), ops.rearrangeBack(b, halves[1])), [2, ...shape]);
  return {
    layer,
    parameters: [],
    outputShape: shape,
    forward(ops, x) {
      const [a, b] = split(ops, x);
      return examplesOf(ops, ops.mul(a, b), shape);
    },
    linearise(ops, x) {
      const [a, b] = split(ops, x);
      return {
        output: examplesOf(ops, ops.mul(a, b), shape),
        backward(givenBar, needsInput) {
          const yBar = ops.reshape(givenBar, ops.shape(a));
          const adjoint = (bar: typeof x) => join(ops, ops.mul(bar, b), ops.mul(bar, a));
          return {
            wBar: [],
            xBar: needsInput ? adjoint(yBar) : null,
            tangent(xDot) {
              if (xDot === null) {
                return {
                  yDot: null,
                  backward: (barDot) => ({
                    wBarDot: [],
                    xBarDot:
                      barDot === null || !needsInput ? null : adjoint(ops.reshape(barDot, ops.shape(a))),
                  }),
                };
              }
              const [aDot, bDot] = split(ops, xDot);
              return {
                yDot: examplesOf(ops, ops.add(ops.mul(aDot, b), ops.mul(a, bDot)), shape),
                backward(barDot) {
                  if (!needsInput) return { wBarDot: [], xBarDot: null };
                  const bent = join(ops, ops.mul(yBar, bDot), ops.mul(yBar, aDot));
                  const moved = barDot === null ? null : adjoint(ops.reshape(barDot, ops.shape(a)));
                  return { wBarDot: [], xBarDot: addMaybe(ops, moved, bent) };
                },
              };
            },
          };
        },
      };
    },
  };
}
