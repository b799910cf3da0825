import { describe, expect, it } from "vitest";
import { topSubspace } from "../../server/streams/gradient-top-subspace.ts";
import { hessianEigenvalues } from "../../server/streams/hessian-eigenvalues.ts";
import type { Step } from "../../server/training/run.ts";
import { stabilityThreshold } from "../../shared/thresholds.ts";
import { makeStep, samplesOf, stepsAlong } from "../support/make-steps.ts";
import { diagonalObjective, quadraticObjective } from "../support/quadratic-objective.ts";

const D = 400;
/** A bulk of both signs, and what stands out of it. */
function spectrum(outliers: readonly number[], size = D): Float64Array {
  const values = Float64Array.from({ length: size }, (_, i) => Math.sin(i) ** 3);
  outliers.forEach((value, i) => {
    values[7 + 13 * i] = value;
  });
  return values;
}
const steps = (count: number, size = D): Step[] =>
  stepsAlong(Array.from({ length: count }, (_, t) => Array.from({ length: size }, () => t)));

describe("hessian/eigenvalues", () => {
  it("finds the ends of a known spectrum in algebraic order, each within its residual", async () => {
    const exact = [...spectrum([20, 9, 8, -5, -4])].sort((a, b) => b - a);
    const objective = diagonalObjective(D, () => spectrum([20, 9, 8, -5, -4]));
    const options = { every: 1, top: 3, bottom: 2, tolerance: 1e-4, bottomTolerance: 1e-4 };
    const [sample] = await samplesOf([makeStep(0, spectrum([]))], hessianEigenvalues(objective, options));
    const value = sample?.value;
    expect(value?.top).toHaveLength(3);
    expect(value?.bottom).toHaveLength(2);
    for (const [i, { value: lambda, residual, converged }] of (value?.top ?? []).entries()) {
      expect(converged).toBe(true);
      expect(residual).toBeLessThanOrEqual(1e-4 * 20);
      expect(Math.abs(lambda - (exact[i] ?? 0))).toBeLessThanOrEqual(residual + 1e-6 * 20);
    }
    for (const [i, { value: lambda, residual }] of (value?.bottom ?? []).entries()) {
      expect(residual).toBeLessThanOrEqual(1e-4 * 5);
      expect(Math.abs(lambda - (exact.at(-1 - i) ?? 0))).toBeLessThanOrEqual(residual + 1e-6 * 20);
    }
    expect(value).toMatchObject({ n: 1, eta: 0.1, threshold: null, rule: null, ratio: null, coldGap: null });
    expect(value?.hvps).toBe(objective.calls.apply);
    expect(value?.thetaNorm).toBeCloseTo(Math.hypot(...spectrum([])), 4);
    expect(objective.calls.dispose).toBe(1);
  });

  it("compares λ₁ with the threshold at the η of the step", async () => {
    const objective = quadraticObjective([
      {
        hessian: [
          [8, 0],
          [0, 1],
        ],
        centre: [0, 0],
      },
    ]);
    const threshold = (eta: number) =>
      stabilityThreshold({ optimizer: "gd", momentum: 0, isFullBatch: true }, eta);
    const twoRates = [0.2, 0.5].map((learningRate, step) => makeStep(step, [1, 1], { learningRate }));
    const samples = await samplesOf(twoRates, hessianEigenvalues(objective, { threshold }));
    expect(samples.map(({ value }) => [value.threshold, value.eta])).toEqual([
      [10, 0.2],
      [4, 0.5],
    ]);
    expect(samples[0]?.value.ratio).toBeCloseTo(0.8, 6);
    expect(samples[1]?.value.ratio).toBeCloseTo(2, 6);
    expect(samples[0]?.value.loss).toBeCloseTo(4.5, 6);
  });

  it("starts warm: later measurements of a slowly moving Hessian cost fewer products", async () => {
    const objective = diagonalObjective(D, ([t = 0]) => spectrum([20 + t, 9, 8, -5, -4]));
    const samples = await samplesOf(steps(6), hessianEigenvalues(objective, { top: 3, bottom: 2 }));
    const [cold = 0, ...warm] = samples.slice(0, 5).map(({ value }) => value.hvps);
    expect(Math.max(...warm)).toBeLessThan(cold);
    for (const [t, { value }] of samples.entries()) expect(value.top[0]?.value).toBeCloseTo(20 + t, 2);
  });

  it("finds at once a new top direction that is so near to the old one that a warm start ends before it shows", async () => {
    const size = 3000;
    const values = (t: number) => spectrum(t === 0 ? [10, 0] : [10, 10.05], size);
    const objective = diagonalObjective(size, ([t = 0]) => values(t));
    const options = { top: 1, bottom: 0, coldEvery: 5, tolerance: 1, seed: 3 };
    const samples = await samplesOf(steps(9, size), hessianEigenvalues(objective, options));
    expect(samples[0]?.value.top[0]?.value).toBeCloseTo(10, 4);
    for (const { value } of samples.slice(1)) expect(value.top[0]?.value).toBeCloseTo(10.05, 4);
    const gaps = samples.map(({ value }) => value.coldGap);
    expect(gaps.map((gap) => gap === null)).toEqual([true, true, true, true, true, false, true, true, false]);
    for (const step of [5, 8]) expect(gaps[step]).toBeLessThan(1e-5);
  });

  it("finds a copy of λ₁ that nothing tells of at the next check, and says by how much that raised the top", async () => {
    // Noise has so little of one direction among so many that λ₁'s vector does not visibly turn towards it.
    const size = 100_000;
    const objective = diagonalObjective(size, ([t = 0]) => spectrum([10, 8, 6, t < 2 ? 0 : 10], size));
    const options = { top: 2, bottom: 0, coldEvery: 4, seed: 1 };
    const samples = await samplesOf(steps(6, size), hessianEigenvalues(objective, options));
    const second = samples.map(({ value }) => value.top[1]?.value ?? 0);
    for (const step of [0, 1, 2, 3]) expect(second[step]).toBeCloseTo(8, 3);
    for (const step of [4, 5]) expect(second[step]).toBeCloseTo(10, 3);
    expect(samples[4]?.value.coldGap).toBeCloseTo((10 - 8) / 10, 3);
    expect(samples[5]?.value.coldGap, "it has not been lost since").toBeLessThan(1e-5);
  });

  it("keeps all copies of a multiple eigenvalue from one warm start to the next", async () => {
    const tenfold = [...new Array(10).fill(20), 9, 8, 8, 7];
    const objective = diagonalObjective(D, ([t = 0]) =>
      spectrum(tenfold.map((value) => value * (1 + t / 10))),
    );
    const samples = await samplesOf(steps(8), hessianEigenvalues(objective, { top: 12, bottom: 2 }));
    for (const [t, { value }] of samples.entries()) {
      const exact = tenfold.slice(0, 12).map((each) => each * (1 + t / 10));
      for (const [i, pair] of value.top.entries()) {
        expect(pair.converged).toBe(true);
        expect(Math.abs(pair.value / (exact[i] as number) - 1), `λ${i + 1} at step ${t}`).toBeLessThan(1e-4);
      }
      expect(value.coldGap ?? 0).toBeLessThan(1e-5);
    }
  });

  it("has no gap to tell of where every eigenvalue is zero", async () => {
    const objective = diagonalObjective(D, () => new Float64Array(D));
    const samples = await samplesOf(steps(2), hessianEigenvalues(objective, { top: 2, bottom: 1 }));
    expect(samples[1]?.value).toMatchObject({
      coldGap: null,
      top: [{ value: 0, residual: 0, converged: true }, {}],
    });
  });

  it("follows the smallest eigenvalues to convergence at checks, where they lie at the edge of a dense bulk", async () => {
    const size = 1200;
    const values = Float64Array.from({ length: size }, (_, i) => (2 * i) / size - 0.05);
    values.set([10, 9, 8], 600);
    const objective = diagonalObjective(size, () => values);
    const options = { top: 3, bottom: 2, coldEvery: 3, checkApplications: 300, seed: 2 };
    const samples = await samplesOf(steps(7, size), hessianEigenvalues(objective, options));
    const checked = samples.filter(({ value }) => value.coldGap !== null);
    expect(checked.map(({ step }) => step)).toEqual([3, 6]);
    for (const { value } of checked) {
      for (const [i, { value: lambda, residual, converged }] of value.bottom.entries()) {
        expect(converged).toBe(true);
        expect(Math.abs(lambda - ((2 * i) / size - 0.05))).toBeLessThanOrEqual(residual + 1e-5);
      }
    }
    expect(samples[0]?.value.bottom.map(({ converged }) => converged)).toContain(false);
    // Of the start 64; the look beside it sees at once that nothing larger is missing.
    expect(samples[0]?.value.hvps).toBeGreaterThan(64);
    expect(samples[0]?.value.hvps).toBeLessThan(96);
  });

  it("always checks the last step cold", async () => {
    const objective = diagonalObjective(D, () => spectrum([20]));
    const samples = await samplesOf(steps(4), hessianEigenvalues(objective, { top: 1, bottom: 1 }));
    expect(samples.map(({ value }) => value.coldGap === null)).toEqual([true, true, true, false]);
  });

  it("measures the probe's error on a second probe at cold checks", async () => {
    const first = diagonalObjective(D, () => spectrum([20]));
    const second = diagonalObjective(D, () => spectrum([23]));
    const options = { top: 1, bottom: 0, secondObjective: second };
    const samples = await samplesOf(steps(3), hessianEigenvalues(first, options));
    expect(samples.slice(0, 2).map(({ value }) => value.probeStdErr)).toEqual([null, null]);
    expect(samples[2]?.value.probeStdErr).toBeCloseTo(3 / Math.SQRT2, 2);
    expect(samples[2]?.value.hvps).toBeGreaterThan(second.calls.apply);
    expect(second.calls.dispose).toBe(1);
  });

  it("flags what has not converged within its products", async () => {
    const objective = diagonalObjective(D, () => Float64Array.from({ length: D }, (_, i) => i / D));
    const options = { top: 3, bottom: 0, maxApplications: 8 };
    const [sample] = await samplesOf(steps(1), hessianEigenvalues(objective, options));
    // Eight of the start, eight of a look beside it, and one for the residual of what that saw.
    expect(sample?.value.hvps).toBe(17);
    expect(sample?.value.top.map(({ converged }) => converged)).toContain(false);
  });

  it("gives the same bits for the same seed, and other noise for another", async () => {
    const run = async (seed: number) => {
      const objective = diagonalObjective(D, ([t = 0]) => spectrum([20 + t, 9]));
      return JSON.stringify(await samplesOf(steps(4), hessianEigenvalues(objective, { top: 2, seed })));
    };
    const once = await run(1);
    expect(await run(1)).toBe(once);
    expect(await run(2)).not.toBe(once);
  });

  it("publishes no v₁ of a Hessian that is zero: any vector would do", async () => {
    const published: [number, boolean][] = [];
    const modes = {
      publish: (step: number, v: Float32Array | null) => void published.push([step, v !== null]),
      take: () => null,
    };
    const objective = diagonalObjective(8, ([t = 0]) => new Float64Array(8).fill(t === 1 ? 0 : 3));
    const steps = stepsAlong([0, 1, 2].map((t) => new Float32Array(8).fill(t)));
    await samplesOf(steps, hessianEigenvalues(objective, { top: 2, bottom: 1, modes }));
    expect(published).toEqual([
      [0, true],
      [1, false],
      [2, true],
    ]);
  });

  it("publishes v₁ of each due step, unit and aligned with the top axis, and nothing for a demanded one", async () => {
    const published: [number, Float32Array | null][] = [];
    const modes = {
      publish: (step: number, vector: Float32Array | null) => void published.push([step, vector]),
      take: () => null,
    };
    const objective = diagonalObjective(D, () => spectrum([20]));
    const demanded = steps(12).map((step) => (step.step === 6 ? { ...step, demanded: 1 } : step));
    const options = { every: 4, top: 1, bottom: 0, channel: 1, modes };
    const samples = await samplesOf(demanded, hessianEigenvalues(objective, options));
    expect(samples.map(({ step }) => step)).toEqual([0, 1, 2, 4, 6, 8, 11]);
    expect(published.map(([step]) => step)).toEqual([0, 1, 2, 4, 8, 11]);
    for (const [, vector] of published) expect(Math.abs(vector?.[7] ?? 0)).toBeGreaterThan(0.9999);
  });

  it("lets a demanded measurement change nothing that comes later", async () => {
    const run = async (demanded: number | null) => {
      const objective = diagonalObjective(D, ([t = 0]) => spectrum([20 + t, 9]));
      const asked = steps(12).map((step) => (step.step === 6 ? { ...step, demanded } : step));
      const options = { every: 4, top: 2, bottom: 0, channel: 1, coldEvery: 3 };
      const samples = await samplesOf(asked, hessianEigenvalues(objective, options));
      return samples.filter(({ step }) => step !== 6);
    };
    expect(await run(1)).toEqual(await run(null));
  });

  it("gives NaN, not converged, where the Hessian is not finite, and goes on", async () => {
    const objective = diagonalObjective(D, ([t = 0]) => spectrum(t === 1 ? [Number.NaN] : [20]));
    const vectors: (Float32Array | null)[] = [];
    const modes = { publish: (_: number, v: Float32Array | null) => void vectors.push(v), take: () => null };
    const threshold = () => ({ threshold: 10, rule: "gd" as const });
    const options = { top: 2, bottom: 1, modes, threshold };
    const samples = await samplesOf(steps(3), hessianEigenvalues(objective, options));
    const nothing = { value: Number.NaN, residual: Number.NaN, converged: false };
    expect(samples[1]?.value).toMatchObject({
      top: [nothing, nothing],
      bottom: [nothing],
      ratio: Number.NaN,
    });
    expect(vectors.map((vector) => vector === null)).toEqual([false, true, false]);
    expect(samples[2]?.value.ratio).toBeCloseTo(2, 3);
  });

  it("gives the same where the loss has overflowed, though products have not, to streams that take its spectrum too", async () => {
    const objective = diagonalObjective(D, () => spectrum([20, 9]));
    const overflowing = {
      ...objective,
      linearise: (theta: Float32Array) => ({
        ...objective.linearise(theta),
        loss: Number.POSITIVE_INFINITY,
      }),
    };
    const published: unknown[] = [];
    const modes = { publish: (...what: unknown[]) => void published.push(what), take: () => null };
    const at = [makeStep(0, new Float32Array(D).fill(1))];
    const [sample] = await samplesOf(at, hessianEigenvalues(overflowing, { top: 2, bottom: 1, modes }));
    const nothing = { value: Number.NaN, residual: Number.NaN, converged: false };
    expect(sample?.value).toMatchObject({ top: [nothing, nothing], bottom: [nothing], coldGap: null });
    expect(published).toEqual([[0, null]]);
    const unknown = { share: Number.NaN, control: Number.NaN, k: 2, converged: 0 };
    const [shared] = await samplesOf(at, topSubspace(overflowing, { k: 2 }));
    expect(shared?.value).toEqual(unknown);
    const elsewhere = [makeStep(0, new Float32Array(D).fill(1))];
    const [own] = await samplesOf(elsewhere, topSubspace(overflowing, { k: 2 }));
    expect(own?.value).toEqual(unknown);
  });

  it("frees the linearisation and publishes a failure when a product throws", async () => {
    const objective = diagonalObjective(D, () => spectrum([20]));
    const broken = {
      ...objective,
      linearise: (theta: Float32Array) => ({
        ...objective.linearise(theta),
        hessianVectorProduct: () => {
          throw new Error("out of memory");
        },
      }),
    };
    const published: unknown[] = [];
    const modes = { publish: (...what: unknown[]) => void published.push(what), take: () => null };
    await expect(samplesOf(steps(1), hessianEigenvalues(broken, { modes }))).rejects.toThrow("out of memory");
    expect(published).toEqual([[0, null]]);
    expect(objective.calls.dispose).toBe(1);
  });

  it("asks for no more pairs than there are parameters", async () => {
    const objective = quadraticObjective([
      {
        hessian: [
          [3, 1],
          [1, 3],
        ],
        centre: [0, 0],
      },
    ]);
    const [sample] = await samplesOf([makeStep(0, [1, 0])], hessianEigenvalues(objective));
    expect(sample?.value.top.map(({ value }) => Math.round(value * 1e5) / 1e5)).toEqual([4, 2]);
    expect(sample?.value.bottom).toEqual([]);
  });
});
