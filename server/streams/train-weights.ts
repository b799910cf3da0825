import type { OperatorFunction } from "rxjs";
import { isLogged } from "../../shared/schedule.ts";
import type { Sample } from "../../shared/stream.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { derived, everyOf } from "./derived.ts";

const NAME = "train/weights";

/**
 * θ at every `every`-th step, step 0 and the last. Each value is a copy that the receiver owns.
 * @cost one copy of D float32 per logged step.
 */
export function trainWeights(options: {
  readonly every?: number;
}): OperatorFunction<Step, Sample<Float32Array>> {
  const every = everyOf(options);
  return derived(
    NAME,
    () => (step) => (isLogged(step.step, every, step.lastStep) ? step.retain() : undefined),
  );
}

export const trainWeightsStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Weights θ",
    about:
      "All trainable parameters after t updates, as one vector in the header's order. Bit for bit what training used: any number of this session can be computed again from it.",
    unit: "θ",
    encoding: "f32",
    heavy: true,
    on: "theta",
    needs: "theta",
    cadence: { kind: "logged", every: 1 },
    fields: [{ path: "", label: "θ", unit: "θ", scale: "linear" }],
  },
  role: () => "geometry",
  scheduleKey: "weights",
  applies: () => true,
  derive: ({ every }) => trainWeights({ every }),
};
