import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { lastValueFrom, tap, toArray } from "rxjs";
import { beforeAll, describe, expect, it } from "vitest";
import { openBackend } from "../../server/backends/select.ts";
import { preconditionedEigenvalues } from "../../server/streams/hessian-preconditioned.ts";
import { train } from "../../server/training/from-settings.ts";
import { denseMatrix } from "../support/dense-matrix.ts";
import { makeStep, samplesOf } from "../support/make-steps.ts";
import { quadraticObjective } from "../support/quadratic-objective.ts";

beforeAll(async () => {
  await openBackend("cpu", { allowNative: false });
});

const HESSIAN = [
  [8, 1, 0],
  [1, 3, 0.5],
  [0, 0.5, 1],
];
const objective = quadraticObjective([{ hessian: HESSIAN, centre: [0, 0, 0] }]);
const step = (preconditioner: () => Float32Array | null) => makeStep(1, [1, 1, 1], { preconditioner });

/** λ₁ of the matrix P⁻¹(H + λI) itself, which is not symmetric. */
function largest(hessian: Matrix, diagonal: ArrayLike<number>, weightDecay = 0): number {
  const n = hessian.rows;
  const product = Matrix.add(hessian, Matrix.eye(n).mul(weightDecay));
  for (let row = 0; row < n; row++) product.mulRow(row, 1 / (diagonal[row] ?? Number.NaN));
  return Math.max(...new EigenvalueDecomposition(product).realEigenvalues);
}

describe("hessian/preconditioned", () => {
  it("gives λ₁ of P⁻¹(H + λI), weight decay being part of what Adam divides", async () => {
    const diagonal = Float32Array.of(0.5, 2, 0.01);
    for (const weightDecay of [0, 0.3]) {
      const [sample] = await samplesOf(
        [step(() => diagonal)],
        preconditionedEigenvalues(objective, { weightDecay, top: 1 }),
      );
      const exact = largest(new Matrix(HESSIAN), diagonal, weightDecay);
      expect(sample?.value.top[0]?.converged).toBe(true);
      expect((sample?.value.top[0]?.value ?? 0) / exact).toBeCloseTo(1, 4);
      expect(sample?.value.threshold).toBeCloseTo(380, 8);
      expect(sample?.value.ratio).toBeCloseTo(exact / 380, 3);
      expect(sample?.value.rule).toBe("adam");
    }
  });

  it("has no sample where there is no P, and is NaN where P or the Hessian is not finite", async () => {
    expect(await samplesOf([step(() => null)], preconditionedEigenvalues(objective))).toEqual([]);
    const [sample] = await samplesOf(
      [step(() => Float32Array.of(1, Number.NaN, 1))],
      preconditionedEigenvalues(objective),
    );
    expect(sample?.value).toMatchObject({ ratio: Number.NaN, top: [{ converged: false }] });
  });

  it("agrees with a dense decomposition along a real run of Adam", async () => {
    const training = await train({
      preset: "spirals",
      trainSize: 60,
      hidden: [8],
      steps: 8,
      optimizer: "adam",
      learningRate: 0.01,
      backend: "cpu",
      seed: 5,
    });
    const kept = new Map<number, { readonly theta: Float32Array; readonly diagonal: Float32Array | null }>();
    const samples = await lastValueFrom(
      training.steps$.pipe(
        tap((at) => kept.set(at.step, { theta: at.retain(), diagonal: at.preconditioner() })),
        preconditionedEigenvalues(training.objective),
        toArray(),
      ),
    );
    expect(samples.map((sample) => sample.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const sample of samples) {
      const { theta, diagonal } = kept.get(sample.step) ?? {};
      if (theta === undefined || !diagonal) throw new Error("no step");
      const linearised = training.objective.linearise(theta);
      const dense = denseMatrix(theta.length, (v) => linearised.hessianVectorProduct(v));
      linearised.dispose();
      const [first] = sample.value.top;
      const exact = largest(dense, diagonal);
      expect(first?.converged).toBe(true);
      expect(Math.abs((first?.value ?? 0) - exact)).toBeLessThanOrEqual(
        (first?.residual ?? 0) + 1e-4 * exact,
      );
    }
    training.dispose();
  });
});
