import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distanceToInit } from "../../server/streams/distance-to-init.ts";
import { samplesOf, stepsAlong } from "../support/make-steps.ts";

const at = (...theta: number[]) => Float32Array.from(theta);
const lastOf = async (path: number[][], parameters?: { offset: number; shape: number[] }[]) => {
  const [initial = []] = path;
  const samples = await samplesOf(stepsAlong(path), distanceToInit(at(...initial), parameters));
  return samples.at(-1)?.value;
};

describe("distance/to-init", () => {
  it("knows a straight path from a detour", async () => {
    const straight = await lastOf([
      [3, 4],
      [6, 8],
      [9, 12],
    ]);
    expect(straight).toEqual({
      l2: 10,
      relative: 2,
      pathLength: 10,
      straightness: 1,
      perLayer: [10],
      rotation: [0],
    });
    const there = await lastOf([
      [3, 4],
      [6, 8],
      [3, 4],
    ]);
    expect(there).toMatchObject({ l2: 0, pathLength: 10, straightness: 0 });
  });

  it("is 0, straight, at the start", async () => {
    expect(await lastOf([[3, 4]])).toEqual({
      l2: 0,
      relative: 0,
      pathLength: 0,
      straightness: 1,
      perLayer: [0],
      rotation: [0],
    });
  });

  it("takes parameters apart: distance and rotation of each, no angle for one that began at zero", async () => {
    const value = await lastOf(
      [
        [1, 0, 0, 0, 5],
        [0, 1, 3, 4, 5],
      ],
      [
        { offset: 0, shape: [1, 2] },
        { offset: 2, shape: [2] },
        { offset: 4, shape: [] },
      ],
    );
    expect(value?.perLayer).toEqual([Math.SQRT2, 5, 0]);
    expect(value?.rotation).toEqual([1, Number.NaN, 0]);
    expect(value?.l2).toBeCloseTo(Math.sqrt(27), 12);
  });

  it("agrees with sums written out in float64, on any path", async () => {
    const entry = fc.float({ min: -100, max: 100, noNaN: true });
    const theta = fc.array(entry, { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(theta, { minLength: 2, maxLength: 6 }), async (path) => {
        const between = (a: number[], b: number[]) => Math.hypot(...a.map((value, i) => value - (b[i] ?? 0)));
        const first = path[0] ?? [];
        const last = path.at(-1) ?? [];
        const moves = path.slice(1).map((now, i) => between(now, path[i] ?? []));
        const length = moves.reduce((sum, move) => sum + move, 0);
        const value = await lastOf(path);
        expect(value?.l2).toBeCloseTo(between(last, first), 9);
        expect(value?.pathLength).toBeCloseTo(length, 9);
        expect(value?.straightness).toBeLessThanOrEqual(1 + 1e-12);
      }),
      { numRuns: 60 },
    );
  });

  it("is NaN once θ is not finite, and fails on a θ of another size", async () => {
    expect(
      (
        await lastOf([
          [1, 1],
          [Number.NaN, 1],
        ])
      )?.l2,
    ).toBeNaN();
    await expect(lastOf([[1, 1], [1]])).rejects.toThrow("theta: expected 2 values, got 1");
  });
});
