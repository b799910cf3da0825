import { connect, from, lastValueFrom, merge, toArray } from "rxjs";
import { expect, it } from "vitest";
import { testAccuracy } from "../../server/streams/eval-test-accuracy.ts";
import { testLoss } from "../../server/streams/eval-test-loss.ts";
import { stepsAlong } from "../support/make-steps.ts";
import { lossesObjective } from "../support/quadratic-objective.ts";

it("test loss and test accuracy come from one forward pass a step", async () => {
  const objective = lossesObjective(1, 2, ([theta = 0]) => [theta, theta + 2]);
  const samples = await lastValueFrom(
    from(stepsAlong([[3], [2], [1]])).pipe(
      connect((steps$) =>
        merge(
          steps$.pipe(testLoss(objective, { every: 2 })),
          steps$.pipe(testAccuracy(objective, { every: 2 })),
        ),
      ),
      toArray(),
    ),
  );
  expect(samples.map(({ channel, step, value }) => [channel, step, value])).toEqual([
    ["eval/test-loss", 0, 4],
    ["eval/test-accuracy", 0, 0.5],
    ["eval/test-loss", 1, 3],
    ["eval/test-accuracy", 1, 0.5],
    ["eval/test-loss", 2, 2],
    ["eval/test-accuracy", 2, 0.5],
  ]);
  expect(objective.calls.forward).toBe(3);
});
