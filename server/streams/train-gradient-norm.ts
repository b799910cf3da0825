import type { OperatorFunction } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { derived } from "./derived.ts";

const NAME = "train/gradient-norm";

/** ‖g‖₂ of update t, from t = 1. */
export function trainGradientNorm(): OperatorFunction<Step, Sample<number>> {
  return derived(NAME, () => (step) => step.update?.gradientNorm);
}

export const trainGradientNormStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Gradient norm ‖g‖",
    about:
      "Euclidean norm of the minibatch gradient that made update t, at θ before that update. With minibatches it does not go to zero at a minimum of the full loss.",
    unit: "loss·θ⁻¹",
    encoding: "json",
    heavy: false,
    on: "minibatch",
    needs: "trainer",
    cadence: { kind: "step" },
    fields: [{ path: "", label: "Gradient norm ‖g‖", unit: "loss·θ⁻¹", scale: "log" }],
  },
  role: () => "trainer",
  scheduleKey: null,
  applies: () => true,
  derive: () => trainGradientNorm(),
};
