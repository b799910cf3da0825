import { connect, from, lastValueFrom, merge, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { pathLoss } from "../../server/streams/path-loss.ts";
import { pathMonotonicity } from "../../server/streams/path-monotonicity.ts";
import type { Step } from "../../server/training/run.ts";
import { makeStep, samplesOf, stepsAlong } from "../support/make-steps.ts";
import { lossesObjective } from "../support/quadratic-objective.ts";

/** Both examples' loss is θ itself, ± a spread that depends on θ. */
const identity = () => lossesObjective(1, 2, ([theta = 0]) => [theta + theta / 8, theta - theta / 8]);
const along = (...losses: number[]) => stepsAlong(losses.map((loss) => [loss]));

describe("path/monotonicity", () => {
  it.each([
    { path: [3, 1, 2], drawUp: 1, excess: 1, upFraction: 1 / 2 },
    { path: [3, 2, 1], drawUp: 0, excess: 0, upFraction: 0 },
    { path: [1, 3, 2, 0, 1], drawUp: 2, excess: 1, upFraction: 2 / 4 },
    { path: [4, 2, 3, 1, 2.5, 1.5], drawUp: 1.5, excess: 0.5, upFraction: 2 / 5 },
    { path: [2, 2, 2], drawUp: 0, excess: 0, upFraction: 0 },
    { path: [7], drawUp: 0, excess: 0, upFraction: 0 },
  ])("of $path is $drawUp", async ({ path, drawUp, excess, upFraction }) => {
    const samples = await samplesOf(along(...path), pathMonotonicity(identity()));
    expect(samples).toHaveLength(path.length);
    expect(samples.at(-1)?.value).toMatchObject({ drawUp, excess, upFraction, every: 1 });
  });

  it("counts no rise that float32 could have made, and says of which loss that is a millionth", async () => {
    const samples = await samplesOf(along(2, 1, 1 + 2 ** -20, 1, 1 + 2 ** -18), pathMonotonicity(identity()));
    expect(samples.map(({ value }) => [value.firstLoss, value.upFraction])).toEqual([
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 1 / 4],
    ]);
    expect(samples.map(({ value }) => value.drawUp)).toEqual([0, 0, 2 ** -20, 2 ** -20, 2 ** -18]);
  });

  it("pairs examples: the standard error is that of the difference between the two steps that set the draw-up", async () => {
    const rows = [
      [5, 4, 6, 5],
      [1, 2, 3, 2],
      [2, 5, 4, 3],
      [2, 2, 4, 3],
    ];
    const objective = lossesObjective(1, 4, ([theta = 0]) => rows[theta] ?? []);
    const samples = await samplesOf(along(0, 1, 2, 3), pathMonotonicity(objective, { isSample: true }));
    expect(samples.slice(0, 2).map(({ value }) => [value.pairedStdErr, value.populationDrawUp])).toEqual([
      [null, 0],
      [null, 0],
    ]);
    // differences 1, 3, 1, 1: mean 1.5, sample variance 1, so 1/√4
    expect(samples[2]?.value.pairedStdErr).toBeCloseTo(0.5, 12);
    expect(samples[2]?.value.populationDrawUp).toBeCloseTo(0.5, 12);
    expect(samples[3]?.value.pairedStdErr).toBeCloseTo(0.5, 12);
    // All that training is fitted to: what is left of the rise is the rise.
    const onAll = await samplesOf(along(0, 1, 2, 3), pathMonotonicity(objective));
    expect(onAll.map(({ value }) => value.populationDrawUp)).toEqual([null, null, null, null]);
  });

  it("keeps its own copy of the lowest losses, which are borrowed", async () => {
    const shared = Float32Array.of(0, 0);
    function* steps() {
      for (const [step, losses] of [
        [8, 8],
        [1, 3],
        [4, 2],
      ].entries()) {
        shared.set(losses);
        yield makeStep(step, [0], { probeLosses: shared });
      }
    }
    const options = { lossesFromSteps: true };
    const samples = await samplesOf(steps(), pathMonotonicity(identity(), options));
    expect(samples.at(-1)?.value.drawUp).toBe(1);
    expect(samples.at(-1)?.value.pairedStdErr).toBeCloseTo(2, 12);
  });

  it("is NaN from the first loss that is not finite", async () => {
    const samples = await samplesOf(along(2, Number.POSITIVE_INFINITY, 1), pathMonotonicity(identity()));
    expect(samples.map(({ value }) => value.drawUp)).toEqual([0, Number.NaN, Number.NaN]);
    expect(samples.at(-1)?.value.populationDrawUp).toBeNull();
  });

  it("counts a step once that comes again because it was demanded", async () => {
    const [first, second, third] = along(3, 1, 2);
    const again = [first, second, { ...second, demanded: 4 }, third] as Step[];
    const samples = await samplesOf(again, pathMonotonicity(identity(), { channel: 4 }));
    expect(samples.map(({ step }) => step)).toEqual([0, 1, 1, 2]);
    expect(samples[2]?.value).toEqual(samples[1]?.value);
    expect(samples[3]?.value.upFraction).toBe(1 / 2);
  });

  it("names the interval at which it was measured", async () => {
    const samples = await samplesOf(along(5, 4, 9, 3, 2), pathMonotonicity(identity(), { every: 3 }));
    expect(samples.map(({ step, value }) => [step, value.drawUp, value.every])).toEqual([
      [0, 0, 3],
      [1, 0, 3],
      [2, 5, 3],
      [3, 5, 3],
      [4, 5, 3],
    ]);
  });
});

describe("path/loss", () => {
  it("is the objective's loss at the due steps", async () => {
    const samples = await samplesOf(along(8, 7, 6, 5, 4, 3), pathLoss(identity(), { every: 4 }));
    expect(samples.map(({ step, value }) => [step, value])).toEqual([
      [0, 8],
      [1, 7],
      [2, 6],
      [4, 4],
      [5, 3],
    ]);
  });

  it("shares one forward pass per step with path/monotonicity", async () => {
    const objective = identity();
    const both = from(along(3, 1, 2)).pipe(
      connect((steps$) => merge(steps$.pipe(pathLoss(objective)), steps$.pipe(pathMonotonicity(objective)))),
      toArray(),
    );
    expect(await lastValueFrom(both)).toHaveLength(6);
    expect(objective.calls.forward).toBe(3);
  });

  it("takes the losses that training has computed only when told that they are this objective's", async () => {
    const steps = along(3, 1).map((step) => ({ ...step, probeLosses: Float32Array.of(10, 20) }));
    const objective = identity();
    const values = async (lossesFromSteps: boolean) =>
      (await samplesOf(steps, pathLoss(objective, { lossesFromSteps }))).map(({ value }) => value);
    expect(await values(false)).toEqual([3, 1]);
    const asked = objective.calls.forward;
    expect(
      await samplesOf(
        steps.map((step) => ({ ...step })),
        pathLoss(objective, { lossesFromSteps: true }),
      ),
    ).toMatchObject([{ value: 15 }, { value: 15 }]);
    expect(objective.calls.forward).toBe(asked);
  });
});
