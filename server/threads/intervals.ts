/** How often the dear streams are measured, from what measuring costs on this machine. */
import { availableParallelism } from "node:os";
import { SHARPNESS_BATCHES } from "../streams/hessian-batch-sharpness.ts";
import { DENSITY_DEFAULTS } from "../streams/hessian-density.ts";
import type { GeometryCosts } from "./geometry-costs.ts";

/** How the time for measuring is shared out among the schedule keys that a run has: in proportion to these. */
const SHARES: Readonly<Record<string, number>> = {
  hessian: 0.45,
  path: 0.08,
  line: 0.08,
  eval: 0.06,
  "batch-sharpness": 0.08,
  preconditioned: 0.15,
  density: 0.05,
  "per-layer": 0.04,
  "gauss-newton": 0.03,
  "noise-scale": 0.03,
  directional: 0.02,
  sam: 0.01,
};
/** Points of line/profile between verdicts. */
const LINE_POINTS = 11;
/** A warm measurement of a dozen eigenvalues to 1e-3 takes about this many products; measured: 15 to 50. */
const WARM_HVPS = 40;
const { probes, lanczosSteps } = DENSITY_DEFAULTS;
/** λ₁ alone to 1e-3, from a cold start. */
const COLD_HVPS = 16;
const NOISE_BATCHES = 16;
/** Intervals a person can count in. */
const ROUND = [
  1, 2, 5, 10, 20, 25, 50, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000, 2500, 3000, 4000, 5000,
  10_000,
];
const STATE_EVERY = 500;

/** Milliseconds, as measured on this machine before the first step. */
export interface CostsMs extends GeometryCosts {
  /** One training step, alone. */
  readonly step: number;
  /** The same while the curvature thread computes: cores share caches, memory and sometimes more. */
  readonly stepBeside: number;
  readonly linearise: number;
  readonly hvp: number;
  /** Re-orthogonalising against one vector of a Krylov basis. */
  readonly project: number;
  readonly probeLoss: number;
  readonly testLoss: number;
  readonly batch: number;
}

/** Passes that {@link import("../numerics/krylov-basis.ts").KrylovBasis.orthogonalise} takes in the mean, against half of the final basis. */
const PASSES = 1.5;

/** k steps of Lanczos: with many parameters and few examples, re-orthogonalising costs more than the products. */
function lanczosMs({ hvp, project }: CostsMs, k: number): number {
  return k * hvp + ((PASSES * k * k) / 2) * project;
}

/**
 * One measurement under each schedule key, in milliseconds.
 * @param layers  that have parameters.
 */
export function measurementMs(costs: CostsMs, layers = 1): Readonly<Record<string, number>> {
  return {
    hessian: costs.linearise + lanczosMs(costs, WARM_HVPS),
    path: costs.probeLoss,
    line: LINE_POINTS * costs.probeLoss,
    eval: costs.testLoss,
    "batch-sharpness": SHARPNESS_BATCHES * costs.batch,
    density: costs.linearise + probes * lanczosMs(costs, lanczosSteps),
    // The bases are no longer than their layers: together as long as one of the whole.
    "per-layer":
      costs.linearise + layers * COLD_HVPS * costs.hvp + lanczosMs({ ...costs, hvp: 0 }, COLD_HVPS),
    "gauss-newton": costs.linearise + lanczosMs(costs, COLD_HVPS),
    // A gradient costs less than what `batch` has: a gradient and a product.
    "noise-scale": NOISE_BATCHES * costs.batch,
    directional: costs.batch > 0 ? costs.batch : costs.linearise + costs.hvp,
    sam: costs.linearise + costs.probeLoss,
    preconditioned: costs.linearise + lanczosMs(costs, COLD_HVPS),
  };
}

/** Of the curvature thread's time, at most: beyond it, training waits for measurements instead of being slowed by them. */
const BUSIEST = 0.9;
/** Where there is not enough for everybody, it has at least this share of a core: late numbers are better than none. */
const LEAST = 0.1;
/** Threads that each want a core now and then: training, geometry, curvature, and the log with the garbage collector. */
const THREADS = 4;
/** Of a core: what the log and the garbage collector take. Measured on two cores, at a step of a millisecond. */
const LOG = 0.2;

/**
 * Share of its time that the curvature thread may be busy so that training loses no more than this. While a thread computes beside it, a
 * step takes `stepBeside` instead of `step`, whichever thread that is: geometry and the log have their part of what may be lost, too, and
 * so they have of the cores where these are fewer than the threads.
 * @param weightsEvery  interval at which θ is encoded.
 */
export function affordableDuty(
  costs: CostsMs,
  overheadPercent: number,
  { cores, weightsEvery }: { readonly cores: number; readonly weightsEvery: number },
): number {
  const { step, stepBeside, geometry, encode } = costs;
  const slowdown = Math.max(0, 1 - step / stepBeside);
  const taken = (geometry + encode / weightsEvery) / step + LOG;
  const free = cores < THREADS ? BUSIEST - taken : BUSIEST;
  return Math.max(LEAST, Math.min(free, overheadPercent / 100 / slowdown - taken));
}

/**
 * Interval of each schedule key, in steps: each key gets its share of the curvature thread's {@link affordableDuty}.
 *
 * @param run.keys  those that the run has streams for; default: all. @param run.layers  that have parameters; default 1.
 * @param run.cores  default: this machine's.
 */
export function chooseIntervals(
  costs: CostsMs,
  overheadPercent: number,
  run: {
    readonly weightsEvery: number;
    readonly keys?: ReadonlySet<string>;
    readonly layers?: number;
    readonly cores?: number;
  },
): Record<string, number> {
  const { weightsEvery, keys, layers, cores = availableParallelism() } = run;
  const measured = Object.entries(measurementMs(costs, layers)).filter(([key]) => keys?.has(key) ?? true);
  const all = measured.reduce((sum, [key]) => sum + (SHARES[key] ?? 0), 0);
  const busyMsPerStep = affordableDuty(costs, overheadPercent, { cores, weightsEvery }) * costs.step;
  const intervals = measured.map(([key, ms]) => {
    const steps = ms / (((SHARES[key] ?? 0) / all) * busyMsPerStep);
    return [key, rounded(steps)] as const;
  });
  return { ...Object.fromEntries(intervals), state: STATE_EVERY };
}

/** The codec keeps about half of what θ takes. */
const COMPRESSED = 0.5;
/** Time alone makes θ no rarer: from one recorded θ, `thalweg verify` follows a few updates to the next, and no more. */
const FOLLOWED = 5;

/**
 * How often θ is logged so that the recording stays under its budget and, as far as {@link FOLLOWED} allows, encoding takes no more of a
 * core than training may lose.
 * @param run.steps  of the whole run. @param run.budgetMiB  of its recording.
 */
export function chooseWeightsEvery(
  { step, encode }: Pick<CostsMs, "step" | "encode">,
  overheadPercent: number,
  run: { readonly parameterCount: number; readonly steps: number; readonly budgetMiB: number },
): number {
  const bytes = 4 * run.parameterCount * COMPRESSED;
  const most = Math.floor((run.budgetMiB * 2 ** 20 * 0.9) / bytes);
  const forTime = Math.min(FOLLOWED, encode / step / (overheadPercent / 100));
  const fits = (every: number) => every >= forTime && loggedThetas(every, run.steps) <= most;
  // Those at powers of two are logged in any case.
  const powers = Math.floor(Math.log2(run.steps)) + 1;
  return ROUND.find(fits) ?? Math.ceil((run.steps + 1) / Math.max(1, most - powers));
}

/** Of a whole run: θ₀, multiples of the interval, powers of two, the last step. */
function loggedThetas(every: number, steps: number): number {
  let count = Math.floor(steps / every) + 1;
  for (let power = 1; power < steps; power *= 2) if (power % every !== 0) count++;
  return steps % every === 0 ? count : count + 1;
}

/** The next interval that a person can count in. */
function rounded(steps: number): number {
  return ROUND.find((interval) => interval >= steps) ?? Math.ceil(steps);
}
