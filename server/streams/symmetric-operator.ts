/** What Lanczos is run on: symmetric matrices at θ that can only be applied. */
import type { Linearised } from "../engine/objective.ts";

export interface SymmetricOperator {
  /** Vectors have this many elements. */
  readonly size: number;
  /** v ↦ Av. */
  apply(v: Float32Array): Float32Array;
}

/** H at the point of linearisation. */
export function hessianOperator(linearised: Linearised): SymmetricOperator {
  return { size: linearised.theta.length, apply: (v) => linearised.hessianVectorProduct(v) };
}
