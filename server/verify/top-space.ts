/**
 * What the recorded residuals leave open about the span of the first k eigenvectors. The recording has no vectors; but a vector u with
 * ‖Hu − μu‖ ≤ r has at most r/|λ − μ| of itself along an eigenvector of eigenvalue λ, and an eigenvector v at most r/(λ − λ_{k+1}) of
 * itself outside the recorded span (Davis & Kahan 1970, SIAM J. Numer. Anal. 7:1). Where λ_k and λ_{k+1} are too near to each other, the
 * span is known to hold the first l < k and to lie in the first m > k: shares of it are known to lie between two numbers.
 */
import type { TopPairs } from "./spectra.ts";

export interface Between {
  readonly low: number;
  /** Of the true span. */
  readonly value: number;
  readonly high: number;
}

export class TopSpace {
  readonly #k: number;
  readonly #pairs: TopPairs;
  /** At most so much of each recorded vector i < k lies along eigenvector j. */
  readonly #mixed: readonly (readonly number[])[];
  /** At most so much of each eigenvector j < k lies outside the recorded span. */
  readonly #lost: readonly number[];

  constructor(pairs: TopPairs, k: number) {
    const { values, residuals } = pairs;
    const found = residuals.slice(0, k);
    const whole = Math.hypot(...found);
    const next = values[k] ?? Number.NaN;
    this.#k = k;
    this.#pairs = pairs;
    this.#mixed = found.map((residual, i) =>
      values.map((value, j) => (i === j ? 1 : atMostOne(residual, Math.abs(value - (values[i] as number))))),
    );
    this.#lost = found.map((residual, j) => {
      const others = found.reduce(
        (sum, other, i) => (i === j ? sum : sum + other * (this.#mixed[i]?.[j] as number)),
        residual,
      );
      return atMostOne(others, (values[j] as number) - next - whole);
    });
  }

  get vectors(): readonly Float32Array[] {
    return this.#pairs.vectors.slice(0, this.#k);
  }

  /** ‖sin Θ‖_F of the angles between the recorded span and the true one, at most. */
  get turn(): number {
    return Math.hypot(...this.#lost);
  }

  /**
   * ‖UUᵀg‖²/‖g‖² of the recorded span U.
   * @param along  ⟨v_j, g⟩/‖g‖ of all eigenvectors that are known, of which there is one more than k.
   */
  share(along: readonly number[]): Between {
    const before = (count: number) => along.slice(0, count).reduce((sum, each) => sum + each * each, 0);
    let [low, high] = [0, 1];
    let gone = 0;
    for (let l = 1; l <= this.#k; l++) {
      gone += Math.abs(along[l - 1] as number) * (this.#lost[l - 1] as number);
      const share = before(l);
      low = Math.max(low, share - 2 * gone * Math.sqrt(Math.max(0, 1 - share)) - gone * gone);
    }
    for (let m = this.#k; m < along.length; m++) {
      const share = before(m);
      const rest = Math.sqrt(Math.max(0, 1 - share));
      const outside = this.#mixed.map((mixed) => mixed[m] as number);
      const met = this.#mixed.map((mixed) =>
        mixed.slice(0, m).reduce((sum, each, j) => sum + each * Math.abs(along[j] as number), 0),
      );
      const first = outside.reduce((sum, each, i) => sum + each * (met[i] as number), 0);
      high = Math.min(high, share + 2 * first * rest + (Math.hypot(...outside) * rest) ** 2);
    }
    return { low, value: before(this.#k), high };
  }

  /** ⟨v_j, g⟩ of all eigenvectors that are known. */
  along(g: ArrayLike<number>): number[] {
    return this.#pairs.vectors.map((vector) => {
      let sum = 0;
      for (let i = 0; i < vector.length; i++) sum += (vector[i] as number) * (g[i] as number);
      return sum;
    });
  }
}

/** Of products of vectors that are kept in float32. */
const ROUNDING = 2 ** -22;

/** ‖UᵀU′‖_F²/k of two recorded spans of k. */
export function overlapBetween(a: TopSpace, b: TopSpace): Between {
  const k = a.vectors.length;
  const total = (of: TopSpace, vectors: readonly Float32Array[], end: keyof Between) =>
    vectors.reduce((sum, v) => sum + of.share(of.along(v))[end], 0);
  const value = total(a, b.vectors, "value");
  // Both spans turn; that they do so together is of second order.
  const together = 2 * a.turn * b.turn + ROUNDING * k;
  const low = total(a, b.vectors, "low") + total(b, a.vectors, "low") - value - together;
  const high = total(a, b.vectors, "high") + total(b, a.vectors, "high") - value + together;
  return { low: Math.max(0, low) / k, value: value / k, high: Math.min(k, high) / k };
}

function atMostOne(part: number, whole: number): number {
  return part < whole ? part / whole : 1;
}
