import type { OperatorFunction } from "rxjs";
import type { NoiseScale } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import { gradientNoise } from "../numerics/gradient-noise.ts";
import { createRandom } from "../numerics/random.ts";
import { ratioInterval } from "../numerics/ratio-interval.ts";
import { batchSizeOf } from "../training/batch-order.ts";
import type { Run, Step } from "../training/run.ts";
import { withBatch } from "../training/with-batch.ts";
import type { StreamDefinition } from "./define.ts";
import { type Schedule, scheduled } from "./derived.ts";
import { drawIndices } from "./draw-indices.ts";

const NAME = "gradient/noise-scale";

export interface NoiseScaleOptions extends Schedule {
  /** Examples per batch: training's own batch size. */
  readonly batchSize: number;
  /** Disjoint batches; fewer where the training set has not as many, at least {@link FEWEST}. Default 16. */
  readonly batches?: number;
  readonly seed?: number;
}

const BATCHES = 16;
/** With fewer, the jackknife says nothing about the error. */
const FEWEST = 4;

/**
 * The simple noise scale tr Σ/‖G‖² at due steps: the batch size, in examples, at which a gradient is as much noise as signal.
 *
 * Both sizes of the two-batch-size estimator come from the same pass: batches of `batchSize`, drawn for the measurement without
 * replacement, and their union. The value is the ratio of the two unbiased estimates and itself not unbiased; where ‖G‖² is small its
 * estimate may be negative, and the value with it. The interval then has no upper end: that is the reading, not the value.
 *
 * @nonfinite a gradient that is not finite gives NaN.
 * @cost one gradient of `batchSize` examples per batch. Memory: batches × D float32.
 * @throws {RangeError} where the training set has no four batches.
 * @source McCandlish, Kaplan, Amodei et al. 2018, arXiv:1812.06162; interval: jackknife over batches and Fieller 1954.
 */
export function noiseScale(
  run: Pick<Run, "batchObjective" | "trainSize">,
  options: NoiseScaleOptions,
): OperatorFunction<Step, Sample<NoiseScale>> {
  const { batchSize, seed = 0 } = options;
  const batches = Math.min(options.batches ?? BATCHES, Math.floor(run.trainSize / batchSize));
  if (!(batches >= FEWEST)) {
    throw new RangeError(`batches: expected at least ${FEWEST} disjoint ones, got ${batches}`);
  }
  return scheduled(NAME, options, () => ({ step, theta }) => {
    const random = createRandom(seed).stream(NAME).stream(step);
    const drawn = random.shuffle(drawIndices(random, batches * batchSize, run.trainSize));
    const gradients = Array.from({ length: batches }, (_, i) =>
      withBatch(
        run,
        drawn.subarray(i * batchSize, (i + 1) * batchSize),
        (objective) => objective.gradient(theta).gradient,
      ),
    );
    const { signal, noise, signalVariance, noiseVariance, covariance } = gradientNoise(gradients, batchSize);
    const ratio = {
      numerator: noise,
      denominator: signal,
      numeratorVariance: noiseVariance,
      denominatorVariance: signalVariance,
      covariance,
    };
    return {
      value: noise / signal,
      interval: ratioInterval(ratio, batches - 1),
      signal,
      signalStdErr: Math.sqrt(signalVariance),
      noise,
      batchSize,
      batches,
    };
  });
}

export const noiseScaleStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Gradient noise scale",
    about:
      "Batch size at which a minibatch gradient is as much noise as signal: smaller batches than this profit from more examples. Near convergence the signal is too small to measure, the estimate may turn negative, and its interval has no upper end.",
    source: "McCandlish et al. 2018, arXiv:1812.06162",
    unit: "examples",
    encoding: "json",
    heavy: false,
    on: "minibatch",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [
      { path: "value", label: "tr Σ / ‖G‖²", unit: "examples", scale: "symlog" },
      { path: "interval.0", label: "95 %: from", unit: "examples", scale: "symlog" },
      { path: "interval.1", label: "95 %: to", unit: "examples", scale: "symlog" },
      { path: "batchSize", label: "batch size", unit: "examples", scale: "symlog" },
      { path: "signal", label: "‖G‖²", unit: "loss²·θ⁻²", scale: "symlog" },
      { path: "signalStdErr", label: "standard error of ‖G‖²", unit: "loss²·θ⁻²", scale: "log" },
      { path: "noise", label: "tr Σ", unit: "loss²·θ⁻²", scale: "symlog" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "noise-scale",
  memoryBytes: ({ initial }) => BATCHES * initial.byteLength,
  applies: ({ config, trainSize }) => config.batchSize !== "full" && trainSize >= FEWEST * config.batchSize,
  derive: ({ run, every, channel }) =>
    noiseScale(run, {
      every,
      channel,
      batchSize: batchSizeOf(run),
      seed: run.config.seeds.vectors,
    }),
};
