/** Where training went, seen from the straight line to where it is now. */
import { dot } from "../numerics/vector.ts";

export interface PathOnLine {
  /** Steps s of the points below, ascending. */
  readonly pathSteps: readonly number[];
  /** α of the point of the line that is nearest to θ_s: ⟨θ_s − θ₀, d⟩/‖d‖² with d = θ_t − θ₀. NaN where θ_t is θ₀. */
  readonly projection: readonly number[];
  /** Distance of θ_s from the line, in units of ‖d‖. */
  readonly residual: readonly number[];
}

/** What is kept of the path: this many points, fewer where they would take more than this. */
const MOST_POINTS = 32;
const MOST_BYTES = 64 * 2 ** 20;
const FEWEST_POINTS = 4;

/**
 * Keeps θ at some of the steps it is given, and says how far each lies off the line θ₀→θ_t. When there is no more room, every second point goes,
 * and from then on every second one that comes.
 * @cost two passes over D for each point kept; memory: up to 32 vectors of D, or 64 MiB.
 * @source Goodfellow, Vinyals & Saxe 2015, arXiv:1412.6544, §5: projection and residual.
 */
export class PathKeeper {
  readonly #initial: Float32Array;
  readonly #most: number;
  #offered = 0;
  #stride = 1;
  #points: { readonly step: number; readonly moved: Float32Array }[] = [];

  /** @param initial  θ₀. */
  constructor(initial: Float32Array) {
    this.#initial = initial;
    this.#most = Math.max(
      FEWEST_POINTS,
      Math.min(MOST_POINTS, Math.floor(MOST_BYTES / (4 * initial.length))),
    );
  }

  /** @param theta  θ_t; the points kept before it are seen from the line to it, then it is kept too. */
  look(step: number, theta: Float32Array): PathOnLine {
    const direction = theta.map((value, i) => value - (this.#initial[i] as number));
    const squares = dot(direction, direction);
    const seen = this.#points.map(({ step: s, moved }) => {
      const along = dot(moved, direction) / squares;
      let off = 0;
      for (let i = 0; i < moved.length; i++) {
        off += ((moved[i] as number) - along * (direction[i] as number)) ** 2;
      }
      return { step: s, along, off: Math.sqrt(off / squares) };
    });
    if (step > 0) this.#keep(step, direction);
    return {
      pathSteps: seen.map((point) => point.step),
      projection: seen.map(({ along }) => along),
      residual: seen.map(({ off }) => off),
    };
  }

  #keep(step: number, moved: Float32Array): void {
    if (this.#offered++ % this.#stride !== 0) return;
    if (this.#points.length >= this.#most) {
      this.#points = this.#points.filter((_, i) => i % 2 === 0);
      this.#stride *= 2;
      if ((this.#offered - 1) % this.#stride !== 0) return;
    }
    this.#points.push({ step, moved });
  }
}
