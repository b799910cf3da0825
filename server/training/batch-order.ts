/** Which training examples make which update. */
import { createRandom } from "../numerics/random.ts";
import type { Run } from "./run.ts";

export interface BatchOrder {
  readonly batchesPerEpoch: number;
  /**
   * Indices of the examples of update t + 1, made at θ_t. A function of the step alone: asked again, or after a fork, it answers the same.
   * @param step  t ≥ 0.
   */
  batch(step: number): Uint32Array;
}

export const SHUFFLING = "every epoch anew: Fisher–Yates, seeded by the order seed and the epoch";
export const LAST_BATCH = "kept: the last batch of an epoch has what is left, and its mean is over those";

/** Examples of an update, those of an epoch's last one excepted. */
export function batchSizeOf({ config, trainSize }: Pick<Run, "config" | "trainSize">): number {
  return config.batchSize === "full" ? trainSize : config.batchSize;
}

/** @param batchSize  1 ≤ batchSize ≤ trainSize. */
export function createBatchOrder(trainSize: number, batchSize: number, seed: number): BatchOrder {
  const batchesPerEpoch = Math.ceil(trainSize / batchSize);
  const random = createRandom(seed).stream("order");
  let shuffledEpoch = -1;
  let order = new Uint32Array(0);
  return {
    batchesPerEpoch,
    batch(step) {
      const epoch = Math.floor(step / batchesPerEpoch);
      if (epoch !== shuffledEpoch) {
        order = random.stream(epoch).shuffle(Uint32Array.from({ length: trainSize }, (_, i) => i));
        shuffledEpoch = epoch;
      }
      const from = (step % batchesPerEpoch) * batchSize;
      return order.subarray(from, Math.min(from + batchSize, trainSize));
    },
  };
}
