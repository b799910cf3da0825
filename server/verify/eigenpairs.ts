/** Recorded eigenvalues held against a Lanczos of one's own: that one lies near each, and that the first is the first. */
import type { Random } from "../numerics/random.ts";
import { withCopies } from "./copies64.ts";
import type { Evidence } from "./evidence.ts";
import { lanczos64, noise, type RitzPair, type Spectrum64 } from "./lanczos64.ts";
import type { Evaluation, Objective64 } from "./objective.ts";
import { SIGMAS, type Tally } from "./tally.ts";

/** As recordings have them. */
export interface RecordedPair {
  readonly value: number;
  readonly residual: number;
  readonly converged: boolean;
}

export interface Operator64 {
  readonly size: number;
  /** v ↦ Av, new; A symmetric. */
  apply(v: Float64Array): Float64Array<ArrayBuffer>;
  /** What float32 may make of an eigenvalue, where the largest has this size. */
  off(largest: number): number;
  /** The same of one pair, where more is known of it. */
  offAt?(pair: RitzPair): number;
}

/** Products of a cold start, about, and the most that one is allowed. */
const USUAL_PRODUCTS = 60;
export const MOST_PRODUCTS = 160;

/** Multiply-adds of a cold start on the probe, about. */
export const lanczosWork = ({ header, multiplyAdds }: Evidence) =>
  2 * USUAL_PRODUCTS * header.probe.size * multiplyAdds;

/** Residuals of one's own, as a part of the recorded ones: at the top, where vectors are asked for, and elsewhere. */
const TOP_SHARE = 0.5;
const OTHER_SHARE = 2;

export function hessian64(objective: Objective64): Operator64 {
  return {
    size: objective.parameterCount,
    apply: (v) => objective.apply(v),
    off: (largest) => SIGMAS * objective.hessianNoise(largest),
  };
}

/**
 * Lanczos from noise until each recorded value has a Ritz value near enough, and better resolved than it is itself; with copies of those that
 * are recorded more than once.
 */
export function spectrumNear(
  operator: Operator64,
  top: readonly RecordedPair[],
  bottom: readonly RecordedPair[],
  random: Random,
): Spectrum64 {
  const largest = [...top, ...bottom].reduce((most, { value }) => Math.max(most, Math.abs(value)), 0);
  const off = operator.off(largest);
  const isResolved = (found: readonly RitzPair[]) => {
    const has = (share: number) => (recorded: RecordedPair) =>
      found.some(
        ({ value, residual }) =>
          residual <= share * recorded.residual + off &&
          Math.abs(value - recorded.value) <= recorded.residual + residual + off,
      );
    return top.every(has(TOP_SHARE)) && bottom.every(has(OTHER_SHARE));
  };
  const found = lanczos64(operator.apply, noise(operator.size, random), isResolved, MOST_PRODUCTS);
  return { ...found, pairs: withCopies(operator, found.pairs, top, off, random, MOST_PRODUCTS) };
}

/** @param name  of a pair, for messages. @returns the spectrum, and what float32 may be off by in its values. */
export function comparePairs(
  tally: Tally,
  step: number,
  operator: Operator64,
  recorded: { readonly top: readonly RecordedPair[]; readonly bottom?: readonly RecordedPair[] },
  random: Random,
  name = (group: "top" | "bottom", i: number) => `${group}[${i}]`,
): { readonly spectrum: Spectrum64; readonly off: number } {
  const { top, bottom = [] } = recorded;
  const spectrum = spectrumNear(operator, top, bottom, random);
  const { pairs } = spectrum;
  const off = operator.off(Math.max(Math.abs(pairs[0]?.value ?? 0), Math.abs(pairs.at(-1)?.value ?? 0)));
  const offOf = (pair: RitzPair) => operator.offAt?.(pair) ?? off;
  for (const group of ["top", "bottom"] as const) {
    for (const [i, { value, residual }] of (group === "top" ? top : bottom).entries()) {
      const own = nearest(pairs, value);
      const tolerance = residual + own.residual + offOf(own);
      tally.compare(step, name(group, i), value, own.value, tolerance, "residual");
    }
  }
  for (const [i, { value, residual }] of top.entries()) {
    const own = pairs[i];
    if (own === undefined) break;
    const beyond = Math.max(0, value - own.value);
    tally.compare(
      step,
      `${name("top", i)} by rank`,
      beyond,
      0,
      residual + own.residual + offOf(own),
      "residual",
    );
  }
  const [first] = top;
  const largest = pairs[0];
  if (first !== undefined && largest !== undefined) {
    // Ritz values never exceed the largest eigenvalue: one above λ₁ shows that λ₁ is not it.
    const above = Math.max(0, largest.value - first.value);
    tally.compare(step, `λ above ${name("top", 0)}`, above, 0, first.residual + offOf(largest), "residual");
  }
  return { spectrum, off };
}

function nearest(pairs: readonly RitzPair[], value: number): RitzPair {
  const apart = (pair: RitzPair) => Math.abs(pair.value - value);
  return pairs.reduce((best, pair) => (apart(pair) < apart(best) ? pair : best));
}

/** Is there something to compare? Where float32 overflows any value is as good; elsewhere one that is not finite is a fault. */
export function areFinite(
  tally: Tally,
  step: number,
  pairs: readonly RecordedPair[],
  { overflows }: Evaluation,
): boolean {
  if (!overflows && pairs.every(({ value }) => Number.isFinite(value))) return true;
  tally.expect(step, overflows, "eigenvalues are not finite where float32 does not overflow");
  return false;
}

/** What must hold among recorded pairs, whatever they are of. */
export function expectOrder(
  tally: Tally,
  step: number,
  group: "top" | "bottom",
  pairs: readonly RecordedPair[],
): void {
  const sign = group === "top" ? -1 : 1;
  tally.expect(
    step,
    pairs.every((pair, i) => i === 0 || !(sign * (pair.value - (pairs[i - 1] as RecordedPair).value) < 0)),
    `${group} is not in ${group === "top" ? "descending" : "ascending"} order`,
  );
  const worst = Math.max(0, ...pairs.filter(({ converged }) => converged).map(({ residual }) => residual));
  tally.expect(
    step,
    pairs.every(({ converged, residual }) => converged || !(residual < worst)),
    "a pair that has not converged has a smaller residual than one that has",
  );
}

export const ABOUT_CONVERGED =
  "converged: its tolerance is not in the recording; only that what has converged has the smaller residuals";
