/** Eigenvalues of the Hessian: that one lies near each recorded value, that the first is the first, and what is said about them. */
import type { CheckDefinition } from "../check.ts";
import { type Evidence, SIGMAS, UNIT_ROUNDOFF_64 } from "../evidence.ts";
import { lanczos64, type RitzPair, type Spectrum64 } from "../lanczos64.ts";
import type { Objective64 } from "../objective.ts";
import { norm } from "../products.ts";
import { eigenvalues } from "../shapes.ts";
import type { Tally } from "../tally.ts";
import { threshold } from "../threshold.ts";

interface Pair {
  readonly value: number;
  readonly residual: number;
  readonly converged: boolean;
}

interface Eigenvalues {
  readonly top: readonly Pair[];
  readonly bottom: readonly Pair[];
  readonly threshold: number | null;
  readonly rule: string | null;
  readonly ratio: number | null;
  readonly eta: number;
  readonly n: number;
  readonly loss: number;
  readonly thetaNorm: number;
  readonly hvps: number;
  readonly probeStdErr: number | null;
}

/** Products of a cold start, about, and the most that one is allowed. */
const USUAL_PRODUCTS = 60;
const MOST_PRODUCTS = 160;

export const hessianEigenvalues: CheckDefinition<Eigenvalues> = {
  channel: "hessian/eigenvalues",
  needsData: true,
  shape: eigenvalues as never,
  work: ({ header }: Evidence) => 2 * USUAL_PRODUCTS * header.probe.size * header.parameterCount,
  apart: [
    "converged: its tolerance is not in the recording; only that what has converged has the smaller residuals",
    "hvps, coldGap: they tell how the engine went about it",
  ],
  start: ({ evidence, tally, sampler, shared }) => ({
    observe: ({ step, value }) => checkArithmetic(evidence, tally, step, value as Eigenvalues),
    needs: (step) => [step],
    async derive({ step, value }) {
      const theta = await evidence.theta(step);
      const objective = await evidence.at(step);
      const { loss, noise, overflows } = objective.evaluate();
      const size = norm(Float64Array.from(theta));
      const rounding = evidence.header.parameterCount * UNIT_ROUNDOFF_64 * size;
      tally.compare(step, "thetaNorm", value.thetaNorm, size, rounding, "float64 rounding");
      const pairs = [...value.top, ...value.bottom];
      if (overflows || !pairs.every((pair) => Number.isFinite(pair.value))) {
        tally.expect(step, overflows, "eigenvalues are not finite where float32 does not overflow");
        return;
      }
      tally.compare(step, "loss", value.loss, loss, SIGMAS * noise, "float32 rounding");
      const spectrum = spectrumNear(objective, pairs, sampler.random("lanczos"));
      const sharpest = spectrum.pairs[0] as RitzPair;
      const off = SIGMAS * objective.hessianNoise(largestOf(spectrum));
      for (const [group, list] of [
        ["top", value.top],
        ["bottom", value.bottom],
      ] as const) {
        for (const [i, { value: recorded, residual }] of list.entries()) {
          const { value: derived, residual: own } = nearest(spectrum, recorded);
          tally.compare(step, `${group}[${i}]`, recorded, derived, residual + own + off, "residual");
        }
      }
      // Ritz values never exceed the largest eigenvalue: one above λ₁ shows that λ₁ is not it.
      const first = value.top[0] as Pair;
      const above = Math.max(0, sharpest.value - first.value);
      tally.compare(step, "λ above top[0]", above, 0, first.residual + off, "residual");
      const gap = sharpest.value - (spectrum.pairs[1]?.value ?? Number.NEGATIVE_INFINITY);
      const angle = (first.residual + off + sharpest.residual) / gap;
      if (angle < 0.5) shared.modes.set(step, { vector: sharpest.vector(), angle: 2 * angle });
      if (value.probeStdErr !== null)
        checkSecondProbe(evidence, tally, step, value, theta, sampler.random("second"));
    },
  }),
};

/** λ₁ on a second probe: |λ₁′ − λ₁|/√2. */
function checkSecondProbe(
  evidence: Evidence,
  tally: Tally,
  step: number,
  { probeStdErr, top, n }: Eigenvalues,
  theta: Float32Array,
  random: Parameters<typeof lanczos64>[2],
): void {
  const part = evidence.data.secondProbe();
  const sharpness = top[0]?.value ?? Number.NaN;
  if (part === null) {
    tally.expect(step, false, `probeStdErr is ${probeStdErr} where there is no second probe`);
    return;
  }
  const objective = evidence.objective(theta, part);
  // The engine's own tolerance for what has converged, which the recording does not hold for this one.
  const tolerance = ENGINE_TOLERANCE * sharpness;
  const enough = ([first]: readonly RitzPair[]) =>
    (first?.residual ?? Number.POSITIVE_INFINITY) <= tolerance / 10;
  const { pairs } = lanczos64((v) => objective.apply(v), theta.length, random, enough, MOST_PRODUCTS);
  const first = pairs[0] as RitzPair;
  const derived = Math.abs(first.value - sharpness) / Math.SQRT2;
  const off = (tolerance + first.residual + SIGMAS * objective.hessianNoise(first.value)) / Math.SQRT2;
  tally.compare(step, `probeStdErr of n = ${n}`, probeStdErr as number, derived, off, "residual");
}

const ENGINE_TOLERANCE = 1e-3;

/** Own Lanczos until each recorded value has a Ritz value as well resolved as it is itself. */
function spectrumNear(
  objective: Objective64,
  pairs: readonly Pair[],
  random: Parameters<typeof lanczos64>[2],
): Spectrum64 {
  const largest = pairs.reduce((most, { value }) => Math.max(most, Math.abs(value)), 0);
  const off = SIGMAS * objective.hessianNoise(largest);
  const isResolved = (found: readonly RitzPair[]) =>
    pairs.every(({ value, residual }) =>
      found.some(
        (own) =>
          own.residual <= 2 * residual + off && Math.abs(own.value - value) <= residual + own.residual + off,
      ),
    );
  return lanczos64((v) => objective.apply(v), objective.parameterCount, random, isResolved, MOST_PRODUCTS);
}

function nearest({ pairs }: Spectrum64, value: number): RitzPair {
  const apart = (pair: RitzPair) => Math.abs(pair.value - value);
  return pairs.reduce((best, pair) => (apart(pair) < apart(best) ? pair : best));
}

function largestOf({ pairs }: Spectrum64): number {
  return Math.max(Math.abs(pairs[0]?.value ?? 0), Math.abs(pairs.at(-1)?.value ?? 0));
}

/** What follows from the header and from the recorded values alone. */
function checkArithmetic(evidence: Evidence, tally: Tally, step: number, value: Eigenvalues): void {
  const { header, rates } = evidence;
  const limit = threshold(header, value.eta);
  const same = (quantity: string, recorded: number | null, derived: number | null) => {
    if (recorded === null || derived === null)
      return tally.expect(step, recorded === derived, `${quantity} is ${recorded}, expected ${derived}`);
    tally.compare(
      step,
      quantity,
      recorded,
      derived,
      8 * UNIT_ROUNDOFF_64 * Math.abs(derived),
      "float64 rounding",
    );
  };
  same("n", value.n, header.probe.size);
  tally.expect(
    step,
    [rates.of(step + 1), rates.foreseen(step)].some((eta) => Math.abs(eta - value.eta) <= 1e-15 * eta),
    `eta is ${value.eta}, by the schedule ${rates.of(step + 1)}`,
  );
  same("threshold", value.threshold, limit.threshold);
  tally.expect(step, value.rule === limit.rule, `rule is ${value.rule}, expected ${limit.rule}`);
  const sharpness = value.top[0]?.value ?? Number.NaN;
  same("ratio", value.ratio, limit.threshold === null ? null : sharpness / limit.threshold);
  const ascends = (pairs: readonly Pair[], sign: number) =>
    pairs.every((pair, i) => i === 0 || !(sign * (pair.value - (pairs[i - 1] as Pair).value) < 0));
  tally.expect(step, ascends(value.top, -1), "top is not in descending order");
  tally.expect(step, ascends(value.bottom, 1), "bottom is not in ascending order");
  for (const pairs of [value.top, value.bottom]) {
    const worst = Math.max(0, ...pairs.filter(({ converged }) => converged).map(({ residual }) => residual));
    tally.expect(
      step,
      pairs.every(({ converged, residual }) => converged || !(residual < worst)),
      "a pair that has not converged has a smaller residual than one that has",
    );
  }
  tally.expect(step, value.hvps > 0, `hvps is ${value.hvps}`);
}
