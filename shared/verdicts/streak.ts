/** The longest run of consecutive measurements that fulfil a condition. */

export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export interface Streak {
  /** One measurement, at this step. What does not count breaks the streak. */
  push(step: number, counts: boolean): void;
  /** The one that still goes on; null when the newest measurement does not count. */
  readonly current: Stretch | null;
  readonly longest: Stretch | null;
}

export function createStreak(): Streak {
  let current: Stretch | null = null;
  let longest: Stretch | null = null;
  return {
    push(step, counts) {
      current = counts ? { from: current?.from ?? step, to: step, count: (current?.count ?? 0) + 1 } : null;
      if (current !== null && current.count > (longest?.count ?? 0)) longest = current;
    },
    get current() {
      return current;
    },
    get longest() {
      return longest;
    },
  };
}
