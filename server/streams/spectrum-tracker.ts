/** Extremal eigenpairs of an operator that moves a little between measurements: warm starts, and the check that they missed nothing. */
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
  /** Products that the first of the two runs of a check may take: the bottom comes to its end there. Default maxApplications. */
  readonly checkApplications?: number;
  readonly seed: number;
}

export interface Spectrum {
  readonly top: readonly Eigenpair[];
  readonly bottom: readonly Eigenpair[];
  readonly hvps: number;
  /** (λ₁ cold − λ₁ warm)/λ₁ cold; null where no cold start was made beside a warm one. */
  readonly coldGap: number | null;
  readonly finite: boolean;
}

/** Share of fresh noise in a warm start: without it a direction orthogonal to all known ones could never be found. */
const NOISE = 0.1;
/** Two λ that differ by less than this, relative to λ₁, are the same to Lanczos in float32. */
const SAME = 1e-5;

/**
 * Measures one operator after another, each from an equal mix of all Ritz vectors of the one before and 10 % fresh noise.
 * A residual certifies that a pair is an eigenpair, not that it is the largest: only a cold start, from noise alone, can show that.
 */
export class SpectrumTracker {
  readonly #options: SpectrumOptions;
  readonly #label: string;
  #known: readonly Float32Array[] = [];

  /** @param label  names the noise: trackers of one run must differ in it. */
  constructor(options: SpectrumOptions, label: string) {
    this.#options = options;
    this.#label = label;
  }

  /**
   * @param step  names the noise.
   * @param check  make a cold start too; whichever finds the larger eigenvalues wins. The bottom is that of the other start, which may take
   * `checkApplications`.
   * @param remember  start the next measurement from this one's vectors. Default true.
   * @cost up to `maxApplications` products; with `check` up to `checkApplications` more. Memory: the Krylov basis, as many × D.
   */
  measure(operator: SymmetricOperator, step: number, check: boolean, remember = true): Spectrum {
    const noise = this.#noise("warm", step, operator.size);
    const isWarm = this.#known.length > 0;
    const { maxApplications, checkApplications = maxApplications } = this.#options;
    const first = this.#lanczos(
      operator,
      isWarm ? warmStart(this.#known, noise) : noise,
      check ? checkApplications : maxApplications,
    );
    const spectrum =
      check && isWarm && first.finite ? this.#checked(operator, step, first) : { ...first, coldGap: null };
    if (remember && spectrum.finite) {
      this.#known = [...spectrum.top, ...spectrum.bottom].map(({ vector }) => vector);
    }
    return spectrum;
  }

  #checked(operator: SymmetricOperator, step: number, warm: Omit<Spectrum, "coldGap">): Spectrum {
    const noise = this.#noise("cold", step, operator.size);
    const cold = this.#lanczos(operator, noise, this.#options.maxApplications);
    const warmest = warm.top[0]?.value ?? Number.NaN;
    const coldest = cold.top[0]?.value ?? Number.NaN;
    return {
      ...(isLarger(cold.top, warm.top) ? cold : warm),
      bottom: warm.bottom,
      hvps: warm.hvps + cold.hvps,
      coldGap: (coldest - warmest) / coldest,
    };
  }

  /** Towards a random corner of the cube: as likely to miss an eigenvector as a direction from the whole sphere is, and drawn in a seventh of the time. */
  #noise(start: "warm" | "cold", step: number, n: number): Float32Array {
    const random = createRandom(this.#options.seed).stream(this.#label).stream(start).stream(step);
    return unit(random.fillSigns(new Float32Array(n)));
  }

  #lanczos(operator: SymmetricOperator, start: Float32Array, most: number): Omit<Spectrum, "coldGap"> {
    const { top, bottom, tolerance, bottomTolerance } = this.#options;
    const n = operator.size;
    const result = extremalEigenpairs(operator.apply, {
      n,
      top: Math.min(top, n),
      bottom: Math.min(bottom, n - Math.min(top, n)),
      start,
      tolerance,
      bottomTolerance,
      maxApplications: Math.min(most, n),
    });
    return { top: result.top, bottom: result.bottom, hvps: result.applications, finite: result.finite };
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

/** Ritz values never exceed the eigenvalues they stand for, so the first that is larger is nearer to the truth. */
function isLarger(a: readonly Eigenpair[], b: readonly Eigenpair[]): boolean {
  const size = Math.abs(b[0]?.value ?? 0);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const ours = a[i]?.value ?? Number.NEGATIVE_INFINITY;
    const theirs = b[i]?.value ?? Number.NEGATIVE_INFINITY;
    if (Math.abs(ours - theirs) > SAME * size) return ours > theirs;
  }
  return false;
}

function warmStart(known: readonly Float32Array[], noise: Float32Array): Float32Array {
  const mix = new Float32Array(noise.length);
  for (const vector of known) axpy(1, vector, mix);
  return axpy(NOISE, noise, scale(1 - NOISE, unit(mix)));
}

function unit(vector: Float32Array): Float32Array {
  return scale(1 / norm(vector), vector);
}
