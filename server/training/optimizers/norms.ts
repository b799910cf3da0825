import type { UpdateNorms } from "./optimizer.ts";

/** Sums of squares of a pass over θ, closed into norms. A sum that is not finite betrays a component that is not. */
export function updateNorms(gradientSquares: number, updateSquares: number): UpdateNorms {
  return {
    gradientNorm: Math.sqrt(gradientSquares),
    updateNorm: Math.sqrt(updateSquares),
    // Finite float32 squares cannot overflow a float64 sum, so that this is exact: Δθ is finite iff the new θ is, the old one being so.
    thetaIsFinite: Number.isFinite(updateSquares),
  };
}
