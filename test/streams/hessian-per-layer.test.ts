import { memory } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { openBackend } from "../../server/backends/select.ts";
import type { Linearised } from "../../server/engine/objective.ts";
import { gaussNewtonEigenvalues } from "../../server/streams/gauss-newton-eigenvalues.ts";
import { hessianPerLayer } from "../../server/streams/hessian-per-layer.ts";
import { train } from "../../server/training/from-settings.ts";
import { denseEigenvalues, denseMatrix } from "../support/dense-matrix.ts";
import { makeStep, samplesOf } from "../support/make-steps.ts";
import { diagonalObjective } from "../support/quadratic-objective.ts";

beforeAll(async () => {
  await openBackend("cpu", { allowNative: false });
});

const small = () =>
  train({ preset: "spirals", trainSize: 60, hidden: [8, 6], steps: 5, backend: "cpu", seed: 5 });

describe("hessian/per-layer", () => {
  it("gives λ₁ of each diagonal block of the dense Hessian, none above λ₁ of the whole", async () => {
    const training = await small();
    const { objective } = training;
    const before = memory().numTensors;
    const linearised = objective.linearise(training.initial);
    const dense = denseMatrix(training.initial.length, (v) => linearised.hessianVectorProduct(v));
    linearised.dispose();
    const [sample] = await samplesOf(
      [makeStep(0, training.initial)],
      hessianPerLayer(objective, training.parameters),
    );
    const layers = sample?.value.layers ?? [];
    expect(layers.map(({ layer }) => layer)).toEqual([
      ...new Set(training.parameters.map(({ layer }) => layer)),
    ]);
    const first = denseEigenvalues(dense)[0] ?? 0;
    for (const { layer, value, residual, converged } of layers) {
      const indices = training.parameters
        .filter((parameter) => parameter.layer === layer)
        .flatMap(({ offset, shape }) =>
          Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => offset + i),
        );
      const exact = denseEigenvalues(dense.selection(indices, indices))[0] ?? Number.NaN;
      expect(converged).toBe(true);
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(residual + 1e-5 * first);
      expect(value).toBeLessThanOrEqual(first * (1 + 1e-5));
    }
    expect(memory().numTensors).toBe(before);
    training.dispose();
  });

  it("is NaN, not converged, where the Hessian is not finite", async () => {
    const broken = diagonalObjective(4, () => [1, Number.NaN, 2, 1]);
    const parameters = [0, 2].map((offset) => ({ layer: `layer ${offset}`, offset, shape: [2] }));
    const [sample] = await samplesOf([makeStep(0, [1, 1, 1, 1])], hessianPerLayer(broken, parameters));
    expect(sample?.value.layers[0]).toEqual({
      layer: "layer 0",
      value: Number.NaN,
      residual: Number.NaN,
      converged: false,
    });
    expect(broken.calls).toMatchObject({ linearise: 1, dispose: 1 });
  });
});

describe("gauss-newton/eigenvalues", () => {
  it("gives λ₁ of the dense JᵀH_ℓJ, which has no negative eigenvalue where the Hessian has", async () => {
    const training = await small();
    const at = (product: (linearised: Linearised, v: Float32Array) => Float32Array) => {
      const linearised = training.objective.linearise(training.initial);
      const values = denseEigenvalues(denseMatrix(training.initial.length, (v) => product(linearised, v)));
      linearised.dispose();
      return values;
    };
    const gaussNewton = at((linearised, v) => linearised.gaussNewtonProduct(v));
    const hessian = at((linearised, v) => linearised.hessianVectorProduct(v));
    const [sample] = await samplesOf(
      [makeStep(0, training.initial)],
      gaussNewtonEigenvalues(training.objective, { top: 2 }),
    );
    expect(sample?.value.top).toHaveLength(2);
    for (const [i, { value, residual, converged }] of (sample?.value.top ?? []).entries()) {
      expect(converged).toBe(true);
      expect(Math.abs(value - (gaussNewton[i] ?? 0))).toBeLessThanOrEqual(
        residual + 1e-5 * (gaussNewton[0] ?? 0),
      );
    }
    expect(gaussNewton.at(-1)).toBeGreaterThan(-1e-6 * (gaussNewton[0] ?? 0));
    expect(hessian.at(-1)).toBeLessThan(-1e-3 * (hessian[0] ?? 0));
    // Not the Hessian under another name.
    expect(Math.abs((sample?.value.top[0]?.value ?? 0) / (hessian[0] ?? 0) - 1)).toBeGreaterThan(1e-3);
    training.dispose();
  });
});
