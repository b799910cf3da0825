/** A row of a table for each number. */
import { sizeOf } from "./linear.ts";
import type { Rule } from "./rule.ts";

/** @param shape  of the numbers of one example. */
export function embeddingRule(layer: string, shape: readonly number[], rows: number, width: number): Rule {
  const outputShape = [...shape, width];
  const perExample = sizeOf(shape);
  return {
    layer,
    parameters: [{ name: "embeddings", shape: [rows, width] }],
    outputShape,
    forward: (ops, x, [table]) =>
      ops.reshape(ops.takeRows(table as typeof x, x), [ops.shape(x)[0] ?? 0, ...outputShape]),
    linearise(ops, x, [table]) {
      const n = ops.shape(x)[0] ?? 0;
      const take = (a: typeof x) => ops.reshape(ops.takeRows(a, x), [n, ...outputShape]);
      const gather = (bar: typeof x) => ops.addIntoRows(ops.reshape(bar, [n * perExample, width]), x, rows);
      return {
        output: take(table as typeof x),
        // Numbers of rows have no derivative.
        backward: (yBar) => ({
          wBar: [gather(yBar)],
          xBar: null,
          tangent: (_xDot, [tableDot]) => ({
            yDot: take(tableDot as typeof x),
            backward(yBarDot) {
              if (yBarDot === null) throw new Error(`${layer}: an embedding's output always moves`);
              return { wBarDot: [gather(yBarDot)], xBarDot: null };
            },
          }),
        }),
      };
    },
  };
}
