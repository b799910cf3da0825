import type { OperatorFunction } from "rxjs";
import type { Eigenvalue, HessianEigenvalues } from "../../shared/readings.ts";
import { isDue } from "../../shared/schedule.ts";
import type { Sample } from "../../shared/stream.ts";
import { type StabilityThreshold, stabilityThreshold } from "../../shared/thresholds.ts";
import type { Linearised, Objective } from "../engine/objective.ts";
import type { Eigenpair } from "../numerics/lanczos.ts";
import { norm } from "../numerics/vector.ts";
import type { Step } from "../training/run.ts";
import type { Modes, StreamDefinition } from "./define.ts";
import { everyOf, type Schedule, scheduled } from "./derived.ts";
import { rememberSpectrum } from "./measured-spectra.ts";
import { knownAt, type Spectrum, type SpectrumOptions, SpectrumTracker } from "./spectrum-tracker.ts";
import { hessianOperator } from "./symmetric-operator.ts";

const NAME = "hessian/eigenvalues";

export interface HessianOptions extends Schedule, Partial<SpectrumOptions> {
  /** Every how many measurements cold starts look for what the warm one has missed; the last step is always checked. Default 10. */
  readonly coldEvery?: number;
  /** Threshold of the optimizer at η; default: none. See {@link stabilityThreshold}. */
  readonly threshold?: (eta: number) => StabilityThreshold;
  /** Disjoint data, for `probeStdErr` at checks. */
  readonly secondObjective?: Objective | null;
  /** Where v₁ of each due step goes. */
  readonly modes?: Pick<Modes, "publish">;
}

/** Beyond the classes' outliers of Sagun et al. 2018 two more, so that the gap below them is seen. */
const DEFAULTS = {
  top: 12,
  bottom: 2,
  tolerance: 1e-3,
  bottomTolerance: 0.1,
  maxApplications: 64,
  checkApplications: 160,
  seed: 0,
  coldEvery: 10,
} as const;
/** What the Krylov basis of a check may hold: with more than 1.6 million weights its first run takes fewer products than it would. */
const CHECK_BYTES = 2 ** 30;
const NO_THRESHOLD: StabilityThreshold = { threshold: null, rule: null };

/**
 * Largest and smallest eigenvalues of the objective's Hessian at due steps, in algebraic order, with their residuals.
 *
 * Lanczos from a warm start. At every `coldEvery`-th measurement, at the first and at the last, and where something that was known is no more among
 * what was found, cold starts look for the missing (see {@link SpectrumTracker}).
 * A demanded step is measured beside the schedule: it changes nothing that later measurements start from, and publishes no v₁.
 *
 * @param options.top  default 12: ten classes + 2. @param options.bottom  default 2.
 * @param options.tolerance  default 1e-3. @param options.bottomTolerance  default 0.1: near zero the spectrum is a dense bulk, whose edge to
 * 1e-3 of itself would cost three times the products of all the rest.
 * @param options.maxApplications  default 64, about what twelve top pairs take (from a cold start 56 to 67 on 784-100-10). The smallest
 * lie at the edge of a dense bulk, and from a tenth of λ₁ down take more; what has not converged by then is flagged.
 * @param options.checkApplications  default 160, or maxApplications where that is given: every `coldEvery`-th measurement, and the last,
 * follows the smallest to convergence.
 * @nonfinite a loss or Hv that is not finite gives NaN, `converged: false` and no v₁. A Hessian that is zero has no v₁ either.
 * @cost one linearisation and 25 to 65 Hessian-vector products, at checks up to 225, of which a look for the missing takes about 35; each
 * eigenvalue that it finds, as where λ₁ is multiple, costs one look more. Memory: 88 × D float32 during a measurement, 160 × D at checks.
 * @source Lanczos on networks: Ghorbani et al. 2019, arXiv:1901.10159; against 2/η: Cohen et al. 2021, arXiv:2103.00065.
 */
export function hessianEigenvalues(
  objective: Objective,
  options: HessianOptions = {},
): OperatorFunction<Step, Sample<HessianEigenvalues>> {
  const checkApplications =
    options.checkApplications ?? options.maxApplications ?? DEFAULTS.checkApplications;
  const settings = { ...DEFAULTS, ...options, checkApplications };
  const every = everyOf(options);
  const { coldEvery, secondObjective, modes, threshold = () => NO_THRESHOLD } = settings;
  return scheduled(NAME, options, () => {
    const tracker = new SpectrumTracker(settings, "probe");
    const second = new SpectrumTracker({ ...settings, top: 1, bottom: 0 }, "second-probe");
    let measured = 0;
    return (at) => {
      const { step, lastStep, theta, learningRate, demanded } = at;
      const due = demanded === null && isDue(step, every, lastStep);
      const check = (measured > 0 && measured % coldEvery === 0) || step === lastStep;
      if (due) measured++;
      let vector: Float32Array | null = null;
      const linearised = objective.linearise(theta);
      try {
        const found = tracker.measure(hessianOperator(linearised), step, check, due);
        const spectrum = knownAt(linearised.loss, found);
        rememberSpectrum(objective, at, spectrum, linearised.gradient);
        const first = spectrum.top[0];
        if (spectrum.finite && first?.value !== 0) vector = first?.vector ?? null;
        const other =
          check && secondObjective ? measureOther(second, secondObjective, theta, step, due) : null;
        return reading(spectrum, other, linearised, objective.size, learningRate, threshold(learningRate));
      } finally {
        linearised.dispose();
        if (due) modes?.publish(step, vector);
      }
    };
  });
}

function measureOther(
  tracker: SpectrumTracker,
  objective: Objective,
  theta: Float32Array,
  step: number,
  due: boolean,
) {
  const linearised = objective.linearise(theta);
  try {
    return tracker.measure(hessianOperator(linearised), step, false, due);
  } finally {
    linearised.dispose();
  }
}

function reading(
  spectrum: Spectrum,
  other: Spectrum | null,
  { loss, theta }: Linearised,
  n: number,
  eta: number,
  { threshold, rule }: StabilityThreshold,
): HessianEigenvalues {
  const shown = ({ value, residual, converged }: Eigenpair): Eigenvalue => ({ value, residual, converged });
  const top = spectrum.top.map(shown);
  const sharpness = top[0]?.value ?? Number.NaN;
  const elsewhere = other?.top[0]?.value ?? null;
  return {
    top,
    bottom: spectrum.bottom.map(shown),
    threshold,
    rule,
    ratio: threshold === null ? null : sharpness / threshold,
    eta,
    n,
    loss,
    thetaNorm: norm(theta),
    hvps: spectrum.hvps + (other?.hvps ?? 0),
    coldGap: spectrum.finite ? spectrum.coldGap : null,
    probeStdErr: elsewhere === null ? null : Math.abs(elsewhere - sharpness) / Math.SQRT2,
  };
}

export const hessianEigenvaluesStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Eigenvalues of the Hessian",
    about:
      "How strongly the probe loss curves in its steepest directions (top, descending) and in its most negative ones (bottom, ascending). Above the threshold of the optimizer, a step along that direction overshoots farther than it came.",
    source: "Cohen et al. 2021, arXiv:2103.00065; Sagun et al. 2018, arXiv:1706.04454",
    unit: "loss·θ⁻²",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [
      { path: "top.*.value", label: "largest eigenvalues", unit: "loss·θ⁻²", scale: "symlog" },
      { path: "threshold", label: "stability threshold", unit: "loss·θ⁻²", scale: "symlog" },
      { path: "bottom.*.value", label: "smallest eigenvalues", unit: "loss·θ⁻²", scale: "symlog" },
      { path: "ratio", label: "λ₁ / threshold", unit: "1", scale: "linear" },
      { path: "top.*.residual", label: "residuals", unit: "loss·θ⁻²", scale: "log" },
      { path: "thetaNorm", label: "‖θ‖", unit: "θ", scale: "linear" },
      { path: "hvps", label: "Hessian-vector products", unit: "1", scale: "linear" },
      { path: "coldGap", label: "missed between checks", unit: "1", scale: "linear" },
      { path: "probeStdErr", label: "standard error of λ₁ over probes", unit: "loss·θ⁻²", scale: "linear" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "hessian",
  memoryBytes: ({ initial }) => (DEFAULTS.maxApplications + 2 * DEFAULTS.top) * initial.byteLength,
  applies: () => true,
  derive: ({ run, every, channel, modes }) =>
    hessianEigenvalues(run.objective, {
      every,
      ...(channel === undefined ? {} : { channel }),
      top: run.classes + 2,
      seed: run.config.seeds.vectors,
      threshold: (eta) => stabilityThreshold({ ...run.config, isFullBatch: run.isFullBatch }, eta),
      secondObjective: run.secondObjective,
      modes,
      checkApplications: affordableAtChecks(run.initial.byteLength),
    }),
};

function affordableAtChecks(bytesOfVector: number): number {
  const { maxApplications, checkApplications } = DEFAULTS;
  return Math.max(maxApplications, Math.min(checkApplications, Math.floor(CHECK_BYTES / bytesOfVector)));
}
