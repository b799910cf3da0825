import type { OperatorFunction } from "rxjs";
import type { TopSubspace } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import type { Objective } from "../engine/objective.ts";
import { createRandom } from "../numerics/random.ts";
import { randomSubspace, shareWithin } from "../numerics/subspace.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { scheduledOnTopSpace, type TopSpaceOptions } from "./top-space.ts";

const NAME = "gradient/top-subspace";

/**
 * Share of the objective's gradient (of its square) that lies in the span of the first k Hessian eigenvectors, at due steps, beside the
 * share in a random subspace of the same dimension, drawn once: k/D in the mean.
 *
 * Uses the eigenvectors that {@link import("./hessian-eigenvalues.ts").hessianEigenvalues} has found at the same step of the same
 * objective; measures by itself where it has not. Where some of them have not converged the share is still that of the vectors found.
 *
 * @nonfinite a gradient or Hv that is not finite, and a gradient that is zero, give NaN; so does, for the share, a Hessian that is zero.
 * @cost 2k dot products of D; Lanczos where it measures by itself. Memory: k × D float32.
 * @source Gur-Ari, Roberts & Dyer 2018, arXiv:1812.04754.
 */
export function topSubspace(
  objective: Objective,
  options: TopSpaceOptions = {},
): OperatorFunction<Step, Sample<TopSubspace>> {
  return scheduledOnTopSpace(NAME, objective, options, (k) => {
    const d = objective.parameterCount;
    const unrelated = randomSubspace(Math.min(k, d), d, createRandom(options.seed ?? 0).stream(NAME));
    return ({ vectors, converged, isZero, finite, gradient }) => ({
      share: finite && !isZero ? shareWithin(vectors, gradient) : Number.NaN,
      control: finite ? shareWithin(unrelated.slice(0, vectors.length), gradient) : Number.NaN,
      k: vectors.length,
      converged,
    });
  });
}

export const topSubspaceStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Gradient in the top subspace",
    about:
      "Share of the full gradient that lies in the span of the first eigenvectors of the Hessian, as many as there are classes. A random subspace of that size holds next to nothing of it: that is the control.",
    source: "Gur-Ari, Roberts & Dyer 2018, arXiv:1812.04754",
    unit: "1",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [
      { path: "share", label: "in the first k eigenvectors", unit: "1", scale: "linear" },
      { path: "control", label: "in k random directions", unit: "1", scale: "linear" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "hessian",
  memoryBytes: ({ initial, classes }) => (64 + classes) * initial.byteLength,
  applies: () => true,
  derive: ({ run, every, channel }) =>
    topSubspace(run.objective, {
      every,
      channel,
      k: run.classes,
      seed: run.config.seeds.vectors,
    }),
};
