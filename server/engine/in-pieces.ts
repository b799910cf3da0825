/** L on more examples than one forward pass has memory for. */
import type { Objective } from "./objective.ts";

/** What needs no derivative. */
export type Evaluable = Pick<Objective, "size" | "loss" | "evaluate" | "dispose">;

/**
 * L and accuracy on all examples of the pieces, one after the other. They are those of one pass over all, up to rounding, where L is a sum
 * over examples.
 * @param pieces  one model on parts of the data, at least one; disposed with the whole.
 * @cost one forward pass over all examples; memory of the largest piece's.
 */
export function inPieces(pieces: readonly Evaluable[]): Evaluable {
  const size = pieces.reduce((sum, piece) => sum + piece.size, 0);
  const evaluate = (theta: Float32Array) => {
    let loss = 0;
    let hits = 0;
    for (const piece of pieces) {
      const at = piece.evaluate(theta);
      loss += piece.size * at.loss;
      // A count, which the division has rounded.
      hits += Math.round(piece.size * at.accuracy);
    }
    return { loss: loss / size, accuracy: hits / size };
  };
  return {
    size,
    evaluate,
    loss: (theta) => evaluate(theta).loss,
    dispose() {
      for (const piece of pieces) piece.dispose();
    },
  };
}
