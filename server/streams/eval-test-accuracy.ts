import { EMPTY, type OperatorFunction } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Evaluable } from "../engine/in-pieces.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { type Schedule, scheduled } from "./derived.ts";
import { evaluationAt } from "./test-evaluation.ts";

const NAME = "eval/test-accuracy";

/**
 * Share of the test objective's examples that are classified correctly, at due steps; NaN where the targets are numbers.
 * @nonfinite an output that is not finite makes it NaN.
 * @cost one forward pass, shared with {@link import("./eval-test-loss.ts").testLoss} on the same steps.
 */
export function testAccuracy(
  objective: Evaluable,
  options: Schedule = {},
): OperatorFunction<Step, Sample<number>> {
  return scheduled(NAME, options, () => (step) => evaluationAt(objective, step).accuracy);
}

export const testAccuracyStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Test accuracy",
    about:
      "Share of test examples whose largest output is the label's. Two networks of equal accuracy can differ much in loss and in sharpness.",
    unit: "1",
    encoding: "json",
    heavy: false,
    on: "test",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [{ path: "", label: "Test accuracy", unit: "1", scale: "linear" }],
  },
  role: () => "curvature",
  scheduleKey: "eval",
  applies: (run) => run.testHasClasses,
  derive: ({ run, every, channel }) =>
    run.testObjective === null ? () => EMPTY : testAccuracy(run.testObjective, { every, channel }),
};
