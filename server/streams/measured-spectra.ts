/** Eigenvectors on their way from the stream that has measured them to the others of the same step: Lanczos runs once. */
import type { Linearised, Objective } from "../engine/objective.ts";
import type { Eigenpair } from "../numerics/lanczos.ts";
import type { Step } from "../training/run.ts";
import type { Spectrum } from "./spectrum-tracker.ts";
import { StepMemory } from "./step-memory.ts";

export interface MeasuredSpectrum {
  /** Descending. */
  readonly top: readonly Eigenpair[];
  readonly finite: boolean;
  /** ∇L at the same θ, [D]. */
  readonly gradient: Float32Array;
}

const memory = new StepMemory<Objective, MeasuredSpectrum>();

/** @returns what is remembered: where L has overflowed, products may be finite still, but say nothing of it. */
export function rememberSpectrum(
  objective: Objective,
  step: Step,
  { top, finite: areProductsFinite }: Spectrum,
  { loss, gradient }: Linearised,
): MeasuredSpectrum {
  const finite = areProductsFinite && Number.isFinite(loss);
  const known = finite ? top : top.map((pair) => ({ ...pair, ...UNKNOWN }));
  return memory.set(objective, step, { top: known, finite, gradient });
}

const UNKNOWN = { value: Number.NaN, residual: Number.NaN, converged: false };

/** null where nobody has measured this step yet. */
export function measuredSpectrum(objective: Objective, step: Step): MeasuredSpectrum | null {
  return memory.get(objective, step);
}
