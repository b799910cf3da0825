import type { OperatorFunction } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { derived } from "./derived.ts";

const NAME = "train/update-norm";

/** ‖θ_t − θ_{t−1}‖₂ of update t, from t = 1. */
export function trainUpdateNorm(): OperatorFunction<Step, Sample<number>> {
  return derived(NAME, () => (step) => step.update?.updateNorm);
}

export const trainUpdateNormStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Update norm ‖Δθ‖",
    about: "How far update t moved the parameters. The sum of it over all updates is the length of the path.",
    unit: "θ",
    encoding: "json",
    heavy: false,
    on: "minibatch",
    needs: "trainer",
    cadence: { kind: "step" },
    fields: [{ path: "", label: "Update norm ‖Δθ‖", unit: "θ", scale: "log" }],
  },
  role: () => "trainer",
  scheduleKey: null,
  applies: () => true,
  derive: () => trainUpdateNorm(),
};
