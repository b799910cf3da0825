import type { OperatorFunction } from "rxjs";
import type { DirectionalSharpness } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import type { Objective } from "../engine/objective.ts";
import { withLinearised } from "../engine/with-linearised.ts";
import { axpy, dot, norm, scale } from "../numerics/vector.ts";
import { batchSizeOf, createBatchOrder } from "../training/batch-order.ts";
import type { Run, Step } from "../training/run.ts";
import { withBatch } from "../training/with-batch.ts";
import type { StreamDefinition } from "./define.ts";
import { type Schedule, scheduled } from "./derived.ts";

const NAME = "hessian/directional";

/** What must be known of a run to find the minibatch of each update again. */
export type BatchSource = Pick<
  Run,
  "config" | "trainSize" | "isFullBatch" | "probeIsTrainingSet" | "objective" | "batchObjective"
>;

/**
 * The curvature that update t met: uᵀH_Bu/‖u‖² at due steps t ≥ 1, u = θ_t − θ_{t−1}, H_B of the loss on the very minibatch that made the
 * update, at θ_{t−1}. For plain descent u is along the gradient, and this is gᵀH_Bg/‖g‖² against 2/η.
 *
 * `ratio` holds for every optimizer: by the parabola through θ_{t−1} along u, an update of ratio 1 ends as high as it began. Cockpit's α is
 * 2·ratio − 1. A single minibatch: its mean over minibatches is {@link import("./hessian-batch-sharpness.ts").batchSharpness}.
 *
 * Weight decay shows in u, and in H_B does not.
 *
 * @nonfinite θ or a product that is not finite, and an update of length zero, give NaN. A step without θ_{t−1} gives no sample.
 * @cost one gradient and one Hessian-vector product on the minibatch, which is uploaded for it.
 * @source Schneider, Dangel & Hennig 2021, arXiv:2102.06604 (α and gᵀHg/‖g‖²); Andreyev & Beneventano 2024, arXiv:2412.20553.
 */
export function directionalSharpness(
  run: BatchSource,
  options: Schedule = {},
): OperatorFunction<Step, Sample<DirectionalSharpness>> {
  return scheduled(NAME, options, () => {
    const order = createBatchOrder(run.trainSize, batchSizeOf(run), run.config.seeds.order);
    return ({ step, theta, previousTheta }) => {
      if (previousTheta === null) return undefined;
      const update = axpy(-1, previousTheta, theta.slice());
      if (run.isFullBatch && run.probeIsTrainingSet)
        return curvatureAlong(run.objective, previousTheta, update);
      return withBatch(run, order.batch(step - 1), (batch) => curvatureAlong(batch, previousTheta, update));
    };
  });
}

function curvatureAlong(
  objective: Objective,
  theta: Float32Array,
  update: Float32Array,
): DirectionalSharpness {
  return withLinearised(objective, theta, (linearised) => {
    const slope = dot(update, linearised.gradient);
    const length = norm(update);
    // Along the unit vector: on its way through the network that of a run that diverges would overflow, and 0·∞ be NaN.
    const unit = scale(1 / length, update);
    const value = dot(unit, linearised.hessianVectorProduct(unit));
    return {
      value,
      ratio: slope >= 0 ? null : (value * length ** 2) / (-2 * slope),
      updateNorm: length,
      n: objective.size,
    };
  });
}

export const directionalSharpnessStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Curvature along the update",
    about:
      "Curvature of the minibatch's own loss along the step that training has just made. Its ratio says where on the parabola that step ended: 0.5 at the bottom, 1 as high on the other side.",
    source: "Schneider et al. 2021, arXiv:2102.06604; Andreyev & Beneventano 2024, arXiv:2412.20553",
    unit: "loss·θ⁻²",
    encoding: "json",
    heavy: false,
    on: "minibatch",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [
      { path: "value", label: "uᵀH_Bu/‖u‖²", unit: "loss·θ⁻²", scale: "symlog" },
      { path: "ratio", label: "how far along the parabola", unit: "1", scale: "linear" },
      { path: "updateNorm", label: "‖u‖", unit: "θ", scale: "log" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "directional",
  memoryBytes: ({ initial }) => 2 * initial.byteLength,
  applies: () => true,
  derive: ({ run, every, channel }) => directionalSharpness(run, { every, channel }),
};
