/** How far a sequence is from falling all the way. */

export interface DrawUp {
  /** max_j (l_j − min_{i≤j} l_i), at least 0; NaN where a value is NaN. @unit that of the values. */
  readonly drawUp: number;
  /** The indices i ≤ j that set it, the first such pair; equal when the list never rises. */
  readonly from: number;
  readonly to: number;
}

/**
 * The largest rise of a sequence above an earlier value: 0 exactly when it never rises.
 *
 * [3, 1, 2] gives 1: that the last value is below the first does not make a path monotone.
 *
 * @nonfinite A NaN makes the answer NaN, with both indices at the first NaN: what happened there is not known.
 * A rise to +∞ is a draw-up of ∞.
 * @throws {RangeError} if the list is empty.
 * @source maximum draw-up, the mirror of finance's maximum drawdown; monotonicity of the linear path: Goodfellow et al. 2015, arXiv:1412.6544.
 */
export function drawUp(values: ArrayLike<number>): DrawUp {
  if (values.length === 0) throw new RangeError("values: expected at least one, got none");
  const running = createRunningDrawUp();
  for (let i = 0; i < values.length; i++) running.push(values[i] as number);
  return running.largest;
}

export interface RunningDrawUp {
  /** Takes the next value. */
  push(value: number): void;
  readonly count: number;
  /** min over all values; NaN once a value was NaN; +∞ before the first. */
  readonly minimum: number;
  /** Index of the first value that equals it; −1 before the first. */
  readonly minimumAt: number;
  /** The last value above the minimum: ≥ 0. */
  readonly excess: number;
  /** Before the first value: 0, from and to −1. */
  readonly largest: DrawUp;
  /** NaN before it. */
  readonly first: number;
  /** Intervals in which the value rose, of count − 1. */
  readonly ups: number;
}

/**
 * {@link drawUp} of a sequence that is still coming; constant memory.
 * @param rounding  rises up to this share of the first value are no `ups`; in all else they count. Default 0.
 */
export function createRunningDrawUp(rounding = 0): RunningDrawUp {
  let count = 0;
  let first = Number.NaN;
  let counted = 0;
  let last = Number.NaN;
  let minimum = Number.POSITIVE_INFINITY;
  let minimumAt = -1;
  let ups = 0;
  let excess = 0;
  let largest: DrawUp = { drawUp: 0, from: -1, to: -1 };

  return {
    push(value) {
      const index = count++;
      if (index === 0) {
        first = value;
        if (rounding > 0) counted = rounding * Math.abs(value);
      }
      if (value - last > counted) ups++;
      last = value;
      if (Number.isNaN(minimum)) return;
      if (Number.isNaN(value)) {
        minimum = value;
        minimumAt = index;
        excess = value;
        largest = { drawUp: value, from: index, to: index };
        return;
      }
      if (index === 0 || value < minimum) {
        minimum = value;
        minimumAt = index;
      }
      // Equal infinities are no rise, but their difference is NaN.
      excess = value === minimum ? 0 : value - minimum;
      if (excess > largest.drawUp || index === 0) largest = { drawUp: excess, from: minimumAt, to: index };
    },
    get count() {
      return count;
    },
    get minimum() {
      return minimum;
    },
    get minimumAt() {
      return minimumAt;
    },
    get excess() {
      return excess;
    },
    get largest() {
      return largest;
    },
    get first() {
      return first;
    },
    get ups() {
      return ups;
    },
  };
}
