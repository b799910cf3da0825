/** Largest eigenvalues of what is made of the Hessian: its Gauss–Newton part, its diagonal blocks, and what Adam sees of it. */
import type * as z from "zod/mini";
import type { CheckDefinition } from "../check.ts";
import {
  ABOUT_CONVERGED,
  areFinite,
  comparePairs,
  expectOrder,
  hessian64,
  lanczosWork,
  type Operator64,
} from "../eigenpairs.ts";
import type { Evidence } from "../evidence.ts";
import { decodedState, secondMoments } from "../moments.ts";
import { norm } from "../products.ts";
import { gaussNewton, perLayer, preconditioned } from "../shapes.ts";
import { SIGMAS } from "../tally.ts";
import { expectEta } from "./hessian.ts";

type GaussNewton = z.infer<typeof gaussNewton>;

export const gaussNewtonEigenvalues: CheckDefinition<GaussNewton> = {
  channel: "gauss-newton/eigenvalues",
  needsData: true,
  shape: gaussNewton,
  work: lanczosWork,
  apart: [ABOUT_CONVERGED, "products: they tell how the engine went about it"],
  start: ({ evidence, tally, sampler }) => ({
    observe({ step, value }) {
      const { top, n, products } = value as GaussNewton;
      tally.compare(step, "n", n, evidence.header.probe.size, 0, "exact");
      tally.expect(step, products > 0, `products is ${products}`);
      expectOrder(tally, step, "top", top);
    },
    needs: (step) => [step],
    async derive({ step, value: { top } }) {
      const objective = await evidence.at(step);
      if (!areFinite(tally, step, top, objective.evaluate())) return;
      const operator = { ...hessian64(objective), apply: (v: Float64Array) => objective.applyGaussNewton(v) };
      comparePairs(tally, step, operator, { top }, sampler.random("gauss-newton"));
    },
  }),
};

type PerLayer = z.infer<typeof perLayer>;

export const hessianPerLayer: CheckDefinition<PerLayer> = {
  channel: "hessian/per-layer",
  needsData: true,
  shape: perLayer,
  work: (evidence: Evidence) => layersOf(evidence).length * lanczosWork(evidence),
  apart: ["converged: its tolerance is not in the recording", "hvps: they tell how the engine went about it"],
  start: ({ evidence, tally, sampler }) => ({
    observe({ step, value }) {
      const { layers, n, hvps } = value as PerLayer;
      tally.compare(step, "n", n, evidence.header.probe.size, 0, "exact");
      tally.expect(step, hvps > 0, `hvps is ${hvps}`);
      const [found, expected] = [layers.map(({ layer }) => layer), layersOf(evidence)].map((each) =>
        each.join(", "),
      );
      tally.expect(step, found === expected, `layers are ${found}, expected ${expected}`);
    },
    needs: (step) => [step],
    async derive({ step, value: { layers } }) {
      const objective = await evidence.at(step);
      if (!areFinite(tally, step, layers, objective.evaluate())) return;
      for (const pair of layers) {
        const block = blockOf(hessian64(objective), rangesOf(evidence, pair.layer));
        const random = sampler.random(`block ${pair.layer}`);
        comparePairs(tally, step, block, { top: [pair] }, random, () => `λ₁ of ${pair.layer}`);
      }
    },
  }),
};

function layersOf({ header }: Evidence): string[] {
  return [...new Set(header.parameters.map(({ layer }) => layer))];
}

type Range = readonly [from: number, to: number];

function rangesOf({ header }: Evidence, layer: string): Range[] {
  return header.parameters
    .filter((parameter) => parameter.layer === layer)
    .map(({ offset, shape }) => [offset, offset + shape.reduce((product, size) => product * size, 1)]);
}

/** The diagonal block of A that belongs to these rows. */
function blockOf(whole: Operator64, ranges: readonly Range[]): Operator64 {
  const rows = ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
  return {
    size: rows.length,
    off: whole.off,
    apply(v) {
      const padded = new Float64Array(whole.size);
      for (const [i, row] of rows.entries()) padded[row] = v[i] as number;
      const image = whole.apply(padded);
      return Float64Array.from(rows, (row) => image[row] as number);
    },
  };
}

type Preconditioned = z.infer<typeof preconditioned>;

/** λ of P⁻¹H, P from Adam's second moments: those of train/state, followed from there where every θ between is recorded. */
export const hessianPreconditioned: CheckDefinition<Preconditioned> = {
  channel: "hessian/preconditioned",
  since: 1,
  needsData: true,
  shape: preconditioned,
  listens: ["train/state"],
  work: lanczosWork,
  apart: [ABOUT_CONVERGED, "hvps, coldGap: they tell how the engine went about it"],
  start({ evidence, tally, sampler }) {
    const { header } = evidence;
    const beta1 = Number(header.optimizer["beta1"]);
    const moments = secondMoments(evidence);
    return {
      observe({ channel, step, value }) {
        if (channel === "train/state") return moments.note(step, decodedState(value as Uint8Array));
        const { top, threshold, rule, ratio, eta, n, hvps } = value as Preconditioned;
        tally.compare(step, "n", n, header.probe.size, 0, "exact");
        expectEta(evidence, tally, step, eta);
        tally.follows(step, "threshold", threshold, (2 + 2 * beta1) / ((1 - beta1) * eta));
        const expected = header.train.fullBatch ? "adam" : "full-batch-bound";
        tally.expect(step, rule === expected, `rule is ${rule}, expected ${expected}`);
        tally.follows(step, "ratio", ratio, (top[0]?.value ?? Number.NaN) / threshold);
        tally.expect(step, hvps > 0, `hvps is ${hvps}`);
        expectOrder(tally, step, "top", top);
      },
      needs: (step) => moments.needs(step),
      async derive({ step, value: { top } }) {
        const objective = await evidence.at(step);
        if (!areFinite(tally, step, top, objective.evaluate())) return;
        const known = await moments.diagonal(step);
        if (known === null) {
          tally.checked--;
          return tally.leave("train/state lacks a sample that is due");
        }
        const { diagonal, relative } = known;
        const scale = diagonal.map((value) => 1 / Math.sqrt(value));
        const decay = evidence.config.weightDecay;
        const operator: Operator64 = {
          size: scale.length,
          apply(v) {
            const scaled = v.map((value, i) => value * (scale[i] as number));
            const image = objective.apply(scaled);
            return image.map((value, i) => (value + decay * (scaled[i] as number)) * (scale[i] as number));
          },
          off: (largest) => 2 ** -20 * largest,
          // To first order λ = yᵀP^{-1/2}HP^{-1/2}y: what float32 makes of H there, and what is not known of P.
          offAt(pair) {
            const y = pair.vector();
            const z = y.map((value, i) => value * (scale[i] as number));
            const image = y.map((value, i) => (pair.value * value) / (scale[i] as number));
            const turned = y.reduce((sum, value, i) => sum + value * value * (relative[i] as number), 0);
            const rounding = SIGMAS * objective.hessianNoise(norm(image) / norm(z)) * norm(z) ** 2;
            return rounding + (turned + 2 ** -23) * Math.abs(pair.value);
          },
        };
        comparePairs(tally, step, operator, { top }, sampler.random("preconditioned"));
      },
    };
  },
};
