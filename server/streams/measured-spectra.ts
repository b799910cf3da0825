/** Eigenvectors on their way from the stream that has measured them to the others of the same step: Lanczos runs once. */
import type { Objective } from "../engine/objective.ts";
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

/** @returns what is remembered. */
export function rememberSpectrum(
  objective: Objective,
  step: Step,
  { top, finite }: Spectrum,
  gradient: Float32Array,
): MeasuredSpectrum {
  return memory.set(objective, step, { top, finite, gradient });
}

/** null where nobody has measured this step yet. */
export function measuredSpectrum(objective: Objective, step: Step): MeasuredSpectrum | null {
  return memory.get(objective, step);
}
