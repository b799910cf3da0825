/** Minimum and maximum of any stretch of a growing column in O(log n): what lets a chart draw every spike of a million points in one pass over pixels. */
import { type Column, float64Column } from "./column.ts";

const FAN = 8;

export interface Extremes {
  min: number;
  max: number;
}

interface Level {
  readonly min: Column<Float64Array>;
  readonly max: Column<Float64Array>;
}

/**
 * Levels of minima and maxima; an entry of level k covers FAN^(k+1) values, the last entry perhaps fewer.
 *
 * Non-finite values take part in no extreme: the caller marks them itself.
 * Memory: 2 · 8 B / 7 per value, and the slack of doubling.
 */
export class Pyramid {
  #values: Column<Float64Array>;
  #levels: Level[] = [];
  #covered = 0;

  constructor(values: Column<Float64Array>) {
    this.#values = values;
  }

  /** Takes in what has been pushed to the column since the last call; amortised 8/7 entries per value. */
  extend(): void {
    const values = this.#values.storage;
    for (; this.#covered < this.#values.length; this.#covered++) {
      this.#include(this.#covered, values[this.#covered] as number);
    }
  }

  #include(index: number, value: number): void {
    const finite = Number.isFinite(value);
    let position = index;
    for (let depth = 0; ; depth++) {
      position = Math.floor(position / FAN);
      const level = this.#levels[depth] ?? this.#addLevel();
      if (position === level.min.length) {
        level.min.push(Number.POSITIVE_INFINITY);
        level.max.push(Number.NEGATIVE_INFINITY);
      }
      if (finite) {
        if (value < level.min.at(position)) level.min.set(position, value);
        if (value > level.max.at(position)) level.max.set(position, value);
      }
      if (position === 0) return;
    }
  }

  /** A new top level begins with what the level below already holds: at most one group of it. */
  #addLevel(): Level {
    const below = this.#levels.at(-1);
    const level = { min: float64Column(), max: float64Column() };
    level.min.push(below ? Math.min(...below.min.view()) : Number.POSITIVE_INFINITY);
    level.max.push(below ? Math.max(...below.max.view()) : Number.NEGATIVE_INFINITY);
    this.#levels.push(level);
    return level;
  }

  /**
   * Extremes of the finite values at indices from ≤ i < to, written into `out`.
   * Nothing finite there: min = +∞, max = −∞.
   */
  query(from: number, to: number, out: Extremes): void {
    this.extend();
    out.min = Number.POSITIVE_INFINITY;
    out.max = Number.NEGATIVE_INFINITY;
    let low = Math.max(0, from);
    let high = Math.min(to, this.#covered);
    let min: ArrayLike<number> = this.#values.storage;
    let max = min;
    for (let depth = 0; low < high; depth++) {
      const above = this.#levels[depth];
      // Ragged ends are read at this level; the middle, in whole groups, one level up.
      const firstWhole = Math.ceil(low / FAN);
      const lastWhole = Math.floor(high / FAN);
      if (!above || firstWhole >= lastWhole) {
        scan(min, max, low, high, out);
        return;
      }
      scan(min, max, low, firstWhole * FAN, out);
      scan(min, max, lastWhole * FAN, high, out);
      low = firstWhole;
      high = lastWhole;
      min = above.min.storage;
      max = above.max.storage;
    }
  }

  get byteLength(): number {
    return this.#levels.reduce((sum, level) => sum + level.min.byteLength + level.max.byteLength, 0);
  }

  /** Forgets everything: the column is about to be written anew. */
  clear(): void {
    this.#levels = [];
    this.#covered = 0;
  }
}

function scan(min: ArrayLike<number>, max: ArrayLike<number>, from: number, to: number, out: Extremes): void {
  for (let i = from; i < to; i++) {
    const low = min[i] as number;
    const high = max[i] as number;
    // At the lowest level both are the value itself, which may not be finite.
    if (low < out.min && low !== Number.NEGATIVE_INFINITY) out.min = low;
    if (high > out.max && high !== Number.POSITIVE_INFINITY) out.max = high;
  }
}
