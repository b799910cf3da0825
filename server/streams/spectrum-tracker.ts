/** Extremal eigenpairs of an operator that moves a little between measurements: warm starts, and the check that they missed nothing. */
import { completeTop, hasLost } from "../numerics/complement.ts";
import { type Eigenpair, extremalEigenpairs } from "../numerics/lanczos.ts";
import { createRandom } from "../numerics/random.ts";
import { axpy, norm, scale } from "../numerics/vector.ts";
import type { SymmetricOperator } from "./symmetric-operator.ts";

export interface SpectrumOptions {
  /** How many from each end, in algebraic order. Fewer where D is smaller. */
  readonly top: number;
  readonly bottom: number;
  /** Residual at which a pair counts as converged, relative to λ₁ at the top and to |λ_min| at the bottom. */
  readonly tolerance: number;
  readonly bottomTolerance: number;
  /** Products a single Lanczos run may take. */
  readonly maxApplications: number;
  /** Products that the warm start of a check may take: the bottom comes to its end there. Default maxApplications. */
  readonly checkApplications?: number;
  readonly seed: number;
}

export interface Spectrum {
  readonly top: readonly Eigenpair[];
  readonly bottom: readonly Eigenpair[];
  readonly hvps: number;
  /**
   * At checks: the most by which cold starts raised any of `top`, in parts of |λ₁|, where nothing but the check made them; what measurements in
   * between may have missed. null elsewhere, and where λ₁ is zero.
   */
  readonly coldGap: number | null;
  readonly finite: boolean;
}

/** Share of fresh noise in a warm start: without it a direction orthogonal to all known ones could never be found. */
const NOISE = 0.1;

/**
 * Measures one operator after another, each from an equal mix of all Ritz vectors of the one before and 10 % fresh noise.
 *
 * A residual certifies that a pair is an eigenpair, not that none is missing above it. Cold starts, from noise alone, look for those where nothing has
 * been found yet (see {@link completeTop}): at the first measurement, at checks, and where a warm start has lost what was known.
 */
export class SpectrumTracker {
  readonly #options: SpectrumOptions;
  readonly #label: string;
  #known: { readonly top: readonly Float32Array[]; readonly bottom: readonly Float32Array[] } | null = null;

  /** @param label  names the noise: trackers of one run must differ in it. */
  constructor(options: SpectrumOptions, label: string) {
    this.#options = options;
    this.#label = label;
  }

  /**
   * @param step  names the noise.
   * @param check  let cold starts look for what the warm one has missed; that one may take `checkApplications`.
   * @param remember  start the next measurement from this one's vectors. Default true.
   * @cost up to `maxApplications` products, with `check` up to `checkApplications`, and one more; a cold start up to `maxApplications`, usually half of
   * that. Memory: the Krylov basis, as many × D.
   */
  measure(operator: SymmetricOperator, step: number, check: boolean, remember = true): Spectrum {
    const { tolerance, maxApplications, checkApplications = maxApplications } = this.#options;
    const n = operator.size;
    let hvps = 0;
    const apply = (v: Float32Array): Float32Array => {
      hvps++;
      return operator.apply(v);
    };
    const known = this.#known;
    const noise = this.#noise("warm", step, n);
    const start = known === null ? noise : warmStart([...known.top, ...known.bottom], noise);
    const found = this.#lanczos(apply, n, start, check ? checkApplications : maxApplications);
    const { bottom, finite } = found;
    const hasLostSome = known !== null && hasLost(apply, found.top, known.top);
    const top =
      known === null || check || hasLostSome
        ? completeTop(apply, found.top, {
            start: (look) => this.#noise(`look ${look}`, step, n),
            tolerance,
            maxApplications,
          })
        : found.top;
    if (remember && finite) this.#known = { top: vectorsOf(top), bottom: vectorsOf(bottom) };
    const isChecked = finite && check && known !== null;
    return { top, bottom, hvps, coldGap: isChecked ? gap(found.top, top, hasLostSome) : null, finite };
  }

  /** Towards a random corner of the cube: as likely to miss an eigenvector as a direction from the whole sphere is, and drawn in a seventh of the time. */
  #noise(start: string, step: number, n: number): Float32Array {
    const random = createRandom(this.#options.seed).stream(this.#label).stream(start).stream(step);
    return unit(random.fillSigns(new Float32Array(n)));
  }

  #lanczos(apply: SymmetricOperator["apply"], n: number, start: Float32Array, most: number) {
    const { top, bottom, tolerance, bottomTolerance } = this.#options;
    return extremalEigenpairs(apply, {
      n,
      top: Math.min(top, n),
      bottom: Math.min(bottom, n - Math.min(top, n)),
      start,
      tolerance,
      bottomTolerance,
      maxApplications: Math.min(most, n),
    });
  }
}

/** What is known of H: nothing where L has overflowed, though products may be finite still. */
export function knownAt(loss: number, spectrum: Spectrum): Spectrum {
  if (Number.isFinite(loss)) return spectrum;
  const unknown = (pairs: readonly Eigenpair[]) =>
    pairs.map(({ vector }) => ({ vector, value: Number.NaN, residual: Number.NaN, converged: false }));
  const { top, bottom } = spectrum;
  return { ...spectrum, top: unknown(top), bottom: unknown(bottom), finite: false };
}

/** @param isNoticed  a measurement without a check would have completed the top too. */
function gap(before: readonly Eigenpair[], after: readonly Eigenpair[], isNoticed: boolean): number | null {
  const size = Math.abs(after[0]?.value ?? 0);
  if (size === 0) return null;
  const rises = after.map(({ value }, i) => value - (before[i]?.value ?? value));
  return isNoticed ? 0 : Math.max(...rises) / size;
}

function vectorsOf(pairs: readonly Eigenpair[]): Float32Array[] {
  return pairs.map(({ vector }) => vector);
}

function warmStart(known: readonly Float32Array[], noise: Float32Array): Float32Array {
  const mix = new Float32Array(noise.length);
  for (const vector of known) axpy(1, vector, mix);
  return axpy(NOISE, noise, scale(1 - NOISE, unit(mix)));
}

function unit(vector: Float32Array): Float32Array {
  return scale(1 / norm(vector), vector);
}
