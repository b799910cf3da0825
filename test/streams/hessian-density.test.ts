import { describe, expect, it } from "vitest";
import type { Objective } from "../../server/engine/objective.ts";
import { hessianDensity } from "../../server/streams/hessian-density.ts";
import { hessianEigenvalues } from "../../server/streams/hessian-eigenvalues.ts";
import type { HessianDensity } from "../../shared/readings.ts";
import { withSpectrum } from "../numerics/symmetric.ts";
import { makeStep, samplesOf, stepsAlong } from "../support/make-steps.ts";
import { diagonalObjective, quadraticObjective } from "../support/quadratic-objective.ts";

const D = 200;
const OUTLIERS = [20, 17, 15, 14, 12];
/** Nine tenths within 1 % of λ₁, some beyond on both sides, five outliers: the shape that networks have. */
const SPECTRUM = [
  ...Array.from({ length: 150 }, (_, i) => 0.19 * Math.sin(i)),
  ...Array.from({ length: 30 }, (_, i) => 0.3 + 0.05 * i),
  ...Array.from({ length: 15 }, (_, i) => -0.25 - 0.05 * i),
  ...OUTLIERS,
];
/** Rotated: random signs would see a diagonal matrix's trace without error. */
const HESSIAN = withSpectrum(SPECTRUM, 3).matrix.to2DArray();
const objective = quadraticObjective([{ hessian: HESSIAN, centre: new Array<number>(D).fill(0) }]);
const step = makeStep(0, new Float32Array(D));

async function measured(
  options: Parameters<typeof hessianDensity>[1],
  of: Objective = objective,
): Promise<HessianDensity> {
  const [sample] = await samplesOf(
    [makeStep(0, new Float32Array(of.parameterCount))],
    hessianDensity(of, options),
  );
  if (sample === undefined) throw new Error("no sample");
  return sample.value;
}

const share = (test: (value: number) => boolean) => SPECTRUM.filter(test).length / D;
const trace = SPECTRUM.reduce((sum, value) => sum + value, 0);

/** ∫ λᵖ φ(λ) dλ by the trapezoid rule. */
function moment({ lambda, density }: HessianDensity, power: number): number {
  const width = (lambda[1] ?? 0) - (lambda[0] ?? 0);
  return lambda.reduce((sum, at, i) => sum + width * at ** power * (density[i] ?? 0), 0);
}

describe("hessian/density", () => {
  it("has mass 1, and the moments of the dense spectrum within their spread over probes", async () => {
    const found = await measured({ probes: 40, lanczosSteps: 30 });
    expect(moment(found, 0)).toBeCloseTo(1, 5);
    for (const power of [1, 2]) {
      const mean = (p: number) => SPECTRUM.reduce((sum, value) => sum + value ** p, 0) / D;
      // uᵀHᵖu of random signs has a variance of at most 2‖Hᵖ‖_F²/D².
      const spread = Math.sqrt((2 * mean(2 * power)) / D / 40);
      const kernel = power === 2 ? found.kernelWidth ** 2 : 0;
      expect(Math.abs(moment(found, power) - kernel - mean(power))).toBeLessThan(3 * spread);
    }
    expect(found.trace / D).toBeCloseTo(moment(found, 1), 5);
  });

  it("gives trace and shares as they are, within three of the standard errors that it states", async () => {
    const found = await measured({ probes: 40, lanczosSteps: 40 });
    expect(found.nearZeroBelow).toBeCloseTo(0.2, 4);
    expect(Math.abs(found.trace - trace)).toBeLessThan(3 * found.traceStdErr);
    const near = share((value) => Math.abs(value) < 0.2);
    expect(Math.abs(found.nearZeroFraction - near)).toBeLessThan(3 * found.nearZeroStdErr + 0.01);
    expect(Math.abs(found.negativeMass - share((value) => value < -0.2))).toBeLessThan(0.02);
    expect(found).toMatchObject({ probes: 40, lanczosSteps: 40, n: 1, hvps: 1600 });
  });

  it("states a standard error of the trace that covers the trace as often as it should", async () => {
    // Student's t with 7 degrees of freedom, two-sided 95 %; 300 seeds: the share of hits has a standard error of 1.3 %.
    const t = 2.365;
    const values = [...SPECTRUM.slice(0, 55), ...OUTLIERS];
    const hessian = withSpectrum(values, 5).matrix.to2DArray();
    const small = quadraticObjective([{ hessian, centre: values.map(() => 0) }]);
    const exact = values.reduce((sum, value) => sum + value, 0);
    let hits = 0;
    for (let seed = 0; seed < 300; seed++) {
      const found = await measured({ probes: 8, lanczosSteps: 1, seed }, small);
      if (Math.abs(found.trace - exact) <= t * found.traceStdErr) hits++;
    }
    expect(hits / 300).toBeGreaterThan(0.9);
    expect(hits / 300).toBeLessThan(0.99);
  });

  it("counts the outliers by the largest gap, and shows how much larger it is than the next", async () => {
    const { outliers } = await measured({ probes: 2, lanczosSteps: 40 });
    expect(outliers?.count).toBe(OUTLIERS.length);
    expect(outliers?.lowest).toBeCloseTo(12, 3);
    expect(outliers?.gap).toBeCloseTo(12 / 1.75, 1);
    expect(outliers?.secondGap).toBeCloseTo(20 / 17, 3);
  });

  it("looks for them among the eigenvalues that another stream has measured at the same step, where it has more", async () => {
    const found = async (isMeasured: boolean) => {
      const at = makeStep(0, new Float32Array(D));
      if (isMeasured) await samplesOf([at], hessianEigenvalues(objective, { top: 8, bottom: 0 }));
      const [sample] = await samplesOf([at], hessianDensity(objective, { probes: 1, lanczosSteps: 8 }));
      return sample?.value.outliers;
    };
    expect((await found(false))?.among ?? 0).toBeLessThan(5);
    expect(await found(true)).toMatchObject({ count: 5, among: 7 });
  });

  it("finds no gap to speak of in a spectrum without one", async () => {
    const even = diagonalObjective(D, () => Array.from({ length: D }, (_, i) => 10 * 0.9 ** i));
    const [sample] = await samplesOf([step], hessianDensity(even, { lanczosSteps: 40 }));
    const { gap = 0, secondGap = 0 } = sample?.value.outliers ?? {};
    expect(gap / secondGap).toBeLessThan(1.2);
  });

  it("gives no standard error from one probe", async () => {
    const found = await measured({ probes: 1 });
    expect(found.traceStdErr).toBeNaN();
    expect(found.nearZeroStdErr).toBeNaN();
  });

  it("measures 0, the multiples of its interval and the last step, and frees each linearisation", async () => {
    const counted = diagonalObjective(4, () => [4, 3, 2, 1]);
    const samples = await samplesOf(
      stepsAlong(Array.from({ length: 12 }, () => [1, 1, 1, 1])),
      hessianDensity(counted, { every: 5 }),
    );
    expect(samples.map((sample) => sample.step)).toEqual([0, 5, 10, 11]);
    expect(counted.calls).toMatchObject({ linearise: 4, dispose: 4 });
  });

  it("is NaN and empty where the Hessian is not finite", async () => {
    const broken = diagonalObjective(3, () => [1, Number.POSITIVE_INFINITY, 1]);
    const [sample] = await samplesOf([makeStep(0, [1, 1, 1])], hessianDensity(broken));
    expect(sample?.value).toMatchObject({
      lambda: [],
      density: [],
      trace: Number.NaN,
      nearZeroFraction: Number.NaN,
      negativeMass: Number.NaN,
      outliers: null,
    });
  });

  it("is flat where the Hessian is zero", async () => {
    const flat = diagonalObjective(3, () => [0, 0, 0]);
    const [sample] = await samplesOf([makeStep(0, [1, 1, 1])], hessianDensity(flat));
    expect(sample?.value).toMatchObject({
      trace: 0,
      negativeMass: 0,
      negativeBounds: [0, 0],
      outliers: null,
    });
    // Near zero beside the largest: of none that is larger than zero.
    expect(sample?.value).toMatchObject({
      nearZeroFraction: Number.NaN,
      nearZeroStdErr: Number.NaN,
      nearZeroBounds: [Number.NaN, Number.NaN],
      nearZeroBelow: 0,
    });
    expect(moment(sample?.value as HessianDensity, 0)).toBeCloseTo(1, 4);
  });
});
