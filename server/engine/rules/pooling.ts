/** Maxima and means over windows. */
import type { Ops, Rearrangement } from "../ops.ts";
import { asMatrix, examplesOf, type LinearMap, lineariseMap, linearRule, sizeOf } from "./linear.ts";
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
  const { inputShape, outputShape, taps, sources } = of;
  const size = sizeOf(inputShape);
  const maxima = <T>(ops: Ops<T>, x: T) => ops.firstMaximum(x, { size, sources }, taps);
  return {
    layer,
    parameters: [],
    outputShape,
    forward: (ops, x) => examplesOf(ops, maxima(ops, x).value, outputShape),
    linearise(ops, x) {
      const { value, at } = maxima(ops, x);
      const chosen: LinearMap<typeof x> = {
        apply: (a) => examplesOf(ops, ops.pick(a, at), outputShape),
        adjoint: (a) => examplesOf(ops, ops.place(a, at, size), inputShape),
      };
      return lineariseMap(examplesOf(ops, value, outputShape), chosen);
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
  return linearRule(layer, outputShape, (ops) => ({
    apply: (x) => examplesOf(ops, weighted(ops, ops.sumOverColumns(spread(ops, x))), outputShape),
    adjoint: (y) => gather(ops, ops.mul(asMatrix(ops, weighted(ops, y), 1), ops.constant(ones, [1, taps]))),
  }));
}

/** Between examples and one row for each window of each. */
function windowsUnder({ inputShape, taps, sources }: Pooling) {
  const by: Rearrangement = { size: sizeOf(inputShape), sources };
  return {
    spread: <T>(ops: Ops<T>, x: T): T => asMatrix(ops, ops.rearrange(x, by), taps),
    gather: <T>(ops: Ops<T>, rows: T): T =>
      examplesOf(ops, ops.rearrangeBack(asMatrix(ops, rows, sources.length), by), inputShape),
  };
}
