/** What quadratures from several random starts say about a whole spectrum. */
import type { Quadrature } from "./lanczos-quadrature.ts";
import { type Bounds, massBelow } from "./mass-below.ts";

/** A mean over random starts, and how far it may be off. */
export interface Estimate {
  readonly mean: number;
  /** Sample standard deviation / √count; NaN for one value, from which nothing about the error follows. */
  readonly stdErr: number;
}

export function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, stdErr: count < 2 ? Number.NaN : Math.sqrt(squares / (count - 1) / count) };
}

export interface Share extends Estimate {
  /**
   * What the starts see lies between them, in the mean, whatever the spectrum: wide where many eigenvalues lie about a limit, closer together
   * than the nodes.
   */
  readonly bounds: readonly [low: number, high: number];
}

/**
 * Share of all eigenvalues in (from, to), by the nodes there, as the mean over the starts.
 * @param from  below `to`; −∞ where there is no limit.
 */
export function massBetween(quadratures: readonly Quadrature[], from: number, to: number): Share {
  const shares = quadratures.map(({ nodes, weights }) =>
    nodes.reduce((sum, node, i) => (node > from && node < to ? sum + (weights[i] as number) : sum), 0),
  );
  const limits = quadratures.map((quadrature) => ({
    low: from === Number.NEGATIVE_INFINITY ? NOTHING : massBelow(quadrature, from),
    high: massBelow(quadrature, to),
  }));
  const least = estimate(limits.map(({ low, high }) => Math.max(0, high.least - low.most)));
  const most = estimate(limits.map(({ low, high }) => high.most - low.least));
  return { ...estimate(shares), bounds: [least.mean, most.mean] };
}

const NOTHING: Bounds = { least: 0, most: 0 };

export interface SpectralDensity {
  /** Evenly spaced, ascending. */
  readonly lambda: readonly number[];
  /** Per unit of λ: its integral is 1. */
  readonly density: readonly number[];
  /** Standard deviation of the Gaussian that stands for each node. */
  readonly kernelWidth: number;
}

/** Of the range of the nodes: fine enough to tell outliers apart, coarse enough that the points below resolve it. */
const KERNEL = 0.01;
const KERNELS_BEYOND_THE_ENDS = 5;
const POINTS = 161;

/** φ(λ) = mean over the starts of Σᵢ wᵢ N(λ; nodeᵢ, σ²). @cost a Gaussian per node and point. */
export function spectralDensity(quadratures: readonly Quadrature[]): SpectralDensity {
  const low = Math.min(...quadratures.map(({ nodes }) => nodes[0] as number));
  const high = Math.max(...quadratures.map(({ nodes }) => nodes.at(-1) as number));
  const range = high - low;
  // A spectrum that is one point still needs a width to be drawn with.
  const width = KERNEL * (range > 0 ? range : Math.abs(high) || 1);
  const from = low - KERNELS_BEYOND_THE_ENDS * width;
  const step = (range + 2 * KERNELS_BEYOND_THE_ENDS * width) / (POINTS - 1);
  const lambda = Array.from({ length: POINTS }, (_, i) => from + i * step);
  const height = 1 / (width * Math.sqrt(2 * Math.PI) * quadratures.length);
  const density = lambda.map((at) => {
    let sum = 0;
    for (const { nodes, weights } of quadratures)
      for (let i = 0; i < nodes.length; i++)
        sum += (weights[i] as number) * Math.exp(-0.5 * ((at - (nodes[i] as number)) / width) ** 2);
    return height * sum;
  });
  return { lambda, density, kernelWidth: width };
}

/** Of the largest eigenvalues: where they lie, and how well that is known. */
export interface Located {
  readonly value: number;
  readonly residual: number;
}

export interface LargestGap {
  /** Eigenvalues above the gap, and the lowest of them. */
  readonly count: number;
  readonly lowest: number;
  /** lowest / the eigenvalue below, at least: that one is taken with its residual. */
  readonly gap: number;
  /** The next largest ratio of neighbours; 1 where there is no other. A gap hardly larger than it is no gap. */
  readonly secondGap: number;
  /** Converged eigenvalues that were compared. */
  readonly among: number;
}

/** A value whose residual is at most this part of it counts as an eigenvalue. */
const CONVERGED = 0.01;

/**
 * Where the largest eigenvalues end and the rest begin: the largest ratio between neighbours, of those above `floor`. What lies below the
 * floor is taken to lie at it, so that a tiny eigenvalue makes no huge ratio.
 *
 * @param descending  the top of a spectrum; of what comes after its last nothing is known.
 * @param floor  above 0. @returns null where no two neighbours can be compared.
 */
export function largestGap(descending: readonly Located[], floor: number): LargestGap | null {
  const steps: { readonly value: number; readonly ratio: number }[] = [];
  for (const [i, { value, residual }] of descending.entries()) {
    const next = descending[i + 1];
    if (next === undefined || value <= floor || residual > CONVERGED * value) break;
    const nextAtMost = Math.min(value, Math.max(next.value + next.residual, floor));
    steps.push({ value, ratio: value / nextAtMost });
  }
  if (steps.length === 0) return null;
  const ratios = steps.map(({ ratio }) => ratio);
  const gap = Math.max(...ratios);
  const at = ratios.indexOf(gap);
  return {
    count: at + 1,
    lowest: steps[at]?.value ?? Number.NaN,
    gap,
    secondGap: Math.max(1, ...ratios.filter((_, i) => i !== at)),
    among: steps.length,
  };
}

/** The nodes of a quadrature from the top, with their residuals. */
export function fromTheTop({ nodes, residuals }: Quadrature): Located[] {
  return Array.from(nodes, (value, i) => ({ value, residual: residuals[i] as number })).reverse();
}
