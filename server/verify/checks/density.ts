/** The density of eigenvalues: the same random vectors by seed and step, through a Lanczos quadrature in float64. */
import type * as z from "zod/mini";
import { createRandom, type Random } from "../../numerics/random.ts";
import type { CheckDefinition } from "../check.ts";
import { hessian64 } from "../eigenpairs.ts";
import type { Evidence } from "../evidence.ts";
import { lanczos64, noise, type Spectrum64 } from "../lanczos64.ts";
import { massBelow64 } from "../mass-below.ts";
import { Objective64 } from "../objective.ts";
import { checkOutliers } from "../outliers.ts";
import { addScaled, norm } from "../products.ts";
import { density } from "../shapes.ts";

type Density = z.infer<typeof density>;

const NEAR_ZERO = 0.01;
const KERNEL = 0.01;
const BEYOND = 5;
/** β below this, to ‖H‖: the rest is float32's rounding, and the engine stops. */
const CLOSED = 2 ** -22;

/** A node this near to the limit of a share, as a part of it, may lie on its other side. */
const BESIDE = 1e-3;
const isShare: ReadonlySet<string> = new Set(["nearZeroFraction", "nearZeroStdErr", "negativeMass"]);

/** Where rounding may have moved a number by more than was seen when products were disturbed by it. */
const TIMES_SEEN = 8;
const LEAST = 2 ** -18;

/** Square of a component that no start has: a node of this weight is a copy of a multiple eigenvalue that rounding has brought. */
const OF_ROUNDING = 1e-20;

/** Four random vectors, and one of them once more. */
const USUAL_PRODUCTS = 5 * 24;

export const hessianDensity: CheckDefinition<Density> = {
  channel: "hessian/density",
  needsData: true,
  shape: density as never,
  work: ({ header, multiplyAdds }: Evidence) => 2 * USUAL_PRODUCTS * header.probe.size * multiplyAdds,
  apart: ["hvps: they tell how the engine went about it"],
  start: ({ evidence, tally, sampler, shared }) => ({
    observe({ step, value }) {
      const { n, hvps, probes, lanczosSteps, lambda, density: heights } = value as Density;
      tally.compare(step, "n", n, evidence.header.probe.size, 0, "exact");
      tally.expect(step, 0 < hvps && hvps <= probes * lanczosSteps, `hvps is ${hvps}`);
      tally.expect(step, lambda.length === heights.length, "density is not one for each of lambda");
    },
    needs: (step) => [step],
    async derive({ step, value }) {
      const objective = await evidence.at(step);
      const { overflows } = objective.evaluate();
      if (overflows || !Number.isFinite(value.trace))
        return tally.expect(step, overflows, "the density is not finite where float32 does not overflow");
      const starts = startsOf(evidence, step, value.probes);
      const nodes = starts.map((start) => quadrature(objective, start, value.lanczosSteps, null));
      // One of them once more: what rounding does is much the same for all.
      const again = starts
        .slice(0, 1)
        .map((start) => quadrature(objective, start, value.lanczosSteps, sampler.random("disturbance")));
      const disturbed = [...again, ...nodes.slice(1)];
      const size = objective.parameterCount;
      const [exact, moved] = [readingOf(nodes, size, value), readingOf(disturbed, size, value)];
      const alone = [nodes.slice(0, 1), again].map((each) => readingOf(each, size, value)) as [
        Reading,
        Reading,
      ];
      const sides = (await acrossKinks(evidence, step, objective)).map((other) =>
        readingOf(
          starts.map((start) => quadrature(other, start, value.lanczosSteps, null)),
          size,
          value,
        ),
      );
      const compare = (quantity: string, recorded: number, at: (of: Reading) => number, scale: number) => {
        const apart = (of: Reading) => Math.abs(at(of) - at(exact));
        const kinks = sides.reduce((sum, side) => sum + apart(side), 0);
        // An extreme of all moves with the one that has it, which may not be the one that was disturbed.
        const own = Math.abs(at(alone[1]) - at(alone[0])) / value.probes;
        const seen = TIMES_SEEN * Math.max(apart(moved), Number.isFinite(own) ? own : 0) + kinks;
        const tolerance = seen + LEAST * scale + (isShare.has(quantity) ? exact.beside : 0);
        tally.compare(step, quantity, recorded, at(exact), tolerance, "disturbed products");
      };
      compare("trace", value.trace, (of) => of.trace.mean, exact.size);
      compare("traceStdErr", value.traceStdErr, (of) => of.trace.stdErr, exact.size);
      if (nodes.some(({ pairs }) => pairs.some(({ weight }) => weight < OF_ROUNDING)))
        return tally.leave(
          "all but the trace: an eigenvalue is multiple, and rounding decides when a copy of it takes the place of another node",
        );
      compare("nearZeroBelow", value.nearZeroBelow, (of) => NEAR_ZERO * of.scale, NEAR_ZERO * exact.scale);
      compare("nearZeroFraction", value.nearZeroFraction, (of) => of.nearZero.mean, 1);
      compare("nearZeroStdErr", value.nearZeroStdErr, (of) => of.nearZero.stdErr, 1);
      compare("negativeMass", value.negativeMass, (of) => of.negative, 1);
      for (const share of ["nearZeroBounds", "negativeBounds"] as const)
        for (const [i, bound] of (value[share] ?? []).entries())
          compare(`${share}[${i}]`, bound, (of) => of[share][i] as number, 1);
      compare("kernelWidth", value.kernelWidth, (of) => of.width, exact.width);
      const last = value.lambda.length - 1;
      for (const [i, at] of value.lambda.entries()) {
        const place = (of: Reading) =>
          of.low - BEYOND * of.width + (i / last) * (of.high - of.low + 2 * BEYOND * of.width);
        compare(`lambda[${i}]`, at, place, exact.scale);
      }
      const highest = Math.max(...exact.density);
      for (const [i, height] of value.density.entries())
        compare(`density[${i}]`, height, (of) => of.density[i] as number, highest);
      const found = shared.spectra.recorded(step)?.top ?? [];
      const tops = (of: readonly Spectrum64[]) => [...of.map(({ pairs }) => pairs), found];
      const lists = { exact: tops(nodes), disturbed: tops(disturbed) };
      checkOutliers(tally, step, value, lists, { timesSeen: TIMES_SEEN, least: LEAST });
    },
  }),
};

/**
 * The objective with all activations near a kink on one side of it, and on the other, where there are such: float32 may stand on either.
 * Of each activation one of the two is its own side: both together say what crossing does.
 */
async function acrossKinks(evidence: Evidence, step: number, objective: Objective64): Promise<Objective64[]> {
  if (objective.slope().kinks === 0) return [];
  const theta = await evidence.theta(step);
  return [-1, 1].map((side) => new Objective64(evidence.network, evidence.data.probe(), theta, side));
}

/** Vectors of random signs. */
function startsOf({ config, header }: Evidence, step: number, count: number): Float64Array[] {
  const random = createRandom(config.seeds.vectors).stream("hessian/density").stream(step);
  return Array.from({ length: count }, () =>
    Float64Array.from(random.fillSigns(new Float32Array(header.parameterCount))),
  );
}

/** @param disturbance  of each product, by as much as float32's rounding, where given. */
function quadrature(
  objective: Objective64,
  start: Float64Array,
  steps: number,
  disturbance: Random | null,
): Spectrum64 {
  const { apply, off } = hessian64(objective);
  const disturbed = (v: Float64Array) => {
    const product = apply(v);
    if (disturbance === null) return product;
    const error = noise(v.length, disturbance);
    addScaled(off(norm(product)) / norm(error), error, 0, product, 0, v.length);
    return product;
  };
  return lanczos64(disturbed, start, () => false, steps, CLOSED);
}

interface Estimate {
  readonly mean: number;
  readonly stdErr: number;
}

interface Reading {
  readonly trace: Estimate;
  /** Σ|λ|, which a trace may be a small difference of. */
  readonly size: number;
  readonly nearZero: Estimate;
  readonly negative: number;
  readonly nearZeroBounds: readonly [number, number];
  readonly negativeBounds: readonly [number, number];
  /** Of nodes beside a limit. */
  readonly beside: number;
  readonly low: number;
  readonly high: number;
  /** max |λ|. */
  readonly scale: number;
  readonly width: number;
  /** At the recorded λ, with the recorded width. */
  readonly density: readonly number[];
}

/** Near zero beside the largest of a matrix that is zero. */
const UNDEFINED: Estimate = { mean: Number.NaN, stdErr: Number.NaN };

function readingOf(probes: readonly Spectrum64[], size: number, recorded: Density): Reading {
  const over = (f: (value: number) => number) =>
    estimate(probes.map(({ pairs }) => pairs.reduce((sum, { value, weight }) => sum + weight * f(value), 0)));
  const high = Math.max(...probes.map(({ pairs }) => pairs[0]?.value ?? Number.NaN));
  const low = Math.min(...probes.map(({ pairs }) => pairs.at(-1)?.value ?? Number.NaN));
  const scale = Math.max(Math.abs(low), Math.abs(high));
  const { nearZeroBelow: limit, kernelWidth: width } = recorded;
  const { mean, stdErr } = over((value) => value);
  const spread = high - low;
  return {
    trace: { mean: size * mean, stdErr: size * stdErr },
    size: size * over(Math.abs).mean,
    nearZero: limit === 0 ? UNDEFINED : over((value) => (Math.abs(value) < limit ? 1 : 0)),
    negative: over((value) => (value < -limit ? 1 : 0)).mean,
    ...boundsOf(probes, limit),
    beside: over((value) => (Math.abs(Math.abs(value) - limit) <= BESIDE * limit ? 1 : 0)).mean,
    low,
    high,
    scale,
    width: KERNEL * (spread > 0 ? spread : Math.abs(high) || 1),
    density: recorded.lambda.map(
      (at) =>
        over((value) => Math.exp(-(((at - value) / width) ** 2) / 2)).mean / (width * Math.sqrt(2 * Math.PI)),
    ),
  };
}

/** What the quadratures leave open of both shares. */
function boundsOf(probes: readonly Spectrum64[], limit: number) {
  if (limit === 0) return { nearZeroBounds: [Number.NaN, Number.NaN], negativeBounds: [0, 0] } as const;
  const at = probes.map((probe) => ({ lower: massBelow64(probe, -limit), upper: massBelow64(probe, limit) }));
  const mean = (of: (each: (typeof at)[number]) => number) => estimate(at.map(of)).mean;
  return {
    nearZeroBounds: [
      mean(({ lower, upper }) => Math.max(0, upper[0] - lower[1])),
      mean(({ lower, upper }) => upper[1] - lower[0]),
    ],
    negativeBounds: [mean(({ lower }) => lower[0]), mean(({ lower }) => lower[1])],
  } as const;
}

function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, stdErr: count < 2 ? Number.NaN : Math.sqrt(squares / (count - 1) / count) };
}
