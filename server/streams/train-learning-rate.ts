import type { OperatorFunction } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { derived } from "./derived.ts";

const NAME = "train/learning-rate";

/** η of update t, from t = 1. */
export function trainLearningRate(): OperatorFunction<Step, Sample<number>> {
  return derived(NAME, () => (step) => step.update?.learningRate);
}

export const trainLearningRateStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Learning rate η",
    about:
      "Step size of update t. Where it is scheduled or set by hand, every threshold that is compared with sharpness moves with it.",
    unit: "1",
    encoding: "json",
    heavy: false,
    on: "minibatch",
    needs: "trainer",
    cadence: { kind: "step" },
    fields: [{ path: "", label: "Learning rate η", unit: "1", scale: "log" }],
  },
  role: () => "trainer",
  scheduleKey: null,
  applies: () => true,
  derive: () => trainLearningRate(),
};
