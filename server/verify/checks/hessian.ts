/** Eigenvalues of the Hessian: that one lies near each recorded value, that the first is the first, and what is said about them. */
import type * as z from "zod/mini";
import type { Random } from "../../numerics/random.ts";
import type { CheckDefinition } from "../check.ts";
import {
  ABOUT_CONVERGED,
  areFinite,
  expectOrder,
  hessian64,
  lanczosWork,
  MOST_PRODUCTS,
} from "../eigenpairs.ts";
import type { Evidence } from "../evidence.ts";
import { lanczos64, noise, type RitzPair } from "../lanczos64.ts";
import { norm } from "../products.ts";
import { eigenvalues } from "../shapes.ts";
import { compareLoss, type Tally, UNIT_ROUNDOFF_64 } from "../tally.ts";
import { threshold } from "../threshold.ts";

type Eigenvalues = z.infer<typeof eigenvalues>;

export const hessianEigenvalues: CheckDefinition<Eigenvalues> = {
  channel: "hessian/eigenvalues",
  needsData: true,
  shape: eigenvalues,
  work: lanczosWork,
  apart: [ABOUT_CONVERGED, "hvps, coldGap: they tell how the engine went about it"],
  start: ({ evidence, tally, sampler, shared }) => ({
    observe({ step, value }) {
      shared.spectra.note(step, value as Eigenvalues);
      checkArithmetic(evidence, tally, step, value as Eigenvalues);
    },
    needs: (step) => [step],
    async derive({ step, value }) {
      const theta = await evidence.theta(step);
      const objective = await evidence.at(step);
      const evaluation = objective.evaluate();
      const size = norm(Float64Array.from(theta));
      const rounding = evidence.header.parameterCount * UNIT_ROUNDOFF_64 * size;
      tally.compare(step, "thetaNorm", value.thetaNorm, size, rounding, "float64 rounding");
      if (!areFinite(tally, step, [...value.top, ...value.bottom], evaluation)) return;
      compareLoss(tally, step, "loss", value.loss, evaluation);
      const { values, vectors, residuals } = shared.spectra.compare(tally, step, objective, value);
      // Where the space closed on one value, every vector that was found is arbitrary: λ₁ may be multiple.
      const gap =
        theta.length === 1 ? Number.POSITIVE_INFINITY : (values[0] as number) - (values[1] ?? Number.NaN);
      const angle = (residuals[0] as number) / gap;
      if (angle < 0.5) shared.modes.set(step, { vector: vectors[0] as Float32Array, angle: 2 * angle });
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
  random: Random,
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
  const { apply, off: roundingOf } = hessian64(objective);
  const { pairs } = lanczos64(apply, noise(theta.length, random), enough, MOST_PRODUCTS);
  const first = pairs[0] as RitzPair;
  const derived = Math.abs(first.value - sharpness) / Math.SQRT2;
  const off = (tolerance + first.residual + roundingOf(first.value)) / Math.SQRT2;
  tally.compare(step, `probeStdErr of n = ${n}`, probeStdErr as number, derived, off, "residual");
}

const ENGINE_TOLERANCE = 1e-3;

/** What follows from the header and from the recorded values alone. */
function checkArithmetic(evidence: Evidence, tally: Tally, step: number, value: Eigenvalues): void {
  const { header } = evidence;
  const limit = threshold(header, value.eta);
  tally.compare(step, "n", value.n, header.probe.size, 0, "exact");
  expectEta(evidence, tally, step, value.eta);
  tally.follows(step, "threshold", value.threshold, limit.threshold);
  tally.expect(step, value.rule === limit.rule, `rule is ${value.rule}, expected ${limit.rule}`);
  const sharpness = value.top[0]?.value ?? Number.NaN;
  tally.follows(step, "ratio", value.ratio, limit.threshold === null ? null : sharpness / limit.threshold);
  expectOrder(tally, step, "top", value.top);
  expectOrder(tally, step, "bottom", value.bottom);
  tally.expect(step, value.hvps > 0, `hvps is ${value.hvps}`);
}

/** η of the next update, by the schedule as it was known then or as it came. */
export function expectEta({ rates }: Evidence, tally: Tally, step: number, eta: number): void {
  tally.expect(
    step,
    [rates.of(step + 1), rates.foreseen(step)].some((each) => Math.abs(each - eta) <= 1e-15 * each),
    `eta is ${eta}, by the schedule ${rates.of(step + 1)}`,
  );
}
