/** Where an optimizer stops being stable on a quadratic: the line that sharpness is compared with. */
import type { ThresholdRule } from "./readings.ts";

export interface StabilityThreshold {
  /** Largest λ₁ at which the update is stable on a quadratic. @unit loss · θ⁻². Null where λ₁(H) decides nothing. */
  readonly threshold: number | null;
  readonly rule: ThresholdRule | null;
}

export interface OptimizerConstants {
  readonly optimizer: "gd" | "sgd" | "momentum" | "nesterov" | "adam";
  /** β of heavy ball and Nesterov, undamped: m ← βm + g, θ ← θ − ηm. Ignored by the others. */
  readonly momentum: number;
  /** λ of L2 in the gradient, g = ∇L + λθ: default 0. */
  readonly weightDecay?: number;
  readonly isFullBatch: boolean;
}

const NONE: StabilityThreshold = { threshold: null, rule: null };

/**
 * The threshold for λ₁(H) at the current η: a step function of η where η is scheduled.
 *
 * gd 2/η · heavy ball (2+2β)/η · Nesterov (2+2β)/((1+2β)η). With minibatches the same number is only a bound for the full batch,
 * and the rule says so. Adam has none for λ₁(H): its threshold is for λ₁(P⁻¹H). Weight decay in the gradient adds λ to every eigenvalue
 * that the optimizer meets, so λ₁ of the loss alone may reach λ less.
 *
 * @param eta  the step size of the next update, η > 0.
 * @source Cohen et al. 2021, arXiv:2103.00065, §2 and appendix B; Adam: Cohen et al. 2022, arXiv:2207.14484.
 */
export function stabilityThreshold(constants: OptimizerConstants, eta: number): StabilityThreshold {
  if (!(eta > 0)) throw new RangeError(`eta: expected a positive number, got ${eta}`);
  const { threshold, rule } = fullBatchThreshold(constants, eta);
  if (threshold === null) return NONE;
  return {
    threshold: threshold - (constants.weightDecay ?? 0),
    rule: constants.isFullBatch ? rule : "full-batch-bound",
  };
}

function fullBatchThreshold(
  { optimizer, momentum: beta }: OptimizerConstants,
  eta: number,
): StabilityThreshold {
  switch (optimizer) {
    case "gd":
    case "sgd":
      return { threshold: 2 / eta, rule: "gd" };
    case "momentum":
      return { threshold: (2 + 2 * beta) / eta, rule: "heavy-ball" };
    case "nesterov":
      return { threshold: (2 + 2 * beta) / ((1 + 2 * beta) * eta), rule: "nesterov" };
    case "adam":
      return NONE;
  }
}

/**
 * The threshold for λ₁(P⁻¹H) under Adam, whose update is θ ← θ − ηP⁻¹m with m ← β₁m + (1−β₁)g: (2+2β₁)/((1−β₁)η), 38/η for β₁ = 0.9. P is
 * taken to stand still, as it nearly does from step to step. With minibatches it is a bound for the full batch only.
 *
 * @param eta  the step size of the next update, η > 0.
 * @source Cohen et al. 2022, arXiv:2207.14484.
 */
export function adamThreshold(
  beta1: number,
  isFullBatch: boolean,
  eta: number,
): { readonly threshold: number; readonly rule: ThresholdRule } {
  if (!(eta > 0)) throw new RangeError(`eta: expected a positive number, got ${eta}`);
  return {
    threshold: (2 + 2 * beta1) / ((1 - beta1) * eta),
    rule: isFullBatch ? "adam" : "full-batch-bound",
  };
}

/**
 * What batch sharpness is compared with: 2/η for plain SGD, where it settles; null for momentum, weight decay and Adam, for which no such
 * value is established.
 *
 * @source Andreyev & Beneventano 2024, arXiv:2412.20553.
 */
export function batchSharpnessThreshold(constants: OptimizerConstants, eta: number): number | null {
  if (!(eta > 0)) throw new RangeError(`eta: expected a positive number, got ${eta}`);
  const isPlain = constants.optimizer === "gd" || constants.optimizer === "sgd";
  return isPlain && !constants.weightDecay ? 2 / eta : null;
}
