import { describe, expect, it } from "vitest";
import { createTurns, TrialPace, TrialWork } from "../../server/threads/trial.ts";

describe("a trial", () => {
  it("tells the steps that had company from those that had none, and leaves out those that had it for a part", () => {
    const turns = createTurns();
    const words = new Int32Array(turns);
    const pace = new TrialPace(turns);
    let nowMs = performance.now() + 400;
    const step = (ms: number, isBusy: boolean) => {
      words[1] = isBusy ? 1 : 0;
      pace.step(nowMs, nowMs + ms);
      nowMs += ms;
    };
    for (let turn = 0; turn < 6; turn++) {
      const isBusy = words[0] === 1;
      step(50, isBusy); // the first with another company than before: a part of each
      for (let i = 0; i < 8; i++) step(isBusy ? 13 : 10, isBusy);
      while ((words[0] === 1) === isBusy) step(isBusy ? 13 : 10, isBusy);
    }
    const { step: alone, stepBeside } = pace.end();
    // The very first has company as before: none.
    expect(alone).toBeGreaterThanOrEqual(10);
    expect(alone).toBeLessThan(13);
    expect(stepBeside).toBeCloseTo(13, 9);
  });

  it("of a run too short to tell gives the same twice, and of no step at all something", () => {
    const pace = new TrialPace(createTurns());
    const nowMs = performance.now();
    pace.step(nowMs, nowMs + 7);
    expect(pace.end()).toEqual({ step: 7, stepBeside: 7 });
    expect(new TrialPace(createTurns()).end()).toEqual({ step: 1, stepBeside: 1 });
  });

  it("lets nobody wait once it is over", () => {
    const turns = createTurns();
    const work = new TrialWork(turns);
    new TrialPace(turns).end();
    expect(work.isOver).toBe(true);
    let times = 0;
    work.medianMs(3, () => times++);
    expect(times).toBe(4);
    work.medianMsThroughout(2, () => times++);
    expect(times).toBe(7);
  });
});
