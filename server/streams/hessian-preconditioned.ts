import type { OperatorFunction } from "rxjs";
import type { PreconditionedEigenvalues } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import { adamThreshold } from "../../shared/thresholds.ts";
import type { Objective } from "../engine/objective.ts";
import { withLinearised } from "../engine/with-linearised.ts";
import { BETA1 } from "../training/optimizers/adam.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { positiveInteger, type Schedule, scheduled } from "./derived.ts";
import { SpectrumTracker } from "./spectrum-tracker.ts";
import { hessianOperator, preconditionedOperator } from "./symmetric-operator.ts";

const NAME = "hessian/preconditioned";

export interface PreconditionedOptions extends Schedule {
  /** Default 1: λ₁ alone. */
  readonly top?: number;
  /** λ of L2 in the gradient: part of the Hessian that the optimizer meets. Default 0. */
  readonly weightDecay?: number;
  /** β₁ of Adam. Default 0.9. */
  readonly beta1?: number;
  /** False makes the threshold a bound, and says so. Default true. */
  readonly isFullBatch?: boolean;
  /** Every how many measurements cold starts look for what the warm one has missed; the last step is always checked. Default 10. */
  readonly coldEvery?: number;
  readonly seed?: number;
}

const LIMITS = { tolerance: 1e-3, bottomTolerance: 1, maxApplications: 64 } as const;

/**
 * Largest eigenvalues of P⁻¹H at due steps, P the diagonal by which Adam divided in update t, against Adam's stability threshold; as those of
 * P^{-1/2}HP^{-1/2}, which is symmetric. No sample where the step brings no P: before the first update, and for other optimizers.
 *
 * λ₁(H) alone says nothing about Adam's stability: it is free to rise as long as P rises with it.
 *
 * @nonfinite a product that is not finite gives NaN, `converged: false`.
 * @cost one linearisation and 9 to 65 Hessian-vector products, up to twice that at checks. Memory: 64 × D float32 during a measurement.
 * @source Cohen et al. 2022, arXiv:2207.14484.
 */
export function preconditionedEigenvalues(
  objective: Objective,
  options: PreconditionedOptions = {},
): OperatorFunction<Step, Sample<PreconditionedEigenvalues>> {
  const top = positiveInteger("top", options.top ?? 1);
  const { weightDecay = 0, beta1 = BETA1, isFullBatch = true, coldEvery = 10, seed = 0 } = options;
  return scheduled(NAME, options, () => {
    const tracker = new SpectrumTracker({ top, bottom: 0, ...LIMITS, seed }, NAME);
    let measured = 0;
    return (at) => {
      const { step, lastStep, theta, learningRate: eta, demanded } = at;
      const diagonal = at.preconditioner();
      if (diagonal === null) return undefined;
      const check = (measured > 0 && measured % coldEvery === 0) || step === lastStep;
      if (demanded === null) measured++;
      const { threshold, rule } = adamThreshold(beta1, isFullBatch, eta);
      return withLinearised(objective, theta, (linearised) => {
        const operator = preconditionedOperator(hessianOperator(linearised), diagonal, weightDecay);
        const spectrum = tracker.measure(operator, step, check, demanded === null);
        const values = spectrum.top.map(({ value, residual, converged }) => ({ value, residual, converged }));
        return {
          top: values,
          threshold,
          rule,
          ratio: (values[0]?.value ?? Number.NaN) / threshold,
          eta,
          n: objective.size,
          hvps: spectrum.hvps,
          coldGap: spectrum.coldGap,
        };
      });
    };
  });
}

export const preconditionedEigenvaluesStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Preconditioned sharpness λ₁(P⁻¹H)",
    about:
      "Largest eigenvalue of the probe loss's Hessian as Adam sees it: each parameter rescaled by what the optimizer divides its step by. It is this number, not λ₁ of the Hessian, that settles at 38/η.",
    source: "Cohen et al. 2022, arXiv:2207.14484",
    unit: "θ⁻¹",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "trainer",
    cadence: { kind: "scheduled", every: 1 },
    fields: [
      { path: "top.*.value", label: "λ₁(P⁻¹H)", unit: "θ⁻¹", scale: "symlog" },
      { path: "threshold", label: "38/η", unit: "θ⁻¹", scale: "symlog" },
      { path: "top.*.residual", label: "residuals", unit: "θ⁻¹", scale: "log" },
      { path: "ratio", label: "λ₁(P⁻¹H) / threshold", unit: "1", scale: "linear" },
      { path: "hvps", label: "Hessian-vector products", unit: "1", scale: "linear" },
      { path: "coldGap", label: "missed between checks", unit: "1", scale: "linear" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "preconditioned",
  memoryBytes: ({ initial }) => (LIMITS.maxApplications + 3) * initial.byteLength,
  applies: ({ config }) => config.optimizer === "adam",
  derive: ({ run, every, channel }) =>
    preconditionedEigenvalues(run.objective, {
      every,
      channel,
      weightDecay: run.config.weightDecay,
      isFullBatch: run.isFullBatch,
      seed: run.config.seeds.vectors,
    }),
};
