import { lastValueFrom, tap, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { directionalSharpness } from "../../server/streams/hessian-directional.ts";
import type { RunConfig } from "../../server/training/config.ts";
import { createTraining } from "../../server/training/train.ts";
import { makeStep, samplesOf } from "../support/make-steps.ts";
import { type QuadraticExample, quadraticObjective } from "../support/quadratic-objective.ts";
import { quadraticRun } from "../support/quadratic-run.ts";

const examples: readonly QuadraticExample[] = Array.from({ length: 6 }, (_, i) => ({
  hessian: [
    [1 + i, 0.5],
    [0.5, 2],
  ],
  centre: [i / 2, -i],
}));

/** Each update of a training, with the minibatch that made it, and what the stream says. */
async function along(settings: Partial<RunConfig>) {
  const training = createTraining(quadraticRun(examples, [3, 1], { steps: 12, ...settings }));
  const thetas: (readonly number[])[] = [];
  const samples = await lastValueFrom(
    training.steps$.pipe(
      tap(({ theta }) => thetas.push([...theta])),
      directionalSharpness(training),
      toArray(),
    ),
  );
  return { training, thetas, samples };
}

describe("hessian/directional", () => {
  it("is gᵀH_Bg/‖g‖² of the minibatch that made the update, and its ratio that to 2/η", async () => {
    const { training, thetas, samples } = await along({ batchSize: 2, optimizer: "sgd", learningRate: 0.2 });
    expect(samples.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, t) => t + 1));
    // Batches are asked for twice, by training and by the measurement of the same update: in pairs.
    const { batches } = training as unknown as { readonly batches: readonly (readonly number[])[] };
    const own = batches.filter((batch) => batch.length === 2);
    for (const { step, value } of samples) {
      const theta = Float32Array.from(thetas[step - 1] ?? []);
      const matching = own
        .map((batch) =>
          quadraticObjective(batch.map((i) => examples[i] as QuadraticExample)).linearise(theta),
        )
        .map((at) => {
          const [g1 = 0, g2 = 0] = at.gradient;
          const [h1 = 0, h2 = 0] = at.hessianVectorProduct(at.gradient);
          return { g: [g1, g2], sharpness: (g1 * h1 + g2 * h2) / (g1 * g1 + g2 * g2) };
        })
        // The batch whose gradient step leads to θ_t.
        .filter(({ g }) =>
          g.every((slope, i) => Math.abs((theta[i] ?? 0) - 0.2 * slope - (thetas[step]?.[i] ?? 0)) < 1e-5),
        );
      expect(matching.length).toBeGreaterThan(0);
      expect(value.value).toBeCloseTo(matching[0]?.sharpness ?? Number.NaN, 3);
      expect(value.ratio).toBeCloseTo((0.2 / 2) * (matching[0]?.sharpness ?? Number.NaN), 4);
      expect(value.n).toBe(2);
    }
  });

  it("has ratio 0.5 where the update ends at the bottom, 1 where it ends as high, none where it goes uphill", async () => {
    const parabola: QuadraticExample = { hessian: [[4]], centre: [0] };
    const run = quadraticRun([parabola], [3]);
    const from = Float32Array.of(3);
    const to = async (theta: number) => {
      const [sample] = await samplesOf(
        [makeStep(1, [theta], { previousTheta: from })],
        directionalSharpness(run),
      );
      return sample?.value;
    };
    expect(await to(0)).toMatchObject({ value: 4, ratio: 0.5, updateNorm: 3, n: 1 });
    expect(await to(-3)).toMatchObject({ value: 4, ratio: 1 });
    expect(await to(4)).toMatchObject({ value: 4, ratio: null });
  });

  it("has the curvature of an update so long that float32 could not hold its product", async () => {
    const steep = quadraticRun([{ hessian: [[2 ** 30]], centre: [0] }], [1]);
    const step = makeStep(1, [-3 * 2 ** 96], { previousTheta: Float32Array.of(2 ** 96) });
    const [sample] = await samplesOf([step], directionalSharpness(steep));
    expect(sample?.value).toMatchObject({ value: 2 ** 30, ratio: 2, updateNorm: 2 ** 98 });
  });

  it("frees its batches, also when it measures momentum", async () => {
    const { training, samples } = await along({ batchSize: 2, optimizer: "momentum", momentum: 0.9 });
    expect(samples).toHaveLength(12);
    expect((training as unknown as { openObjectives(): number }).openObjectives()).toBe(0);
  });

  it("has no sample without θ_{t−1}, and is NaN where θ did not move", async () => {
    const run = quadraticRun([...examples], [3, 1]);
    expect(await samplesOf([makeStep(3, [1, 1])], directionalSharpness(run))).toEqual([]);
    const still = makeStep(3, [1, 1], { previousTheta: Float32Array.of(1, 1) });
    const [sample] = await samplesOf([still], directionalSharpness(run));
    expect(sample?.value.value).toBeNaN();
  });
});
