import type { OperatorFunction } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { derived, everyOf, loggedFromFirst } from "./derived.ts";

const NAME = "train/state";

/** What continuing needs beside θ, every `every`-th step (default 500), at the first step and the last. Needs the trainer's own steps. */
export function trainState(
  options: { readonly every?: number } = {},
): OperatorFunction<Step, Sample<Uint8Array>> {
  const every = everyOf({ every: options.every ?? 500 });
  return derived(NAME, () => {
    const isIts = loggedFromFirst(every, false);
    return (step) => (isIts(step) ? step.captureState() : undefined);
  });
}

export const trainStateStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Training state",
    about:
      "What continuing from this step needs beside the weights: optimizer slots, random generators and the position in the data order. Opaque bytes for the version that wrote them.",
    unit: "bytes",
    encoding: "bytes",
    heavy: true,
    on: "run",
    needs: "trainer",
    cadence: { kind: "logged", every: 500 },
    fields: [],
  },
  role: () => "trainer",
  scheduleKey: "state",
  applies: () => true,
  derive: ({ every }) => trainState({ every }),
};
