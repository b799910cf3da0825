import { describe, expect, it } from "vitest";
import { streams } from "../../server/streams/index.ts";
import { chooseIntervals, chooseWeightsEvery, measurementMs } from "../../server/threads/intervals.ts";

const costs = { step: 10, linearise: 20, hvp: 10, project: 0, probeLoss: 5, testLoss: 30, batch: 4 };

describe("the intervals", () => {
  it("keep one core busy for less than its time when there is another to train on", () => {
    const every = chooseIntervals(costs, 2, 5);
    const busy = Object.entries(measurementMs(costs)).reduce(
      (sum, [key, ms]) => sum + ms / ((every[key] as number) * costs.step),
      0,
    );
    expect(busy).toBeLessThanOrEqual(1);
    expect(every).toMatchObject({ state: 500 });
  });

  it("keep all measuring within the overhead when there is only one core", () => {
    const every = chooseIntervals(costs, 1, 5);
    const share = Object.entries(measurementMs(costs)).reduce(
      (sum, [key, ms]) => sum + ms / ((every[key] as number) * costs.step),
      0,
    );
    expect(share).toBeLessThanOrEqual(0.05);
  });

  it("give the share of a stream that the run has not to nobody, and stay below the core all the same", () => {
    const keys = new Set(["hessian", "path"]);
    const every = chooseIntervals(costs, 2, 5, { keys });
    expect(Object.keys(every).sort()).toEqual(["hessian", "path", "state"]);
    expect(every["hessian"]).toBe(100);
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
