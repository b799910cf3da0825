/** Streams on the real engine and a real training, against what a dense or direct computation says. */
import { memory } from "@tensorflow/tfjs-core";
import { EigenvalueDecomposition } from "ml-matrix";
import { lastValueFrom, type OperatorFunction, takeWhile, tap, toArray } from "rxjs";
import { beforeAll, describe, expect, it } from "vitest";
import { openBackend } from "../../server/backends/select.ts";
import type { Objective } from "../../server/engine/objective.ts";
import { pipeline } from "../../server/pipeline.ts";
import {
  createModes,
  hessianDensity,
  hessianEigenvalues,
  lineProfile,
  pathLoss,
  streams,
  topSubspace,
} from "../../server/streams/index.ts";
import { train } from "../../server/training/from-settings.ts";
import type { Run, Step, Training } from "../../server/training/run.ts";
import type { Sample } from "../../shared/stream.ts";
import { denseEigenvalues, denseMatrix } from "../support/dense-matrix.ts";
import { makeStep, samplesOf } from "../support/make-steps.ts";

beforeAll(async () => {
  await openBackend("cpu", { allowNative: false });
});

const small = (settings: Parameters<typeof train>[0] = {}): Promise<Training> =>
  train({ preset: "spirals", trainSize: 60, hidden: [12], steps: 12, backend: "cpu", seed: 5, ...settings });

/** All eigenvalues, descending, from every column of H. */
function exactEigenvalues(objective: Objective, theta: Float32Array): number[] {
  const linearised = objective.linearise(theta);
  const values = denseEigenvalues(denseMatrix(theta.length, (v) => linearised.hessianVectorProduct(v)));
  linearised.dispose();
  return values;
}

describe("streams on the engine", () => {
  it("give the eigenvalues of the dense Hessian, warm or cold, within the residuals they state", async () => {
    const training = await small();
    const thetas = new Map<number, Float32Array>();
    const options = { every: 4, top: 4, bottom: 2, tolerance: 1e-4, bottomTolerance: 1e-3, coldEvery: 3 };
    const samples = await lastValueFrom(
      training.steps$.pipe(
        tap((step) => thetas.set(step.step, step.retain())),
        hessianEigenvalues(training.objective, options),
        toArray(),
      ),
    );
    expect(samples.map(({ step }) => step)).toEqual([0, 1, 2, 4, 8, 12]);
    for (const { step, value } of samples) {
      const exact = exactEigenvalues(training.objective, thetas.get(step) ?? new Float32Array());
      const size = Math.abs(exact[0] ?? 0);
      for (const [i, { value: lambda, residual, converged }] of value.top.entries()) {
        expect(converged).toBe(true);
        expect(Math.abs(lambda - (exact[i] ?? 0))).toBeLessThanOrEqual(residual + 1e-5 * size);
      }
      for (const [i, { value: lambda, residual, converged }] of value.bottom.entries()) {
        expect(converged).toBe(true);
        expect(Math.abs(lambda - (exact.at(-1 - i) ?? 0))).toBeLessThanOrEqual(residual + 1e-5 * size);
      }
    }
    training.dispose();
  });

  it("give trace, shares and the gradient's place as the dense Hessian has them", async () => {
    const training = await small({ hidden: [8], steps: 3 });
    const at = makeStep(0, training.initial);
    const linearised = training.objective.linearise(training.initial);
    const dense = denseMatrix(at.theta.length, (v) => linearised.hessianVectorProduct(v));
    const { gradient } = linearised;
    linearised.dispose();
    const values = denseEigenvalues(dense);
    const { eigenvectorMatrix, realEigenvalues } = new EigenvalueDecomposition(dense, {
      assumeSymmetric: true,
    });

    const k = 2;
    const squares = values.slice(0, k).map((value) => {
      const column = eigenvectorMatrix.getColumn(realEigenvalues.indexOf(value));
      return column.reduce((sum, component, i) => sum + component * (gradient[i] ?? 0), 0) ** 2;
    });
    const exact = squares.reduce((a, b) => a + b, 0) / gradient.reduce((sum, g) => sum + g * g, 0);
    const one = <V>(stream: OperatorFunction<Step, Sample<V>>) =>
      samplesOf([at], stream).then(([first]) => first?.value);
    const subspace = await one(topSubspace(training.objective, { k }));
    expect(subspace?.share).toBeCloseTo(exact, 4);

    // With as many steps as parameters each quadrature is exact; what is left is the choice of vectors.
    const density = await one(
      hessianDensity(training.objective, { probes: 60, lanczosSteps: at.theta.length }),
    );
    if (density === undefined) throw new Error("no density");
    const trace = values.reduce((a, b) => a + b, 0);
    expect(Math.abs(density.trace - trace)).toBeLessThan(3 * density.traceStdErr);
    const near = values.filter((value) => Math.abs(value) < density.nearZeroBelow).length / values.length;
    expect(Math.abs(density.nearZeroFraction - near)).toBeLessThan(3 * density.nearZeroStdErr);
    expect(density.nearZeroBelow).toBeCloseTo(0.01 * Math.max(...values.map(Math.abs)), 5);
    training.dispose();
  });

  it("agree on the loss: path/loss, the end of the line and the losses that training brings", async () => {
    const training = await small();
    const along = <V>(stream: OperatorFunction<Step, Sample<V>>) =>
      lastValueFrom(training.steps$.pipe(stream, toArray()));
    const measured = await along(pathLoss(training.objective));
    expect(await along(pathLoss(training.objective, { lossesFromSteps: true }))).toEqual(measured);
    const lines = await along(lineProfile(training.objective, { initial: training.initial, every: 4 }));
    for (const { step, value } of lines) {
      expect(value.losses[0]).toBe(measured[0]?.value);
      expect(value.losses.at(-1)).toBe(measured.find((sample) => sample.step === step)?.value);
    }
    training.dispose();
  });

  it("leave no tensor behind, whether the run ends or is left in the middle", async () => {
    const before = memory().numTensors;
    for (const left of [4, Number.POSITIVE_INFINITY]) {
      const training = await small({ batchSize: 15, optimizer: "adam" });
      const modes = createModes();
      const samples$ = pipeline(
        training.steps$.pipe(takeWhile(({ step }) => step < left)),
        streams.filter((stream) => stream.applies(training)),
        ({ scheduleKey }) => ({
          run: training,
          every: scheduleKey === null ? 1 : 3,
          modes,
          everyOf: () => 3,
        }),
      );
      const samples = await lastValueFrom(samples$.pipe(toArray()));
      expect(samples.filter(({ channel }) => channel === "run/status")).toEqual([]);
      const silent = streams
        .filter((stream) => stream.applies(training))
        .map(({ descriptor }) => descriptor.name)
        .filter((name) => !samples.some(({ channel }) => channel === name));
      expect(silent).toEqual([]);
      training.dispose();
    }
    expect(memory().numTensors).toBe(before);
  });

  it("open no data before a step asks for it", async () => {
    const training = await small({ batchSize: 20 });
    const opened: string[] = [];
    const watched: Run = new Proxy(training, {
      get(target, key, receiver) {
        if (String(key).endsWith("bjective")) opened.push(String(key));
        return Reflect.get(target, key, receiver);
      },
    });
    const applying = streams
      .filter((stream) => stream.applies(watched))
      .map(({ descriptor }) => descriptor.name);
    expect(applying).toContain("hessian/batch-sharpness");
    for (const stream of streams) stream.role(watched);
    expect(opened).toEqual([]);
    training.dispose();
  });
});
