import { describe, expect, it } from "vitest";
import { evenAlphas, measureLine, refineLine, roundingNoise } from "../../server/streams/line-measurement.ts";
import { lineProfile } from "../../server/streams/line-profile.ts";
import type { LineProfile } from "../../shared/readings.ts";
import { makeStep, samplesOf, stepsAlong } from "../support/make-steps.ts";
import {
  type CountingObjective,
  lossesObjective,
  quadraticObjective,
} from "../support/quadratic-objective.ts";

const at = (...theta: number[]) => Float32Array.from(theta);
const curve = (f: (x: number) => number) => lossesObjective(1, 1, ([x = 0]) => [f(x)]);

/** The profile of the line from 0 to 1 at the last step, on a sample of the training set. */
async function verdictOf(objective: CountingObjective, unrelated?: Float32Array): Promise<LineProfile> {
  const options = { isSample: true, ...(unrelated === undefined ? {} : { unrelatedInitial: unrelated }) };
  const steps = [makeStep(5, [1], { lastStep: 5 })];
  const [sample] = await samplesOf(steps, lineProfile(objective, { initial: at(0), ...options }));
  return sample?.value as LineProfile;
}

describe("line/profile", () => {
  it("is the exact parabola on a quadratic: eleven points on schedule, 51 at the last step", async () => {
    const objective = quadraticObjective([
      {
        hessian: [
          [4, 1],
          [1, 2],
        ],
        centre: [1, 2],
      },
      {
        hessian: [
          [2, 0],
          [0, 6],
        ],
        centre: [1, 2],
      },
    ]);
    // H = [[3, ½], [½, 4]], θ − c = −(1 − α)(1, 2): L = ½(1 − α)²·21
    const samples = await samplesOf(
      stepsAlong([
        [0, 0],
        [1, 2],
        [1, 2],
      ]),
      lineProfile(objective, { initial: at(0, 0) }),
    );
    expect(samples.map(({ value }) => [value.alphas.length >= 51, value.carriesVerdict])).toEqual([
      [false, false],
      [false, false],
      [true, true],
    ]);
    for (const { value } of samples.slice(1)) {
      for (const [i, alpha] of value.alphas.entries())
        expect(value.losses[i]).toBeCloseTo(10.5 * (1 - alpha) ** 2, 5);
      expect(value).toMatchObject({
        drawUp: 0,
        monotoneOnProbe: true,
        monotoneInPopulation: null,
        control: null,
      });
    }
    expect(samples[1]?.value.alphas).toHaveLength(11);
    // (1 − α)² = ½
    expect(samples[2]?.value.plateau).toBeCloseTo(1 - Math.SQRT1_2, 3);
  });

  it("finds a bump, refines it, and calls the line not monotone", async () => {
    const f = (x: number) => 2 - x + 0.5 * Math.exp(-(((x - 0.513) / 0.03) ** 2));
    const profile = await verdictOf(curve(f));
    let lowest = f(0);
    let dense = 0;
    for (let x = 0; x <= 1; x += 1e-5) {
      lowest = Math.min(lowest, f(x));
      dense = Math.max(dense, f(x) - lowest);
    }
    expect(profile.drawUp).toBeGreaterThan(0.999 * dense);
    expect(profile.drawUp).toBeLessThanOrEqual(dense + 1e-6);
    expect(profile.alphas.length).toBeGreaterThan(51);
    expect(profile.alphas).toEqual([...profile.alphas].sort((a, b) => a - b));
    expect(profile).toMatchObject({ monotoneOnProbe: false, monotoneInPopulation: false });
  });

  it("finds a bump between two of the 51 points where the line falls least", async () => {
    // Slope −1, but −0.2 from 0.50 to 0.52, where a tent hides.
    const slow = (x: number) => 0.8 * Math.min(0.02, Math.max(0, x - 0.5));
    const tent = (x: number) => 0.028 * Math.max(0, 1 - Math.abs(x - 0.511) / 0.004);
    const f = (x: number) => 2 - x + slow(x) + tent(x);
    const even = evenAlphas(51).map(f);
    expect(even.every((loss, i) => i === 0 || loss < (even[i - 1] ?? 0))).toBe(true);
    expect((await verdictOf(curve(f))).monotoneOnProbe).toBe(false);
  });

  it("counts the last interval: [3, 1, 2] is not monotone", async () => {
    const profile = await verdictOf(curve((x) => (x < 0.99 ? 3 - 2 * x : 2)));
    expect(profile.drawUp).toBeGreaterThan(0.9);
    expect(profile.monotoneOnProbe).toBe(false);
  });

  it("shows that an unrelated start's line is monotone too, or is not", async () => {
    const falling = curve((x) => (x - 1) ** 2);
    expect((await verdictOf(falling, at(5))).control).toMatchObject({ drawUp: 0, monotoneOnProbe: true });
    const walled = curve((x) => (x - 1) ** 2 + 30 * Math.exp(-10 * (x - 3) ** 2));
    const { control, alphas, monotoneOnProbe } = await verdictOf(walled, at(5));
    expect(monotoneOnProbe).toBe(true);
    expect(control?.monotoneOnProbe).toBe(false);
    expect(control?.losses).toHaveLength(alphas.length);
  });

  it("does not call a rise absent from the population when the probe is too small to tell", async () => {
    // The mean rises by 0.002 from ½ to 1; examples differ in sign, so that the standard error is far larger.
    const half = (x: number) => Math.max(0, x - 0.5);
    const noisy = lossesObjective(1, 4, ([x = 0]) =>
      [1, -1, 1, -1].map((sign) => 2 - Math.min(x, 0.5) + (0.004 + sign * 0.1) * half(x)),
    );
    const sure = lossesObjective(1, 4, ([x = 0]) =>
      [1, -1, 1, -1].map((sign) => 2 - Math.min(x, 0.5) + (0.002 + sign * 1e-6) * half(x)),
    );
    const noisyProfile = await verdictOf(noisy);
    expect(noisyProfile.drawUp).toBeCloseTo(0.002, 4);
    expect(noisyProfile.pairedStdErr).toBeCloseTo(0.05 / Math.sqrt(3), 4);
    expect(noisyProfile).toMatchObject({ monotoneOnProbe: false, monotoneInPopulation: false });
    // A rise of 1e-3, half a thousandth of L(θ₀), known to 1e-6: there, and negligible.
    expect(await verdictOf(sure)).toMatchObject({ monotoneOnProbe: false, monotoneInPopulation: true });
  });

  it("says nothing of a population where the data are all that training was fitted to", async () => {
    // Two examples learnt by heart: flat on them, whatever other data do.
    const flat = lossesObjective(1, 2, ([x = 0]) => [2 - x, 2 - x]);
    const steps = [makeStep(5, [1], { lastStep: 5 })];
    const profileOf = async (isSample: boolean) =>
      (await samplesOf(steps, lineProfile(flat, { initial: at(0), isSample })))[0]?.value;
    expect(await profileOf(false)).toMatchObject({ monotoneOnProbe: true, monotoneInPopulation: null });
    expect(await profileOf(true)).toMatchObject({ monotoneOnProbe: true, monotoneInPopulation: true });
  });

  it("is monotone in no sense where a loss is not finite", async () => {
    const profile = await verdictOf(curve((x) => (x > 0.4 && x < 0.6 ? Number.NaN : 1 - x)));
    expect(profile.drawUp).toBeNaN();
    expect(profile.plateau).toBeNaN();
    expect(profile).toMatchObject({ monotoneOnProbe: false, monotoneInPopulation: false });
  });

  it("carries the verdict at a demanded step", async () => {
    const steps = [makeStep(7, [1], { demanded: 3 })];
    const [sample] = await samplesOf(
      steps,
      lineProfile(
        curve((x) => 1 - x),
        { every: 10, channel: 3, initial: at(0) },
      ),
    );
    expect(sample?.value.carriesVerdict).toBe(true);
  });
});

describe("the noise floor", () => {
  it("is what one unit in the last place of θ does to the loss", () => {
    const slope = 1024; // exact in float32
    const noise = roundingNoise(
      curve((x) => slope * x),
      at(1),
    );
    expect([slope * 2 ** -23, slope * 2 ** -24]).toContain(noise);
    expect(
      roundingNoise(
        curve((x) => slope * x),
        at(0),
      ),
    ).toBe(0);
  });
});

describe("refinement of a line", () => {
  it("keeps the points it was given and evaluates only new ones", () => {
    const objective = curve((x) => Math.sin(9 * x));
    const line = measureLine(objective, at(0), at(1), evenAlphas(51));
    const refined = refineLine(objective, at(0), at(1), line);
    expect(objective.calls.forward).toBe(refined.alphas.length);
    expect(new Set(refined.alphas).size).toBe(refined.alphas.length);
    expect(refined.alphas).toEqual(expect.arrayContaining([...line.alphas]));
    for (const [i, alpha] of refined.alphas.entries())
      expect(refined.losses[i]).toBeCloseTo(Math.sin(9 * alpha), 5);
  });

  it("says where the path before lies beside the line, by hand", async () => {
    const objective = quadraticObjective([
      {
        hessian: [
          [1, 0],
          [0, 1],
        ],
        centre: [0, 0],
      },
    ]);
    const samples = await samplesOf(
      stepsAlong([
        [1, 1],
        [2, 2],
        [2, 1],
        [0, 1],
        [3, 1],
      ]),
      lineProfile(objective, { initial: at(1, 1) }),
    );
    expect(
      samples.map(({ value: { pathSteps, projection, residual } }) => ({ pathSteps, projection, residual })),
    ).toEqual([
      { pathSteps: [], projection: [], residual: [] },
      { pathSteps: [], projection: [], residual: [] },
      // From (1, 1) towards (2, 1): (2, 2) is as far along, and one length off.
      { pathSteps: [1], projection: [1], residual: [1] },
      // Towards (0, 1): behind the start.
      { pathSteps: [1, 2], projection: [-1, -1], residual: [1, 0] },
      { pathSteps: [1, 2, 3], projection: [0.5, 0.5, -0.5], residual: [0.5, 0, 0] },
    ]);
  });

  it("keeps a bounded number of points of the path, spread over all of it", async () => {
    const objective = quadraticObjective([{ hessian: [[1]], centre: [0] }]);
    const samples = await samplesOf(
      stepsAlong(Array.from({ length: 200 }, (_, t) => [t])),
      lineProfile(objective, { initial: at(0) }),
    );
    const pathSteps = samples.at(-1)?.value.pathSteps ?? [];
    expect(pathSteps.length).toBeGreaterThan(16);
    expect(pathSteps.length).toBeLessThanOrEqual(32);
    expect(pathSteps[0]).toBe(1);
    const gaps = pathSteps.slice(1).map((step, i) => step - (pathSteps[i] ?? Number.NaN));
    expect(new Set(gaps)).toEqual(new Set([8]));
  });
});
