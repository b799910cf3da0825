import type { OperatorFunction } from "rxjs";
import type { GaussNewtonEigenvalues } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import type { Objective } from "../engine/objective.ts";
import { withLinearised } from "../engine/with-linearised.ts";
import type { Step } from "../training/run.ts";
import { largestEigenvalues } from "./cold-spectrum.ts";
import type { StreamDefinition } from "./define.ts";
import { positiveInteger, type Schedule, sparselyScheduled } from "./derived.ts";
import { gaussNewtonOperator } from "./symmetric-operator.ts";

const NAME = "gauss-newton/eigenvalues";

export interface GaussNewtonOptions extends Schedule {
  /** Default 1: λ₁ alone. */
  readonly top?: number;
  readonly seed?: number;
}

/**
 * Largest eigenvalues of the generalised Gauss–Newton matrix G = JᵀH_ℓJ of the objective at due steps; due are 0, the multiples of `every`
 * and the last step, each from a cold start.
 *
 * H = G + the curvature of the network itself, weighted by what the loss has left to gain. G has no negative eigenvalue; where λ₁(G) and
 * λ₁(H) agree, sharpness comes from the loss and the outputs' slopes alone.
 *
 * @nonfinite a product that is not finite gives NaN, `converged: false`.
 * @cost one linearisation and 8 to 32 Gauss–Newton products. Memory: 32 × D float32.
 * @source Schraudolph 2002, Neural Computation 14:1723; Sagun et al. 2018, arXiv:1706.04454, §2.
 */
export function gaussNewtonEigenvalues(
  objective: Objective,
  options: GaussNewtonOptions = {},
): OperatorFunction<Step, Sample<GaussNewtonEigenvalues>> {
  const { seed = 0 } = options;
  const count = positiveInteger("top", options.top ?? 1);
  return sparselyScheduled(
    NAME,
    options,
    () =>
      ({ step, theta }) =>
        withLinearised(objective, theta, (linearised) => {
          const operator = gaussNewtonOperator(linearised);
          const { top, applications } = largestEigenvalues(operator, { count, seed, label: NAME, step });
          return { top, n: objective.size, products: applications };
        }),
  );
}

export const gaussNewtonEigenvaluesStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "λ₁ of the Gauss–Newton matrix",
    about:
      "Sharpness as it would be if the network were linear in θ around here, on the probe. Compare it with λ₁ of the Hessian: what it lacks is the network's own curvature.",
    source: "Schraudolph 2002, Neural Computation 14:1723; Sagun et al. 2018, arXiv:1706.04454",
    unit: "loss·θ⁻²",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "objective",
    cadence: { kind: "sparse", every: 1 },
    fields: [
      { path: "top.*.value", label: "λ₁(G)", unit: "loss·θ⁻²", scale: "symlog" },
      { path: "top.*.residual", label: "residuals", unit: "loss·θ⁻²", scale: "log" },
      { path: "products", label: "Gauss–Newton products", unit: "1", scale: "linear" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "gauss-newton",
  memoryBytes: ({ initial }) => 32 * initial.byteLength,
  applies: () => true,
  derive: ({ run, every, channel }) =>
    gaussNewtonEigenvalues(run.objective, {
      every,
      channel,
      seed: run.config.seeds.vectors,
    }),
};
