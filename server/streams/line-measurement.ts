/** The loss on the straight line between two θ, and what its rises are worth. */
import type { Objective } from "../engine/objective.ts";
import { interpolate } from "../numerics/vector.ts";
import { pairedStandardError } from "./probe-losses.ts";

/** α and L((1−α)·from + α·to), both ascending in α. */
export interface Line {
  readonly alphas: readonly number[];
  readonly losses: readonly number[];
}

/** The pair i < j of points with the largest l_j − l_i; negative on a line that falls at every step. NaN where a loss is not finite. */
export interface Rise {
  readonly rise: number;
  readonly from: number;
  readonly to: number;
}

/** Bumps looked at more closely, and how often each interval beside them is halved. */
const REFINED_BUMPS = 3;
const REFINEMENTS = 3;

/** `count` ≥ 2 values of α from 0 to 1. */
export function evenAlphas(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i / (count - 1));
}

/** @cost one forward pass per α. */
export function measureLine(
  objective: Objective,
  from: Float32Array,
  to: Float32Array,
  alphas: readonly number[],
): Line {
  const theta = new Float32Array(from.length);
  return { alphas, losses: alphas.map((alpha) => objective.loss(interpolate(from, to, alpha, theta))) };
}

/**
 * Adds points where a rise may hide or be higher than the grid shows: beside trough and peak of the three highest bumps, or, where
 * nothing rises, beside the pair that falls least.
 * @cost at most 36 forward passes, 12 where nothing rises.
 */
export function refineLine(objective: Objective, from: Float32Array, to: Float32Array, line: Line): Line {
  let refined = line;
  for (let round = 0; round < REFINEMENTS; round++) {
    const { alphas, losses } = refined;
    if (!losses.every(Number.isFinite)) return refined;
    const middles = new Set<number>();
    for (const index of turningPoints(losses)) {
      for (const left of [index - 1, index]) {
        const a = alphas[left];
        const b = alphas[left + 1];
        if (a !== undefined && b !== undefined) middles.add((a + b) / 2);
      }
    }
    const added = measureLine(objective, from, to, [...middles]);
    const points = [...zip(refined), ...zip(added)].sort((p, q) => p[0] - q[0]);
    refined = { alphas: points.map(([alpha]) => alpha), losses: points.map(([, loss]) => loss) };
  }
  return refined;
}

function zip({ alphas, losses }: Line): [number, number][] {
  return alphas.map((alpha, i) => [alpha, losses[i] as number]);
}

/** Troughs and peaks of the highest bumps above the running minimum. */
function turningPoints(losses: readonly number[]): number[] {
  const bumps: { trough: number; peak: number; height: number }[] = [];
  let trough = 0;
  for (let i = 1; i < losses.length; i++) {
    const height = (losses[i] as number) - (losses[trough] as number);
    const open = bumps.at(-1);
    if (height <= 0) trough = i;
    else if (open === undefined || open.trough !== trough) bumps.push({ trough, peak: i, height });
    else if (height > open.height) Object.assign(open, { peak: i, height });
  }
  if (bumps.length === 0) {
    const { from, to } = largestRise(losses);
    return [from, to];
  }
  return bumps
    .sort((a, b) => b.height - a.height)
    .slice(0, REFINED_BUMPS)
    .flatMap((bump) => [bump.trough, bump.peak]);
}

/** @throws {RangeError} for fewer than two losses. */
export function largestRise(losses: readonly number[]): Rise {
  if (losses.length < 2) throw new RangeError(`losses: expected at least two, got ${losses.length}`);
  if (!losses.every(Number.isFinite)) return { rise: Number.NaN, from: 0, to: 1 };
  let lowest = 0;
  let best: Rise = { rise: Number.NEGATIVE_INFINITY, from: 0, to: 1 };
  for (let to = 1; to < losses.length; to++) {
    const rise = (losses[to] as number) - (losses[lowest] as number);
    if (rise > best.rise) best = { rise, from: lowest, to };
    if ((losses[to] as number) < (losses[lowest] as number)) lowest = to;
  }
  return best;
}

/** Standard error, over examples, of the rise between two points of the line. @cost two forward passes. */
export function riseStandardError(
  objective: Objective,
  from: Float32Array,
  to: Float32Array,
  { alphas }: Line,
  rise: Rise,
): number {
  const [before, after] = [rise.from, rise.to].map((index) =>
    objective.exampleLosses(interpolate(from, to, alphas[index] as number)),
  ) as [Float32Array, Float32Array];
  return pairedStandardError(after, before);
}

/** Smallest α, interpolated between points, at which the loss has fallen half of the way; NaN where a loss is not finite. */
export function plateauOf({ alphas, losses }: Line): number {
  const first = losses[0] as number;
  const half = (first + (losses.at(-1) as number)) / 2;
  if (!losses.every(Number.isFinite)) return Number.NaN;
  const at = losses.findIndex((loss) => loss <= half);
  if (at <= 0) return 0;
  const above = losses[at - 1] as number;
  const a = alphas[at - 1] as number;
  const b = alphas[at] as number;
  return a + ((b - a) * (above - half)) / (above - (losses[at] as number));
}

/**
 * How much L(θ) moves when every element of θ moves by one unit in its last place, up or down in a fixed irregular pattern:
 * what rounding θ to float32 and evaluating L in float32 can do to it.
 * @cost two forward passes.
 */
export function roundingNoise(objective: Objective, theta: Float32Array): number {
  const nudged = theta.slice();
  const bits = new Int32Array(nudged.buffer);
  for (let i = 0; i < bits.length; i++) {
    const magnitude = (bits[i] as number) & 0x7fff_ffff;
    if (magnitude !== 0) bits[i] = (bits[i] as number) + (Math.imul(i + 1, 0x9e37_79b1) < 0 ? -1 : 1);
  }
  return Math.abs(objective.loss(nudged) - objective.loss(theta));
}
