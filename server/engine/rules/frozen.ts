/** A rule some of whose parameters are constants: a layer that is not trained. */
import type { Ops } from "../ops.ts";
import type { Rule } from "./rule.ts";

/** @param values  for each parameter of the rule; null where it stays one. */
export function frozenRule(rule: Rule, values: readonly (Float32Array | null)[]): Rule {
  const isFree = (_: unknown, i: number) => values[i] === null;
  const shape = (i: number) => rule.parameters[i]?.shape ?? [];
  const complete = <T>(free: readonly T[], constant: (values: Float32Array, i: number) => T): T[] => {
    let next = 0;
    return values.map((fixed, i) => (fixed === null ? (free[next++] as T) : constant(fixed, i)));
  };
  const all = <T>(ops: Ops<T>, free: readonly T[]): T[] =>
    complete(free, (fixed, i) => ops.constant(fixed, shape(i)));
  return {
    ...rule,
    parameters: rule.parameters.filter(isFree),
    forward: (ops, x, w) => rule.forward(ops, x, all(ops, w)),
    linearise(ops, x, w) {
      const linearised = rule.linearise(ops, x, all(ops, w));
      return {
        output: linearised.output,
        backward(yBar, needsInput) {
          const backward = linearised.backward(yBar, needsInput);
          return {
            wBar: backward.wBar.filter(isFree),
            xBar: backward.xBar,
            tangent(xDot, wDot) {
              if (xDot === null && wDot.length === 0)
                return { yDot: null, backward: () => ({ wBarDot: [], xBarDot: null }) };
              const still = (fixed: Float32Array, i: number) =>
                ops.constant(new Float32Array(fixed.length), shape(i));
              const tangent = backward.tangent(xDot, complete(wDot, still));
              return {
                yDot: tangent.yDot,
                backward(yBarDot) {
                  const { wBarDot, xBarDot } = tangent.backward(yBarDot);
                  return { wBarDot: wBarDot.filter(isFree), xBarDot };
                },
              };
            },
          };
        },
      };
    },
  };
}
