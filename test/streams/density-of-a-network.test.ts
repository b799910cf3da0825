/** What hessian/density says of a network's eigenvalues, as it is measured by default, beside all of them in float64. */
import { lastValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import { openBackend } from "../../server/backends/select.ts";
import { hessianDensity } from "../../server/streams/index.ts";
import { createBlueprint } from "../../server/training/blueprint.ts";
import type { RunSettings } from "../../server/training/config.ts";
import { selectExamples } from "../../server/training/data/examples.ts";
import { openRun } from "../../server/training/open-run.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import { createTraining } from "../../server/training/train.ts";
import { denseSpectrum } from "../../server/verify/dense.ts";
import { Inputs } from "../../server/verify/inputs.ts";
import { readNetwork } from "../../server/verify/network.ts";
import { Objective64 } from "../../server/verify/objective.ts";
import { makeStep, samplesOf } from "../support/make-steps.ts";

const SEEDS = 8;

/** Densities of one θ from several seeds, and all its eigenvalues. */
async function measured(settings: RunSettings, steps: number) {
  const resolved = resolveSettings({
    ...settings,
    trainSize: 100,
    steps: Math.max(1, steps),
    backend: "wasm",
  });
  if (!resolved.ok) throw new Error(resolved.problems.join("; "));
  const blueprint = await createBlueprint(resolved.config);
  const training = createTraining(openRun(blueprint, await openBackend("wasm", { allowNative: false })));
  const theta = steps === 0 ? training.initial.slice() : (await lastValueFrom(training.steps$)).theta.slice();
  const samples = Array.from({ length: SEEDS }, (_, seed) =>
    samplesOf([makeStep(0, theta)], hessianDensity(training.objective, { seed })),
  );
  const densities = (await Promise.all(samples)).flatMap(([sample]) => sample?.value ?? []);
  const network = readNetwork(blueprint.facts);
  if (!network.ok) throw new Error(network.why);
  const { inputs, targets, size } = selectExamples(blueprint.train, blueprint.probe);
  const data = { inputs: new Inputs(inputs, size), targets };
  const exact = await denseSpectrum(new Objective64(network.network, data, theta), async () => {});
  training.dispose();
  return { densities, exact };
}

/** How far the bounds are apart, at most and at least: untrained, a bulk lies across the limit, and 24 steps cannot resolve it. */
const CASES: readonly [string, RunSettings, steps: number, least: number, most: number][] = [
  ["two spirals at the start", { preset: "spirals", hidden: [16, 16] }, 0, 0.1, 0.6],
  ["two spirals after training", { preset: "spirals", hidden: [16, 16] }, 500, 0, 0.05],
  ["a linear autoencoder at the start", { preset: "autoencoder" }, 0, 0.1, 0.6],
  ["a student of a teacher at the start", { preset: "teacher" }, 0, 0.1, 0.8],
];

describe("hessian/density of a network", () => {
  it.each(CASES)(
    "has bounds that hold what is near zero and below: %s",
    async (_, settings, steps, least, most) => {
      const { densities, exact } = await measured(settings, steps);
      expect(densities).toHaveLength(SEEDS);
      const limit = 0.01 * Math.max(...exact.map(Math.abs));
      const share = (test: (value: number) => boolean) => exact.filter(test).length / exact.length;
      const near = share((value) => Math.abs(value) < limit);
      const negative = share((value) => value < -limit);
      // What random signs see of a share p has a variance of at most 2p(1 − p)/D.
      const drawn = (p: number, probes: number) => 4 * Math.sqrt((2 * p * (1 - p)) / exact.length / probes);
      for (const density of densities) {
        const { nearZeroBelow, nearZeroFraction, negativeMass, probes } = density;
        const { nearZeroBounds, negativeBounds } = density;
        expect(nearZeroBelow / limit).toBeCloseTo(1, 4);
        for (const [exactly, estimated, [low, high]] of [
          [near, nearZeroFraction, nearZeroBounds],
          [negative, negativeMass, negativeBounds],
        ] as const) {
          expect(exactly).toBeGreaterThanOrEqual(low - drawn(exactly, probes) - 1e-5);
          expect(exactly).toBeLessThanOrEqual(high + drawn(exactly, probes) + 1e-5);
          expect(estimated).toBeGreaterThanOrEqual(low - 1e-5);
          expect(estimated).toBeLessThanOrEqual(high + 1e-5);
        }
      }
      const widths = densities.map(({ nearZeroBounds: [low, high] }) => high - low);
      expect(Math.min(...widths)).toBeGreaterThanOrEqual(least);
      expect(Math.max(...widths)).toBeLessThanOrEqual(most);
    },
  );
});
