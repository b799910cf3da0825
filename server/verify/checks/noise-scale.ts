/** The gradient noise scale, from the same batches by seed and step. */
import type * as z from "zod/mini";
import { createRandom } from "../../numerics/random.ts";
import type { CheckDefinition } from "../check.ts";
import { type Evidence, slopeWithin } from "../evidence.ts";
import { dot } from "../products.ts";
import { noiseScale } from "../shapes.ts";
import { UNIT_ROUNDOFF_64 } from "../tally.ts";

type NoiseScale = z.infer<typeof noiseScale>;

const MOST_BATCHES = 16;

export const gradientNoiseScale: CheckDefinition<NoiseScale> = {
  channel: "gradient/noise-scale",
  needsData: true,
  shape: noiseScale,
  work: ({ header, multiplyAdds }: Evidence) => 4 * MOST_BATCHES * header.train.batchSize * multiplyAdds,
  start: ({ evidence, tally }) => ({
    observe({ step, value }) {
      const { value: ratio, signal, noise, batchSize } = value as NoiseScale;
      tally.compare(step, "batchSize", batchSize, evidence.header.train.batchSize, 0, "exact");
      tally.follows(step, "value", ratio, noise / signal);
    },
    needs: (step) => [step],
    async derive({ step, value }) {
      const { batchSize } = evidence.header.train;
      const theta = await evidence.theta(step);
      const most = Math.min(MOST_BATCHES, Math.floor(evidence.data.trainSize / batchSize));
      tally.compare(step, "batches", value.batches, most, 0, "exact");
      const random = createRandom(evidence.config.seeds.vectors).stream("gradient/noise-scale").stream(step);
      const drawn = random.shuffle(evidence.subset(random, most * batchSize));
      const slopes = Array.from({ length: most }, (_, i) =>
        slopeWithin(evidence, evidence.data.train(drawn.subarray(i * batchSize, (i + 1) * batchSize)), theta),
      );
      const { moments, off } = momentsOf(slopes, batchSize);
      const compare = (quantity: string, recorded: number, derived: number, tolerance: number) =>
        tally.compare(
          step,
          quantity,
          recorded,
          derived,
          tolerance + (Number.isFinite(derived) ? 64 * UNIT_ROUNDOFF_64 * Math.abs(derived) : 0),
          "float32 rounding",
        );
      compare("signal", value.signal, moments.signal, off.signal);
      compare("noise", value.noise, moments.noise, off.noise);
      compare("signalStdErr", value.signalStdErr, moments.signalStdErr, off.signalStdErr);
      const interval = fieller(moments, most - 1);
      const moved = Object.keys(off).map((name) => {
        const key = name as keyof Moments;
        return fieller({ ...moments, [key]: moments[key] + off[key] }, most - 1);
      });
      for (const end of [0, 1] as const) {
        // Where rounding decides whether there is an upper end at all, nothing can be said of it.
        if (moved.some((each) => Number.isFinite(each[end]) !== Number.isFinite(interval[end]))) {
          tally.leave("interval: rounding decides whether it has an upper end");
          continue;
        }
        const tolerance = moved.reduce((sum, each) => sum + (Math.abs(each[end] - interval[end]) || 0), 0);
        compare(`interval[${end}]`, value.interval[end], interval[end], tolerance);
      }
    },
  }),
};

/** Signal ‖G‖² and noise tr Σ, and their jackknife errors over batches. */
interface Moments {
  readonly signal: number;
  readonly noise: number;
  readonly signalStdErr: number;
  readonly noiseStdErr: number;
  readonly correlation: number;
}

/**
 * ‖G‖² as the mean of gᵢ·gⱼ over pairs of batches, tr Σ as b times their variance: the two-batch-size estimates of McCandlish et al. 2018,
 * appendix A.1, written as what they estimate.
 */
function momentsOf(
  slopes: readonly { readonly gradient: Float64Array; readonly noise: number }[],
  batchSize: number,
): { readonly moments: Moments; readonly off: Moments } {
  const m = slopes.length;
  const products = slopes.map((a) => slopes.map((b) => dot(a.gradient, b.gradient)));
  const at = (i: number, j: number) => products[i]?.[j] as number;
  const estimate = (chosen: readonly number[]) => {
    const count = chosen.length;
    const squares = chosen.reduce((sum, i) => sum + at(i, i), 0);
    const all = chosen.reduce((sum, i) => sum + chosen.reduce((row, j) => row + at(i, j), 0), 0);
    return {
      signal: (all - squares) / (count * (count - 1)),
      noise: (batchSize * (squares - all / count)) / (count - 1),
    };
  };
  const everyone = slopes.map((_, i) => i);
  const { signal, noise } = estimate(everyone);
  const without = everyone.map((left) => estimate(everyone.filter((i) => i !== left)));
  const spread = (a: "signal" | "noise", b: "signal" | "noise") => {
    const mean = (of: "signal" | "noise") => without.reduce((sum, each) => sum + each[of], 0) / m;
    const [meanA, meanB] = [mean(a), mean(b)];
    return ((m - 1) / m) * without.reduce((sum, each) => sum + (each[a] - meanA) * (each[b] - meanB), 0);
  };
  const [signalStdErr, noiseStdErr] = [
    Math.sqrt(spread("signal", "signal")),
    Math.sqrt(spread("noise", "noise")),
  ];
  // Rounding of gᵢ moves the signal along the sum of the others, and the noise along gᵢ less the mean; by Cauchy–Schwarz.
  const lengths = everyone.map((i) => {
    const row = everyone.reduce((sum, j) => sum + at(i, j), 0);
    const all = everyone.reduce((sum, j) => sum + everyone.reduce((inner, l) => inner + at(j, l), 0), 0);
    return {
      others: Math.sqrt(Math.max(0, all - 2 * row + at(i, i))),
      apart: Math.sqrt(Math.max(0, at(i, i) - (2 * row) / m + all / (m * m))),
      off: slopes[i]?.noise as number,
    };
  });
  const signalParts = lengths.map(({ others, off }) => (2 * others * off) / (m * (m - 1)));
  const noiseParts = lengths.map(({ apart, off }) => (2 * batchSize * apart * off) / (m - 1));
  const total = (parts: readonly number[]) => parts.reduce((sum, part) => sum + part, 0);
  return {
    moments: {
      signal,
      noise,
      signalStdErr,
      noiseStdErr,
      correlation: spread("signal", "noise") / (signalStdErr * noiseStdErr),
    },
    off: {
      signal: total(signalParts),
      noise: total(noiseParts),
      signalStdErr: Math.sqrt(m) * Math.hypot(...signalParts),
      noiseStdErr: Math.sqrt(m) * Math.hypot(...noiseParts),
      correlation:
        (Math.sqrt(m) * Math.hypot(...signalParts)) / signalStdErr +
        (Math.sqrt(m) * Math.hypot(...noiseParts)) / noiseStdErr,
    },
  };
}

/**
 * Those ratios ρ ≥ 0 for which noise − ρ·signal is within t standard errors of zero.
 * @source Fieller 1954, J. R. Stat. Soc. B 16:175.
 */
function fieller(
  { signal, noise, signalStdErr, noiseStdErr, correlation }: Moments,
  freedom: number,
): [number, number] {
  const t = student(freedom);
  const covariance = correlation * signalStdErr * noiseStdErr;
  // aρ² − 2bρ + c ≤ 0.
  const a = signal ** 2 - t ** 2 * signalStdErr ** 2;
  const b = noise * signal - t ** 2 * covariance;
  const c = noise ** 2 - t ** 2 * noiseStdErr ** 2;
  const root = Math.sqrt(Math.max(0, b * b - a * c));
  const roots = [(b - root) / a, (b + root) / a].sort((p, q) => p - q) as [number, number];
  if (a > 0) return [Math.max(0, roots[0]), Math.max(0, roots[1])];
  return [c <= 0 ? 0 : roots[1], Number.POSITIVE_INFINITY];
}

/** 97.5 % quantile of Student's t. @source Abramowitz & Stegun 1964, 26.7.5, as the recording's interval has it. */
function student(freedom: number): number {
  const x = 1.959964;
  const terms = [
    x,
    (x ** 3 + x) / 4,
    (5 * x ** 5 + 16 * x ** 3 + 3 * x) / 96,
    (3 * x ** 7 + 19 * x ** 5 + 17 * x ** 3 - 15 * x) / 384,
  ];
  return terms.reduce((sum, term, power) => sum + term / freedom ** power, 0);
}
