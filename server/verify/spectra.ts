/** The tops of Hessians that have been derived, for all streams that need eigenvectors: Lanczos runs once a step. */
import { comparePairs, hessian64, type RecordedPair, spectrumNear } from "./eigenpairs.ts";
import type { Evidence } from "./evidence.ts";
import type { Spectrum64 } from "./lanczos64.ts";
import type { Objective64 } from "./objective.ts";
import type { Sampler } from "./sampler.ts";
import type { Tally } from "./tally.ts";

/** The first eigenpairs, as many as are recorded of this step. */
export interface TopPairs {
  readonly values: readonly number[];
  /** Unit vectors, [D] each. */
  readonly vectors: readonly Float32Array[];
  /** At most so far is each recorded vector from being an eigenvector of the true H: its residual, our own, and float32's rounding of H. */
  readonly residuals: readonly number[];
}

export interface RecordedSpectrum {
  readonly top: readonly RecordedPair[];
  readonly bottom: readonly RecordedPair[];
}

/** What vectors may take; the oldest go first. */
const MOST_BYTES = 2 ** 28;

export class Spectra {
  readonly #evidence: Evidence;
  readonly #sampler: Sampler;
  readonly #recorded = new Map<number, RecordedSpectrum>();
  readonly #known = new Map<number, TopPairs>();

  constructor(evidence: Evidence, sampler: Sampler) {
    this.#evidence = evidence;
    this.#sampler = sampler;
  }

  /** What `hessian/eigenvalues` has of a step. */
  note(step: number, spectrum: RecordedSpectrum): void {
    this.#recorded.set(step, spectrum);
  }

  recorded(step: number): RecordedSpectrum | null {
    return this.#recorded.get(step) ?? null;
  }

  /** Compares what is recorded of a step, and keeps what was found for those who ask {@link at}. */
  compare(tally: Tally, step: number, objective: Objective64, recorded: RecordedSpectrum): TopPairs {
    const operator = hessian64(objective);
    const { spectrum, off } = comparePairs(tally, step, operator, recorded, this.#sampler.random("lanczos"));
    return this.#keep(step, spectrum, recorded, off);
  }

  /** Null where nothing finite is recorded of this step. @throws {NotRecorded} where θ is not. */
  async at(step: number): Promise<TopPairs | null> {
    const known = this.#known.get(step);
    if (known !== undefined) return known;
    const recorded = this.recorded(step);
    if (recorded === null || !recorded.top.every(({ value }) => Number.isFinite(value))) return null;
    const operator = hessian64(await this.#evidence.at(step));
    const spectrum = spectrumNear(operator, recorded.top, [], this.#sampler.random("lanczos"));
    const off = operator.off(Math.abs(spectrum.pairs[0]?.value ?? 0));
    return this.#keep(step, spectrum, recorded, off);
  }

  #keep(step: number, { pairs }: Spectrum64, { top }: RecordedSpectrum, off: number): TopPairs {
    const first = pairs.slice(0, top.length);
    const found = {
      values: first.map(({ value }) => value),
      vectors: first.map((pair) => Float32Array.from(pair.vector())),
      residuals: first.map(({ residual }, i) => residual + (top[i]?.residual ?? 0) + off),
    };
    const bytes = first.length * 4 * this.#evidence.header.parameterCount;
    for (const old of this.#known.keys())
      if ((this.#known.size + 1) * bytes > MOST_BYTES && old !== 0) this.#known.delete(old);
    this.#known.set(step, found);
    return found;
  }
}
