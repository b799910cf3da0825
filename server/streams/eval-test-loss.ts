import { EMPTY, type OperatorFunction } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Evaluable } from "../engine/in-pieces.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { type Schedule, scheduled } from "./derived.ts";
import { evaluationAt } from "./test-evaluation.ts";

const NAME = "eval/test-loss";

/**
 * Mean loss on the test objective's examples at due steps.
 * @cost one forward pass, shared with {@link import("./eval-test-accuracy.ts").testAccuracy} on the same steps.
 */
export function testLoss(
  objective: Evaluable,
  options: Schedule = {},
): OperatorFunction<Step, Sample<number>> {
  return scheduled(NAME, options, () => (step) => evaluationAt(objective, step).loss);
}

export const testLossStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Test loss",
    about:
      "Loss on examples that training never sees, by the same formula as the training loss. Compare it with path/loss, not with the minibatch loss.",
    unit: "loss",
    encoding: "json",
    heavy: false,
    on: "test",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [{ path: "", label: "Test loss", unit: "loss", scale: "log" }],
  },
  role: () => "curvature",
  scheduleKey: "eval",
  applies: (run) => run.testSize > 0,
  derive: ({ run, every, channel }) =>
    run.testObjective === null ? () => EMPTY : testLoss(run.testObjective, { every, channel }),
};
