/** Eigenvectors on their way from the stream that has measured them to the others of the same step: Lanczos runs once. */
import type { Objective } from "../engine/objective.ts";
import type { Eigenpair } from "../numerics/lanczos.ts";
import type { Step } from "../training/run.ts";
import type { Spectrum } from "./spectrum-tracker.ts";

export interface MeasuredSpectrum {
  /** Descending. */
  readonly top: readonly Eigenpair[];
  readonly finite: boolean;
  /** ∇L at the same θ, [D]. */
  readonly gradient: Float32Array;
}

interface Remembered extends MeasuredSpectrum {
  readonly step: number;
}

/** Only the newest step of an objective is remembered, and only as long as that step lives. */
const memory = new WeakMap<Objective, WeakMap<Step, Remembered>>();

export function rememberSpectrum(
  objective: Objective,
  step: Step,
  { top, finite }: Spectrum,
  gradient: Float32Array,
): void {
  memory.set(objective, new WeakMap([[step, { step: step.step, top, finite, gradient }]]));
}

/** null where nobody has measured this step yet. */
export function spectrumAt(objective: Objective, step: Step): MeasuredSpectrum | null {
  const known = memory.get(objective)?.get(step);
  return known !== undefined && known.step === step.step ? known : null;
}
