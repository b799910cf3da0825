import { describe, expect, it } from "vitest";
import { createModes } from "../../server/streams/modes.ts";
import { topMode } from "../../server/streams/path-top-mode.ts";
import { samplesOf, stepsAlong } from "../support/make-steps.ts";

/** θ_t = (t, 10t); modes are published beforehand, as by a thread that is infinitely fast. */
const path = Array.from({ length: 13 }, (_, t) => [t, 10 * t]);

function modesAt(vectors: Record<number, number[] | null>) {
  const taken: number[] = [];
  return {
    taken,
    publish() {},
    take(step: number) {
      taken.push(step);
      const vector = vectors[step];
      return vector ? Float32Array.from(vector) : null;
    },
  };
}

describe("path/top-mode", () => {
  it("takes the mode of a due step into use after the next due step, and measures from θ there", async () => {
    const modes = modesAt({ 0: [1, 0], 1: [0, 1], 2: [1, 0], 4: [0, 1], 8: [1, 0] });
    const samples = await samplesOf(stepsAlong(path), topMode(modes, { every: 8 }));
    // due: 0 1 2 4 8 12
    expect(
      samples.map(({ step, value }) => [step, value.modeStep, value.referenceStep, value.projection]),
    ).toEqual([
      [2, 0, 2, 0],
      [3, 1, 3, 0],
      [4, 1, 3, 10],
      [5, 2, 5, 0],
      [6, 2, 5, 1],
      [7, 2, 5, 2],
      [8, 2, 5, 3],
      [9, 4, 9, 0],
      [10, 4, 9, 10],
      [11, 4, 9, 20],
      [12, 4, 9, 30],
    ]);
    expect(modes.taken).toEqual([0, 1, 2, 4]);
  });

  it("turns a new mode to the side of the one before", async () => {
    const modes = modesAt({ 0: [1, 0], 1: [-0.8, 0.6] });
    const samples = await samplesOf(stepsAlong(path.slice(0, 5)), topMode(modes, { every: 8 }));
    // (0.8, −0.6)·(1, 10) for one step beyond the reference at 3
    expect(samples.find(({ step }) => step === 4)?.value.projection).toBeCloseTo(-5.2, 5);
  });

  it("keeps the older mode where a measurement failed", async () => {
    const modes = modesAt({ 0: [1, 0], 1: null, 2: [0, 1] });
    const samples = await samplesOf(stepsAlong(path.slice(0, 7)), topMode(modes, { every: 4 }));
    expect(samples.map(({ step, value }) => [step, value.modeStep])).toEqual([
      [2, 0],
      [3, 0],
      [4, 0],
      [5, 2],
      [6, 2],
    ]);
  });
});

describe("modes within one thread", () => {
  it("hold what was published until it is asked for, and a few at most", () => {
    const modes = createModes();
    const v = Float32Array.of(1);
    for (const step of [0, 1, 2, 4, 8, 16]) modes.publish(step, step === 8 ? null : v);
    expect(modes.take(1)).toBeNull();
    expect(modes.take(4)).toBe(v);
    expect(modes.take(8)).toBeNull();
    expect(modes.take(4)).toBeNull();
    expect(modes.take(16)).toBe(v);
  });
});
