/** An {@link Evaluator} of many examples from those of a few at a time, whose intermediate results are small. */
import type { Evaluator } from "../../engine/evaluator.ts";

export interface Piece {
  readonly size: number;
  readonly evaluator: Evaluator;
}

/** Two vectors of D, which nothing is kept in from one call to the next. */
export interface Scratch {
  readonly sums: Float64Array;
  readonly part: Float32Array<ArrayBuffer>;
}

export function scratchFor(parameterCount: number): Scratch {
  return { sums: new Float64Array(parameterCount), part: new Float32Array(parameterCount) };
}

/**
 * The mean over all examples from those over the pieces: what L is where it is a sum over examples. Gradients and products are summed in
 * float64.
 * @param pieces  in the order of the examples, at least one; disposed with the whole.
 * @cost beside the pieces' own, a pass over D for each.
 * @checked test/backends/onnx/mean-of-pieces.test.ts.
 */
export function meanOfPieces(pieces: readonly Piece[], { sums, part }: Scratch): Evaluator {
  const n = pieces.reduce((sum, { size }) => sum + size, 0);
  const mean = (partOf: (index: number) => Float32Array, out: Float32Array): Float32Array => {
    sums.fill(0);
    for (const [index, { size }] of pieces.entries()) {
      const found = partOf(index);
      const share = size / n;
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + share * (found[i] as number);
    }
    out.set(sums);
    return out;
  };
  const each = <R>(compute: (evaluator: Evaluator) => R): R[] =>
    pieces.map(({ evaluator }) => compute(evaluator));
  return {
    exampleLosses: (theta) => joined(each((evaluator) => evaluator.exampleLosses(theta))),
    outputs(theta) {
      const found = each((evaluator) => evaluator.outputs(theta));
      return { z: joined(found.map(({ z }) => z)), exampleLosses: lossesOf(found) };
    },
    gradient(theta, out) {
      const found: LossesOf[] = [];
      const gradient = mean((index) => {
        const at = (pieces[index] as Piece).evaluator.gradient(theta, part);
        found.push(at);
        return at.gradient;
      }, out);
      return { gradient, exampleLosses: lossesOf(found) };
    },
    linearise(theta) {
      const found = each((evaluator) => evaluator.linearise(theta));
      type Found = (typeof found)[number];
      const product =
        (of: "hessianVectorProduct" | "gaussNewtonProduct") => (v: Float32Array, out: Float32Array) => {
          mean((index) => {
            (found[index] as Found)[of](v, part);
            return part;
          }, out);
        };
      return {
        gradient: mean((index) => (found[index] as Found).gradient, new Float32Array(sums.length)),
        exampleLosses: lossesOf(found),
        hessianVectorProduct: product("hessianVectorProduct"),
        gaussNewtonProduct: product("gaussNewtonProduct"),
        dispose() {
          for (const at of found) at.dispose();
        },
      };
    },
    dispose() {
      for (const { evaluator } of pieces) evaluator.dispose();
    },
  };
}

interface LossesOf {
  readonly exampleLosses: Float32Array;
}

const lossesOf = (found: readonly LossesOf[]) => joined(found.map(({ exampleLosses }) => exampleLosses));

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
