import { describe, expect, it } from "vitest";
import { streams } from "../../server/streams/index.ts";
import { chooseIntervals, chooseWeightsEvery, measurementMs } from "../../server/threads/intervals.ts";

const costs = {
  step: 10,
  stepBeside: 12.5,
  linearise: 20,
  hvp: 10,
  project: 0,
  probeLoss: 5,
  testLoss: 30,
  batch: 4,
};

/** Share of the curvature thread's time that the chosen intervals take, at the bare pace of training. */
function busyShare(of: typeof costs, every: Record<string, number>): number {
  return Object.entries(measurementMs(of)).reduce(
    (sum, [key, ms]) => sum + ms / ((every[key] as number) * of.step),
    0,
  );
}

describe("the intervals", () => {
  it.each([
    ["cores that share a cache", 12.5, 5],
    ["one core for both", 20, 5],
    ["a larger overhead", 12.5, 20],
  ])("keep what training loses within the overhead: %s", (_, stepBeside, overhead) => {
    const these = { ...costs, stepBeside };
    const every = chooseIntervals(these, overhead);
    const busy = busyShare(these, every);
    // While measuring, steps come at 1/stepBeside; else at 1/step.
    const pace = busy / these.stepBeside + (1 - busy) / these.step;
    expect(1 - pace * these.step).toBeLessThanOrEqual(overhead / 100);
    expect(every).toMatchObject({ state: 500 });
  });

  it("leave the curvature thread idle a tenth of the time where measuring costs training nothing", () => {
    const free = { ...costs, stepBeside: costs.step };
    const busy = busyShare(free, chooseIntervals(free, 5));
    expect(busy).toBeLessThanOrEqual(0.9);
    expect(busy).toBeGreaterThan(0.6);
  });

  it("give the share of a stream that the run has not to the others", () => {
    const every = chooseIntervals(costs, 5, { keys: new Set(["hessian", "path"]) });
    expect(Object.keys(every).sort()).toEqual(["hessian", "path", "state"]);
    expect(every["hessian"]).toBeLessThan(chooseIntervals(costs, 5)["hessian"] as number);
  });

  it("count what re-orthogonalising costs where there are many parameters", () => {
    const many = { ...costs, project: 3 };
    // Four times 24 steps, each against half of 24 vectors in the mean, one and a half times.
    expect((measurementMs(many)["density"] ?? 0) - (measurementMs(costs)["density"] ?? 0)).toBeCloseTo(
      4 * 24 * 12 * 1.5 * 3,
      6,
    );
  });

  it("know what each schedule key of the curvature thread costs", () => {
    const keys = streams
      .filter(({ descriptor }) => ["scheduled", "sparse"].includes(descriptor.cadence.kind))
      .flatMap(({ scheduleKey }) => scheduleKey ?? []);
    expect(Object.keys(measurementMs(costs)).sort()).toEqual([...new Set(keys)].sort());
  });

  it("log θ as often as the recording's budget allows", () => {
    expect(chooseWeightsEvery(1000, 100, 128)).toBe(1);
    const every = chooseWeightsEvery(199_210, 9380, 128);
    expect(((9380 / every) * 199_210 * 4 * 0.5) / 2 ** 20).toBeLessThan(128);
  });
});
