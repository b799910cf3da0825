import type { OperatorFunction } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { derived } from "./derived.ts";

const NAME = "train/loss";

/** The minibatch loss at θ_{t−1} that made update t, from t = 1. */
export function trainLoss(): OperatorFunction<Step, Sample<number>> {
  return derived(NAME, () => (step) => step.update?.loss);
}

export const trainLossStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Training loss",
    about:
      "Loss of the minibatch that made update t, at θ before that update. It moves with the draw of the batch as well as with θ; path/loss does not.",
    unit: "loss",
    encoding: "json",
    heavy: false,
    on: "minibatch",
    needs: "trainer",
    cadence: { kind: "step" },
    fields: [{ path: "", label: "Training loss", unit: "loss", scale: "log" }],
  },
  role: () => "trainer",
  scheduleKey: null,
  applies: () => true,
  derive: () => trainLoss(),
};
