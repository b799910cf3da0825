/** Where the optimizer of a header stops being stable on a quadratic, written down a second time. */
import type { SessionHeader } from "../../shared/header.ts";

export interface Threshold {
  readonly threshold: number | null;
  readonly rule: string | null;
}

/** @source Cohen et al. 2021, arXiv:2103.00065, appendix B. Weight decay in the gradient adds itself to every eigenvalue. */
export function threshold({ optimizer, train }: SessionHeader, eta: number): Threshold {
  const beta = Number(optimizer["momentum"] ?? 0);
  const decay = Number(optimizer["weightDecay"] ?? 0);
  const rules: Readonly<Record<string, readonly [largest: number, rule: string]>> = {
    gd: [2, "gd"],
    sgd: [2, "gd"],
    momentum: [2 * (1 + beta), "heavy-ball"],
    nesterov: [(2 * (1 + beta)) / (1 + 2 * beta), "nesterov"],
  };
  const known = rules[String(optimizer["name"])];
  if (known === undefined) return { threshold: null, rule: null };
  return { threshold: known[0] / eta - decay, rule: train.fullBatch ? known[1] : "full-batch-bound" };
}

/** Batch sharpness is compared with 2/η of plain SGD; for other rules no value is established (arXiv:2412.20553). */
export function sharpnessThreshold({ optimizer }: SessionHeader, eta: number): number | null {
  const isPlain = optimizer["name"] === "gd" || optimizer["name"] === "sgd";
  return isPlain && !optimizer["weightDecay"] ? 2 / eta : null;
}
