import type { OperatorFunction } from "rxjs";
import type { BatchSharpness } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import { batchSharpnessThreshold } from "../../shared/thresholds.ts";
import type { Linearised } from "../engine/objective.ts";
import { withLinearised } from "../engine/with-linearised.ts";
import { createRandom } from "../numerics/random.ts";
import { dot } from "../numerics/vector.ts";
import { batchSizeOf } from "../training/batch-order.ts";
import type { Run, Step } from "../training/run.ts";
import { withBatch } from "../training/with-batch.ts";
import type { StreamDefinition } from "./define.ts";
import { type Schedule, scheduled } from "./derived.ts";
import { drawIndices } from "./draw-indices.ts";

const NAME = "hessian/batch-sharpness";

export const SHARPNESS_BATCHES = 32;

export interface BatchSharpnessOptions extends Schedule {
  /** Examples per batch: training's own batch size. */
  readonly batchSize: number;
  /** How many batches are averaged. Default {@link SHARPNESS_BATCHES}. */
  readonly batches?: number;
  readonly seed?: number;
  /** Threshold at η; default: none. See {@link batchSharpnessThreshold}. */
  readonly threshold?: (eta: number) => number | null;
}

/**
 * E_B[gᵀH_B g / ‖g‖²] at due steps: the curvature a minibatch sees along its own gradient. g and H_B belong to the same batch.
 *
 * Batches are drawn for the measurement, without replacement within a batch, by seed and step; they are not the ones training used.
 *
 * @nonfinite a batch with a zero or non-finite gradient makes value and standard error NaN.
 * @cost per batch one gradient and one Hessian-vector product of `batchSize` examples.
 * @source Andreyev & Beneventano 2024, arXiv:2412.20553.
 */
export function batchSharpness(
  run: Pick<Run, "batchObjective" | "trainSize">,
  options: BatchSharpnessOptions,
): OperatorFunction<Step, Sample<BatchSharpness>> {
  const { batchSize, batches = SHARPNESS_BATCHES, seed = 0, threshold = () => null } = options;
  if (!Number.isInteger(batches) || batches < 2) {
    throw new RangeError(`batches: expected at least 2, got ${batches}`);
  }
  return scheduled(NAME, options, () => ({ step, theta, learningRate }) => {
    const random = createRandom(seed).stream(NAME).stream(step);
    const values = Array.from({ length: batches }, () =>
      withBatch(run, drawIndices(random, batchSize, run.trainSize), (objective) =>
        withLinearised(objective, theta, curvatureAlongGradient),
      ),
    );
    const value = values.reduce((sum, one) => sum + one, 0) / batches;
    const squares = values.reduce((sum, one) => sum + (one - value) ** 2, 0);
    const limit = threshold(learningRate);
    return {
      value,
      stdErr: Math.sqrt(squares / (batches - 1) / batches),
      batches,
      threshold: limit,
      ratio: limit === null ? null : value / limit,
    };
  });
}

/** gᵀHg / ‖g‖², the Rayleigh quotient of H at the gradient. */
function curvatureAlongGradient(linearised: Linearised): number {
  const g = linearised.gradient;
  return dot(g, linearised.hessianVectorProduct(g)) / dot(g, g);
}

export const batchSharpnessStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Batch sharpness",
    about:
      "Curvature that a training minibatch sees along its own gradient, averaged over batches. With minibatches it is this number, not λ₁ of the full Hessian, that settles at 2/η.",
    source: "Andreyev & Beneventano 2024, arXiv:2412.20553",
    unit: "loss·θ⁻²",
    encoding: "json",
    heavy: false,
    on: "minibatch",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [
      { path: "value", label: "batch sharpness", unit: "loss·θ⁻²", scale: "symlog" },
      { path: "threshold", label: "2/η", unit: "loss·θ⁻²", scale: "symlog" },
      { path: "stdErr", label: "standard error", unit: "loss·θ⁻²", scale: "log" },
      { path: "ratio", label: "batch sharpness / (2/η)", unit: "1", scale: "linear" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "batch-sharpness",
  applies: (run) => !run.isFullBatch,
  derive: ({ run, every, channel }) =>
    batchSharpness(run, {
      every,
      channel,
      batchSize: batchSizeOf(run),
      seed: run.config.seeds.vectors,
      threshold: (eta) => batchSharpnessThreshold({ ...run.config, isFullBatch: false }, eta),
    }),
};
