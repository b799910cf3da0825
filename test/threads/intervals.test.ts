import { describe, expect, it } from "vitest";
import { streams } from "../../server/streams/index.ts";
import { chooseIntervals, chooseWeightsEvery, measurementMs } from "../../server/threads/intervals.ts";
import { isLogged } from "../../shared/schedule.ts";

const costs = {
  step: 10,
  stepBeside: 12.5,
  linearise: 20,
  hvp: 10,
  project: 0,
  probeLoss: 5,
  testLoss: 30,
  batch: 4,
  geometry: 1,
  encode: 2,
};
/** As many as there are threads that want one. */
const cores = 4;
const weightsEvery = 4;

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
    const every = chooseIntervals(these, overhead, { cores, weightsEvery });
    const busy = busyShare(these, every);
    // While measuring, steps come at 1/stepBeside; else at 1/step.
    const pace = busy / these.stepBeside + (1 - busy) / these.step;
    expect(1 - pace * these.step).toBeLessThanOrEqual(overhead / 100);
    expect(every).toMatchObject({ state: 500 });
  });

  it("leave the curvature thread idle a tenth of the time where measuring costs training nothing", () => {
    const free = { ...costs, stepBeside: costs.step };
    const busy = busyShare(free, chooseIntervals(free, 5, { cores, weightsEvery }));
    expect(busy).toBeLessThanOrEqual(0.9);
    expect(busy).toBeGreaterThan(0.6);
  });

  it("give the share of a stream that the run has not to the others", () => {
    const every = chooseIntervals(costs, 5, { weightsEvery, keys: new Set(["hessian", "path"]) });
    expect(Object.keys(every).sort()).toEqual(["hessian", "path", "state"]);
    expect(every["hessian"]).toBeLessThan(chooseIntervals(costs, 5, { weightsEvery })["hessian"] as number);
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

  it("leave to geometry and the log what they need, where the cores are fewer than the threads", () => {
    const free = { ...costs, stepBeside: costs.step };
    const busy = busyShare(free, chooseIntervals(free, 5, { cores: 2, weightsEvery }));
    // Geometry takes 0.1 of a core, encoding 0.05.
    expect(busy).toBeLessThanOrEqual(0.9 - 0.1 - 0.05);
    expect(busy).toBeGreaterThan(0.3);
    const crowded = { ...free, geometry: 2 * costs.step };
    const least = busyShare(crowded, chooseIntervals(crowded, 5, { cores: 2, weightsEvery }));
    expect(least).toBeGreaterThan(0.05);
    expect(least).toBeLessThanOrEqual(0.1);
  });

  it("log θ as often as the recording's budget allows, and encoding takes no more of a core than training may lose", () => {
    const quick = { step: 10, encode: 0.1 };
    const choose = (parameterCount: number, steps: number) =>
      chooseWeightsEvery(quick, 5, { parameterCount, steps, budgetMiB: 128 });
    expect(choose(1000, 100)).toBe(1);
    for (const steps of [80, 1500, 9380, 30_000]) {
      const every = choose(199_210, steps);
      const logged = Array.from({ length: steps + 1 }, (_, t) => t).filter((t) =>
        isLogged(t, every, steps, true),
      );
      expect((logged.length * 199_210 * 4 * 0.5) / 2 ** 20).toBeLessThan(128);
    }
    // Of 1,502 θ a budget for 760 takes every second, of which step 1 is no multiple.
    expect(choose(79_510, 1500)).toBe(2);
    const small = { parameterCount: 1000, steps: 100, budgetMiB: 128 };
    expect(chooseWeightsEvery({ step: 10, encode: 0.9 }, 5, small)).toBe(2);
    expect(chooseWeightsEvery({ step: 10, encode: 0.9 }, 20, small)).toBe(1);
    // A step that is quick: no rarer than verify can follow.
    expect(chooseWeightsEvery({ step: 1, encode: 0.9 }, 5, small)).toBe(5);
  });
});
