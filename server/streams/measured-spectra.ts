/** Eigenvectors on their way from the stream that has measured them to the others of the same step: Lanczos runs once. */
import type { Objective } from "../engine/objective.ts";
import type { Eigenpair } from "../numerics/lanczos.ts";
import type { Step } from "../training/run.ts";
import { type Spectrum, SpectrumTracker } from "./spectrum-tracker.ts";
import { hessianOperator } from "./symmetric-operator.ts";

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
export function measuredSpectrum(objective: Objective, step: Step): MeasuredSpectrum | null {
  const known = memory.get(objective)?.get(step);
  return known !== undefined && known.step === step.step ? known : null;
}

/** The first k eigenvectors, fewer where fewer were found, and how many of them have converged. */
export function leading({ top }: MeasuredSpectrum, k: number) {
  const pairs = top.slice(0, k);
  return {
    vectors: pairs.map(({ vector }) => vector),
    converged: pairs.filter(({ converged }) => converged).length,
  };
}

/**
 * The top of the spectrum at each step: as another stream has measured it, else by a Lanczos of its own.
 * @param k  eigenvectors wanted where none have been measured; what has been measured may be fewer or more.
 */
export function spectrumSource(
  objective: Objective,
  k: number,
  seed: number,
): (step: Step) => MeasuredSpectrum {
  const limits = { tolerance: 1e-3, bottomTolerance: 1, maxApplications: 64 };
  const tracker = new SpectrumTracker({ top: k, bottom: 0, ...limits, seed }, "top");
  return (step) => {
    const known = measuredSpectrum(objective, step);
    if (known !== null) return known;
    const linearised = objective.linearise(step.theta);
    try {
      const spectrum = tracker.measure(hessianOperator(linearised), step.step, false, step.demanded === null);
      rememberSpectrum(objective, step, spectrum, linearised.gradient);
      return { top: spectrum.top, finite: spectrum.finite, gradient: linearised.gradient };
    } finally {
      linearised.dispose();
    }
  };
}
