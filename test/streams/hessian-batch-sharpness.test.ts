import { describe, expect, it } from "vitest";
import { batchSharpness } from "../../server/streams/hessian-batch-sharpness.ts";
import { makeStep, samplesOf } from "../support/make-steps.ts";
import { type CountingObjective, quadraticObjective } from "../support/quadratic-objective.ts";

/** Example i is ½ hᵢ (θ − cᵢ)² in each of two dimensions. */
const examples = Array.from({ length: 6 }, (_, i) => ({
  hessian: [
    [1 + i, 0],
    [0, 2],
  ],
  centre: [i / 2, -i],
}));

function counted() {
  const drawn: number[][] = [];
  const objectives: CountingObjective[] = [];
  return {
    drawn,
    objectives,
    trainSize: examples.length,
    batchObjective(indices: Uint32Array) {
      drawn.push([...indices]);
      const objective = quadraticObjective(examples.filter((_, i) => indices.includes(i)));
      objectives.push(objective);
      return objective;
    },
  };
}

/** gᵀHg/‖g‖² of one batch, written out. */
function reference(batch: readonly number[], [x = 0, y = 0]: readonly number[]): number {
  let h = 0;
  let gx = 0;
  let gy = 0;
  for (const i of batch) {
    h += (1 + i) / batch.length;
    gx += ((1 + i) * (x - i / 2)) / batch.length;
    gy += (2 * (y + i)) / batch.length;
  }
  return (h * gx * gx + 2 * gy * gy) / (gx * gx + gy * gy);
}

describe("hessian/batch-sharpness", () => {
  it("is the mean of gᵀHg/‖g‖² over batches, with gradient and Hessian of the same batch", async () => {
    const run = counted();
    const options = { batchSize: 2, batches: 40, threshold: (eta: number) => 2 / eta };
    const [sample] = await samplesOf([makeStep(0, [3, 1])], batchSharpness(run, options));
    const values = run.drawn.map((batch) => reference(batch, [3, 1]));
    const mean = values.reduce((a, b) => a + b, 0) / 40;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 39;
    expect(sample?.value.value).toBeCloseTo(mean, 5);
    expect(sample?.value.stdErr).toBeCloseTo(Math.sqrt(variance / 40), 5);
    expect(sample?.value).toMatchObject({ batches: 40, threshold: 20 });
    expect(sample?.value.ratio).toBeCloseTo(mean / 20, 6);
  });

  it("draws batches of different examples, each example about equally often, and frees them", async () => {
    const run = counted();
    await samplesOf([makeStep(0, [3, 1])], batchSharpness(run, { batchSize: 3, batches: 600 }));
    for (const batch of run.drawn) expect(new Set(batch).size).toBe(3);
    for (let i = 0; i < 6; i++) {
      const share = run.drawn.filter((batch) => batch.includes(i)).length / 600;
      expect(share).toBeGreaterThan(0.42);
      expect(share).toBeLessThan(0.58);
    }
    // One linearisation and the objective itself.
    expect(run.objectives.every(({ calls }) => calls.dispose === 2)).toBe(true);
  });

  it("draws the same batches at the same step and seed, whatever was measured before", async () => {
    const drawnAt = async (seed: number, ...steps: number[]) => {
      const run = counted();
      const made = steps.map((step) => makeStep(step, [3, 1]));
      await samplesOf(made, batchSharpness(run, { batchSize: 2, batches: 5, seed }));
      return run.drawn.slice(-5);
    };
    expect(await drawnAt(1, 4)).toEqual(await drawnAt(1, 0, 1, 2, 4));
    expect(await drawnAt(1, 4)).not.toEqual(await drawnAt(1, 8));
    expect(await drawnAt(1, 4)).not.toEqual(await drawnAt(2, 4));
  });

  it("equals the curvature along the full gradient, without error, when a batch is everything", async () => {
    const run = counted();
    const [sample] = await samplesOf([makeStep(0, [3, 1])], batchSharpness(run, { batchSize: 6 }));
    expect(sample?.value.value).toBeCloseTo(reference([0, 1, 2, 3, 4, 5], [3, 1]), 5);
    expect(sample?.value.stdErr).toBe(0);
    expect(sample?.value).toMatchObject({ threshold: null, ratio: null });
  });

  it("is NaN where a gradient is zero", async () => {
    const run = {
      trainSize: 2,
      batchObjective: () => quadraticObjective([{ hessian: [[1]], centre: [3] }]),
    };
    const [sample] = await samplesOf([makeStep(0, [3])], batchSharpness(run, { batchSize: 1 }));
    expect(sample?.value.value).toBeNaN();
  });
});
