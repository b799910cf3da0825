import { describe, expect, it } from "vitest";
import { topSubspace } from "../../server/streams/gradient-top-subspace.ts";
import { hessianEigenvalues } from "../../server/streams/hessian-eigenvalues.ts";
import { hessianOverlap } from "../../server/streams/hessian-overlap.ts";
import type { Step } from "../../server/training/run.ts";
import { makeStep, samplesOf, stepsAlong } from "../support/make-steps.ts";
import { diagonalObjective } from "../support/quadratic-objective.ts";

const D = 300;
const TOP = [12, 10, 9];
const spectrum = (first: number) =>
  Float64Array.from({ length: D }, (_, i) => TOP[i - first] ?? Math.sin(i) / 2);
const steps = (count: number, theta: (t: number) => ArrayLike<number>): Step[] =>
  stepsAlong(Array.from({ length: count }, (_, t) => theta(t)));

describe("gradient/top-subspace", () => {
  it("is the share of the gradient in the eigenvectors that are known, beside that in random directions", async () => {
    const objective = diagonalObjective(D, () => spectrum(0));
    // ∇ᵢ = λᵢθᵢ: with θ = 1/λ for the first and for all others too, each component of g is 1.
    const theta = Float64Array.from(spectrum(0), (value) => 1 / value);
    const [sample] = await samplesOf([makeStep(0, theta)], topSubspace(objective, { k: 3 }));
    expect(sample?.value.share).toBeCloseTo(3 / D, 4);
    expect(sample?.value).toMatchObject({ k: 3, converged: 3 });
    const along = Float64Array.from({ length: D }, (_, i) => (i < 2 ? 1 : 0));
    const [leading] = await samplesOf([makeStep(0, along)], topSubspace(objective, { k: 3 }));
    expect(leading?.value.share).toBeCloseTo(1, 5);
    expect(leading?.value.control).toBeLessThan(0.1);
  });

  it("uses the eigenvectors that hessian/eigenvalues has found at the same step, and measures by itself else", async () => {
    const objective = diagonalObjective(D, () => spectrum(0));
    const [step] = steps(1, () => new Float32Array(D).fill(1));
    const at = [step as Step];
    const [spectra] = await samplesOf(at, hessianEigenvalues(objective, { top: 4, bottom: 0 }));
    const spent = objective.calls.apply;
    const [shared] = await samplesOf(at, topSubspace(objective, { k: 3 }));
    expect(objective.calls.apply).toBe(spent);
    expect(spectra?.value.hvps).toBe(spent);
    const [own] = await samplesOf(
      [makeStep(0, new Float32Array(D).fill(1))],
      topSubspace(objective, { k: 3 }),
    );
    expect(objective.calls.apply).toBeGreaterThan(spent);
    expect(own?.value.share).toBeCloseTo(shared?.value.share ?? Number.NaN, 4);
  });

  it("refuses a subspace without dimensions", () => {
    const objective = diagonalObjective(D, () => spectrum(0));
    expect(() => topSubspace(objective, { k: 0 })).toThrow("k: expected a positive integer, got 0");
    expect(() => hessianOverlap(objective, { k: 1.5 })).toThrow("k: expected a positive integer, got 1.5");
  });

  it("is NaN where gradient or Hessian is not finite, and where the gradient is zero", async () => {
    const broken = diagonalObjective(D, () => spectrum(0).fill(Number.NaN));
    const [sample] = await samplesOf([makeStep(0, new Float32Array(D).fill(1))], topSubspace(broken));
    expect(sample?.value).toMatchObject({ share: Number.NaN, control: Number.NaN, converged: 0 });
    const fine = diagonalObjective(D, () => spectrum(0));
    const [atMinimum] = await samplesOf([makeStep(0, new Float32Array(D))], topSubspace(fine));
    expect(atMinimum?.value.share).toBeNaN();
  });

  it("has no share of a Hessian that is zero, whose first eigenvectors are any", async () => {
    const flat = diagonalObjective(D, () => new Float64Array(D));
    const slope = new Float32Array(D).fill(1);
    const sloping: typeof flat = {
      ...flat,
      linearise: (theta) => ({ ...flat.linearise(theta), gradient: slope }),
    };
    const [sample] = await samplesOf([makeStep(0, slope)], topSubspace(sloping, { k: 3 }));
    expect(sample?.value).toMatchObject({ share: Number.NaN, control: expect.closeTo(3 / D, 1), k: 3 });
  });
});

describe("hessian/overlap", () => {
  it("is 1 while the top subspace stays, and falls by what of it has changed", async () => {
    // At step 6 the three large eigenvalues move on by one coordinate: two of three directions remain.
    const objective = diagonalObjective(D, ([t = 0]) => spectrum(t < 6 ? 0 : 1));
    const moving = steps(12, (t) => Float32Array.from({ length: D }, (_, i) => (i === 0 ? t : 1)));
    const samples = await samplesOf(moving, hessianOverlap(objective, { every: 2, k: 3 }));
    expect(samples.map(({ step }) => step)).toEqual([0, 1, 2, 4, 6, 8, 10, 11]);
    const before = samples.map(({ value }) => value.previous?.overlap ?? null);
    expect(before[0]).toBeNull();
    for (const i of [1, 2, 3, 5, 6, 7]) expect(before[i]).toBeCloseTo(1, 4);
    expect(before[4]).toBeCloseTo(2 / 3, 3);
    expect(samples[4]?.value).toMatchObject({ k: 3, control: 3 / D, previous: { step: 4 } });
    const fromStart = samples.map(({ value }) => value.references[0]?.overlap ?? null);
    expect(fromStart[0]).toBeNull();
    expect(fromStart[3]).toBeCloseTo(1, 4);
    expect(fromStart[7]).toBeCloseTo(2 / 3, 3);
    // The snapshot of step 10 is there one measurement later.
    expect(samples.at(-1)?.value.references.map(({ step }) => step)).toEqual([0, 10]);
    expect(samples.at(-1)?.value.references[1]?.overlap).toBeCloseTo(1, 4);
  });

  it("is NaN where the Hessian is zero, and nothing is compared with that step", async () => {
    const objective = diagonalObjective(D, ([t = 0]) => (t === 1 ? new Float64Array(D) : spectrum(0)));
    const moving = steps(4, (t) => Float32Array.from({ length: D }, (_, i) => (i === 0 ? t : 1)));
    const samples = await samplesOf(moving, hessianOverlap(objective, { k: 3 }));
    expect(samples[1]?.value.previous).toEqual({ step: 0, overlap: Number.NaN });
    expect(samples[1]?.value.references).toEqual([{ step: 0, overlap: Number.NaN }]);
    expect(samples[2]?.value.previous).toEqual({ step: 0, overlap: expect.closeTo(1, 4) });
    expect(samples[3]?.value.previous?.step).toBe(2);
  });

  it("keeps four snapshots and the last measurement, however long the run", async () => {
    const objective = diagonalObjective(D, () => spectrum(0));
    const long = [0, 10, 20, 30, 100, 1000, 2000, 10_000, 20_000].map((t) =>
      makeStep(t, new Float32Array(D).fill(1)),
    );
    const samples = await samplesOf(long, hessianOverlap(objective, { every: 10, k: 3 }));
    expect(samples.at(-1)?.value.references.map(({ step }) => step)).toEqual([0, 10, 100, 1000]);
  });

  it("compares a demanded step and keeps nothing of it; a step that is not finite is NaN and not kept", async () => {
    const objective = diagonalObjective(D, ([t = 0]) =>
      t === 2 ? spectrum(0).fill(Number.NaN) : spectrum(0),
    );
    const asked = steps(5, (t) => Float32Array.from({ length: D }, (_, i) => (i === 0 ? t : 1))).map(
      (step) => (step.step === 1 ? { ...step, demanded: 7 } : step),
    );
    const samples = await samplesOf(asked, hessianOverlap(objective, { channel: 7, k: 3 }));
    expect(samples.map(({ value }) => value.previous?.step ?? null)).toEqual([null, 0, 0, 0, 3]);
    expect(samples[2]?.value.previous?.overlap).toBeNaN();
    expect(samples[3]?.value.previous?.overlap).toBeCloseTo(1, 4);
  });
});
