import type { RunSettings } from "./config.ts";

/** Up to this size the default is gradient descent on all examples, above it minibatches. */
const FULL_BATCH_SIZE = 5000;
const MINIBATCH_SIZE = 128;

/** Of data of the user's own: optimizer and batch size where only one of them, or neither, is said. */
export function updateDefaults(
  said: RunSettings,
  trainSize: number,
): Pick<RunSettings, "optimizer" | "batchSize"> {
  const isSmall = trainSize <= FULL_BATCH_SIZE;
  const asksForMinibatches = typeof said.batchSize === "number" && said.batchSize < trainSize;
  const optimizer =
    said.optimizer ?? (asksForMinibatches || (!isSmall && said.batchSize !== "full") ? "sgd" : "gd");
  const wantsFull = optimizer === "gd" || (optimizer !== "sgd" && isSmall);
  const batchSize = said.batchSize ?? (wantsFull ? "full" : Math.min(MINIBATCH_SIZE, trainSize));
  return { optimizer, batchSize };
}
