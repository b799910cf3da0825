import { describe, expect, it } from "vitest";
import { createRandom } from "../../server/numerics/random.ts";
import { noiseScale } from "../../server/streams/gradient-noise-scale.ts";
import { makeStep, samplesOf } from "../support/make-steps.ts";
import { quadraticObjective } from "../support/quadratic-objective.ts";

const D = 5;
const identity = Array.from({ length: D }, (_, i) => Array.from({ length: D }, (_, j) => (i === j ? 1 : 0)));

/** Example i is ½‖θ − cᵢ‖², its gradient θ − cᵢ: the noise is the spread of the centres, the signal the way to their mean. */
function population(size: number, seed: number) {
  const random = createRandom(seed);
  const examples = Array.from({ length: size }, () => ({
    hessian: identity,
    centre: Array.from({ length: D }, (_, i) => (1 + i / 4) * random.normal()),
  }));
  const mean = Array.from(
    { length: D },
    (_, i) => examples.reduce((sum, { centre }) => sum + (centre[i] ?? 0), 0) / size,
  );
  const noise =
    examples.reduce(
      (sum, { centre }) => sum + centre.reduce((s, c, i) => s + (c - (mean[i] ?? 0)) ** 2, 0),
      0,
    ) /
    (size - 1);
  const drawn: number[][] = [];
  let open = 0;
  const run = {
    trainSize: size,
    batchObjective(indices: Uint32Array) {
      drawn.push([...indices]);
      open++;
      const objective = quadraticObjective(
        Array.from(indices, (i) => examples[i] ?? { hessian: identity, centre: mean }),
      );
      return { ...objective, dispose: () => void open-- };
    },
  };
  const signalAt = (theta: readonly number[]) =>
    theta.reduce((sum, x, i) => sum + (x - (mean[i] ?? 0)) ** 2, 0);
  return { run, noise, signalAt, drawn, open: () => open };
}

const THETA = [1, -1, 0.5, 0, 1];
const at = (step: number) => [makeStep(step, THETA)];

describe("gradient/noise-scale", () => {
  it("estimates signal and noise without bias, from batches drawn without replacement", async () => {
    const { run, noise, signalAt } = population(64, 1);
    const found = { signal: [] as number[], noise: [] as number[] };
    for (let seed = 0; seed < 400; seed++) {
      const [sample] = await samplesOf(at(0), noiseScale(run, { batchSize: 4, batches: 8, seed }));
      found.signal.push(sample?.value.signal ?? Number.NaN);
      found.noise.push(sample?.value.noise ?? Number.NaN);
    }
    const compare = (values: readonly number[], expected: number) => {
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
      expect(Math.abs(mean - expected)).toBeLessThan(3.5 * Math.sqrt(variance / values.length));
    };
    compare(found.noise, noise);
    // ‖G‖² of the population that the 64 were drawn from: their own mean is off by noise/64.
    compare(found.signal, signalAt(THETA) - noise / 64);
  });

  it("gives an interval that holds the true scale in 95 of 100 cases", async () => {
    const { run, noise, signalAt } = population(4000, 2);
    const truth = noise / (signalAt(THETA) - noise / 4000);
    let hits = 0;
    for (let seed = 0; seed < 400; seed++) {
      const [sample] = await samplesOf(at(0), noiseScale(run, { batchSize: 4, seed }));
      const [low, high] = sample?.value.interval ?? [0, 0];
      if (low <= truth && truth <= high) hits++;
    }
    expect(hits / 400).toBeGreaterThan(0.91);
    expect(hits / 400).toBeLessThan(0.99);
  });

  it("says by an open interval that there is no signal to measure, and may then be negative", async () => {
    const { run } = population(4000, 3);
    const values: number[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const steps = [makeStep(0, new Float32Array(D))];
      const [sample] = await samplesOf(steps, noiseScale(run, { batchSize: 4, batches: 4, seed }));
      values.push(sample?.value.value ?? Number.NaN);
      if ((sample?.value.value ?? 0) < 0) expect(sample?.value.interval[1]).toBe(Number.POSITIVE_INFINITY);
    }
    expect(values.some((value) => value < 0)).toBe(true);
  });

  it("draws no example twice, and frees each batch", async () => {
    const { run, drawn, open } = population(64, 1);
    const [sample] = await samplesOf(at(0), noiseScale(run, { batchSize: 4 }));
    expect(sample?.value).toMatchObject({ batches: 16, batchSize: 4 });
    expect(new Set(drawn.flat()).size).toBe(64);
    expect(open()).toBe(0);
  });

  it("is NaN where a gradient is not finite, and refuses a training set without four batches", async () => {
    const { run } = population(64, 1);
    const [sample] = await samplesOf(
      [makeStep(0, new Float32Array(D).fill(Number.NaN))],
      noiseScale(run, { batchSize: 4 }),
    );
    expect(sample?.value).toMatchObject({ value: Number.NaN, interval: [Number.NaN, Number.NaN] });
    expect(() => noiseScale(run, { batchSize: 20 })).toThrow(
      "batches: expected at least 4 disjoint ones, got 3",
    );
  });
});
