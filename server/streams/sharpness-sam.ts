import type { OperatorFunction } from "rxjs";
import type { SamSharpness } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import type { Objective } from "../engine/objective.ts";
import { axpy, norm } from "../numerics/vector.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { type Schedule, scheduled } from "./derived.ts";

const NAME = "sharpness/sam";

export interface SamOptions extends Schedule {
  /** Radius ρ > 0 in parameter space. Default 0.05. */
  readonly rho?: number;
}

/**
 * L(θ + ρg/‖g‖) − L(θ) on the objective's data at due steps: to first order, the most that the loss rises within distance ρ of θ.
 *
 * Not invariant under rescaling of layers (Dinh et al. 2017, arXiv:1703.04933): compare it along one run, not between networks.
 *
 * @nonfinite a gradient that is zero or not finite gives NaN: it has no direction.
 * @cost one gradient and one forward pass.
 * @source Foret, Kleiner, Mobahi & Neyshabur 2021, arXiv:2010.01412.
 */
export function samSharpness(
  objective: Objective,
  options: SamOptions = {},
): OperatorFunction<Step, Sample<SamSharpness>> {
  const { rho = 0.05 } = options;
  if (!(rho > 0)) throw new RangeError(`rho: expected a positive number, got ${rho}`);
  return scheduled(NAME, options, () => (step) => {
    const { loss, gradient } = objective.gradient(step.theta);
    const gradientNorm = norm(gradient);
    const above = axpy(rho / gradientNorm, gradient, step.retain());
    return { value: objective.loss(above) - loss, rho, loss, gradientNorm };
  });
}

export const samSharpnessStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Sharpness in the sense of SAM",
    about:
      "How much the probe loss rises when θ is moved by ρ = 0.05 along its gradient. Sees the slope as well as the curvature; rescaling two layers against each other changes it.",
    source: "Foret et al. 2021, arXiv:2010.01412",
    unit: "loss",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [
      { path: "value", label: "L(θ + ρg/‖g‖) − L(θ)", unit: "loss", scale: "symlog" },
      { path: "gradientNorm", label: "‖g‖ on the probe", unit: "loss·θ⁻¹", scale: "log" },
      { path: "rho", label: "ρ", unit: "θ", scale: "linear" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "sam",
  applies: () => true,
  derive: ({ run, every, channel }) => samSharpness(run.objective, { every, channel }),
};
