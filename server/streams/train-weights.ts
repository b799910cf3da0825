import { type OperatorFunction, startWith } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { derived, everyOf, loggedFromFirst } from "./derived.ts";

const NAME = "train/weights";

/**
 * θ at every `every`-th step, at powers of two, the first one seen and the last. Each value is a copy that the receiver owns.
 * @cost one copy of D float32 per logged step.
 */
export function trainWeights(options: {
  readonly every?: number;
}): OperatorFunction<Step, Sample<Float32Array>> {
  const every = everyOf(options);
  return derived(NAME, () => {
    const isIts = loggedFromFirst(every, true);
    return (step) => (isIts(step) ? step.retain() : undefined);
  });
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
    cadence: { kind: "logged", every: 1, dense: true },
    fields: [{ path: "", label: "θ", unit: "θ", scale: "linear" }],
  },
  role: () => "geometry",
  scheduleKey: "weights",
  applies: () => true,
  // A fork has no step 0 of its own; what its distances are measured from belongs into its log all the same.
  derive:
    ({ run, every }) =>
    (steps$) => {
      const weights$ = steps$.pipe(trainWeights({ every }));
      const begins = run.facts.fork?.step ?? 0;
      return begins === 0
        ? weights$
        : weights$.pipe(startWith({ channel: NAME, step: 0, value: run.initial.slice() }));
    },
};
