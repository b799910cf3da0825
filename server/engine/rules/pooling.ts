/** Maxima and means over windows. */
import type { Ops, Rearrangement } from "../ops.ts";
import { asMatrix, examplesOf, linearRule, sizeOf } from "./linear.ts";
import type { Rule } from "./rule.ts";

export interface Pooling {
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  /** Entries under one window. */
  readonly taps: number;
  /** For each output in turn its taps; −1 for none. */
  readonly sources: Int32Array;
}

/** The first maximum of each window passes; the others, and ties, count as curvature 0. */
export function maxPoolRule(layer: string, of: Pooling): Rule {
  const { outputShape } = of;
  const { spread, gather } = windowsUnder(of);
  return {
    layer,
    parameters: [],
    outputShape,
    forward: (ops, x) =>
      examplesOf(ops, ops.firstMaximum(spread(ops, x, Number.NEGATIVE_INFINITY)).value, outputShape),
    linearise(ops, x) {
      const { value, mask } = ops.firstMaximum(spread(ops, x, Number.NEGATIVE_INFINITY));
      const apply = (a: typeof x) =>
        examplesOf(ops, ops.sumOverColumns(ops.mul(spread(ops, a), mask)), outputShape);
      const adjoint = (a: typeof x) => gather(ops, ops.mul(mask, asMatrix(ops, a, 1)));
      return {
        output: examplesOf(ops, value, outputShape),
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
    },
  };
}

/** The mean of the taps that lie inside. */
export function averagePoolRule(layer: string, of: Pooling): Rule {
  const { outputShape, taps, sources } = of;
  const { spread, gather } = windowsUnder(of);
  const outputs = sizeOf(outputShape);
  const shares = Float32Array.from({ length: outputs }, (_, j) => {
    const inside = sources.subarray(j * taps, (j + 1) * taps).filter((source) => source >= 0).length;
    return 1 / inside;
  });
  const weighted = <T>(ops: Ops<T>, a: T): T =>
    ops.mul(asMatrix(ops, a, outputs), ops.constant(shares, [1, outputs]));
  const ones = new Float32Array(taps).fill(1);
  return linearRule(layer, outputShape, {
    apply: (ops, x) => examplesOf(ops, weighted(ops, ops.sumOverColumns(spread(ops, x))), outputShape),
    adjoint: (ops, y) =>
      gather(ops, ops.mul(asMatrix(ops, weighted(ops, y), 1), ops.constant(ones, [1, taps]))),
  });
}

/** Between examples and one row for each window of each. */
function windowsUnder({ inputShape, taps, sources }: Pooling) {
  const by: Rearrangement = { size: sizeOf(inputShape), sources };
  return {
    spread: <T>(ops: Ops<T>, x: T, fill = 0): T => asMatrix(ops, ops.rearrange(x, by, fill), taps),
    gather: <T>(ops: Ops<T>, rows: T): T =>
      examplesOf(ops, ops.rearrangeBack(asMatrix(ops, rows, sources.length), by), inputShape),
  };
}
