/** For streams that look at the span of the first Hessian eigenvectors, which another stream of the same step may have measured. */
import type { OperatorFunction } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Objective } from "../engine/objective.ts";
import { withLinearised } from "../engine/with-linearised.ts";
import type { Step } from "../training/run.ts";
import { positiveInteger, type Schedule, scheduled } from "./derived.ts";
import { type MeasuredSpectrum, measuredSpectrum, rememberSpectrum } from "./measured-spectra.ts";
import { knownAt, SpectrumTracker } from "./spectrum-tracker.ts";
import { hessianOperator } from "./symmetric-operator.ts";

export interface TopSpaceOptions extends Schedule {
  /** Dimensions of the subspace; fewer where fewer eigenvectors are measured. Default 10: one for each class of ten. */
  readonly k?: number;
  readonly seed?: number;
}

export interface TopSpace extends Omit<MeasuredSpectrum, "top"> {
  /** The first k eigenvectors, fewer where fewer were found. */
  readonly vectors: readonly Float32Array[];
  /** How many of them have converged. */
  readonly converged: number;
  /** Are their eigenvalues all zero? Then any other vectors would do as well, and the span is that of nothing. */
  readonly isZero: boolean;
}

/**
 * The samples of one channel at due and demanded steps.
 * @param start  called with k at each subscription; returns what measures a step.
 */
export function scheduledOnTopSpace<V>(
  channel: string,
  objective: Objective,
  options: TopSpaceOptions,
  start: (k: number) => (space: TopSpace, step: Step) => V,
): OperatorFunction<Step, Sample<V>> {
  const k = positiveInteger("k", options.k ?? 10);
  return scheduled(channel, options, () => {
    const spectrumAt = spectrumSource(objective, k, options.seed ?? 0);
    const measure = start(k);
    return (step) => {
      const { top, ...rest } = spectrumAt(step);
      const pairs = top.slice(0, k);
      const vectors = pairs.map(({ vector }) => vector);
      const converged = pairs.filter((pair) => pair.converged).length;
      const isZero = pairs.every(({ value }) => value === 0);
      return measure({ ...rest, vectors, converged, isZero }, step);
    };
  });
}

/**
 * The top of the spectrum at each step: as another stream has measured it, else by a Lanczos of its own.
 * @param k  eigenvectors wanted where none have been measured; what has been measured may be fewer or more.
 */
function spectrumSource(objective: Objective, k: number, seed: number): (step: Step) => MeasuredSpectrum {
  const limits = { tolerance: 1e-3, bottomTolerance: 1, maxApplications: 64 };
  const tracker = new SpectrumTracker({ top: k, bottom: 0, ...limits, seed }, "top");
  return (step) =>
    measuredSpectrum(objective, step) ??
    withLinearised(objective, step.theta, (linearised) => {
      const spectrum = tracker.measure(hessianOperator(linearised), step.step, false, step.demanded === null);
      return rememberSpectrum(objective, step, knownAt(linearised.loss, spectrum), linearised.gradient);
    });
}
