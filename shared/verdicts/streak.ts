/** The longest run of consecutive measurements that fulfil a condition, and what happened meanwhile. */

export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** What was noted from its first step to its last: how often, and where first. */
  readonly noted: number;
  readonly firstNoted: number | null;
}

export interface Streak {
  /** One measurement, at this step. What does not count breaks the streak. */
  push(step: number, counts: boolean): void;
  /** Something that happened at this step, in ascending order; it may come before or after the measurements around it. */
  note(step: number): void;
  /** The one that still goes on; null when the newest measurement does not count. */
  readonly current: Stretch | null;
  readonly longest: Stretch | null;
}

/** A bound on what is held between two measurements: never reached unless they have ceased to come. */
const MOST_WAITING = 2 ** 16;

export function createStreak(): Streak {
  let current: Stretch | null = null;
  let longest: Stretch | null = null;
  let newest = -1;
  /** Noted after the newest measurement. */
  let waiting: number[] = [];
  return {
    push(step, counts) {
      const begun = current ?? { from: step, count: 0, noted: 0, firstNoted: null };
      const now = { ...begun, to: step, count: begun.count + 1 };
      const meanwhile = waiting.filter((at) => isWithin(now, at));
      waiting = waiting.filter((at) => at > step);
      newest = step;
      current = counts ? noting(now, meanwhile) : null;
      if (current !== null && current.count > (longest?.count ?? 0)) longest = current;
    },
    note(step) {
      if (step > newest) {
        if (waiting.length < MOST_WAITING) waiting.push(step);
      } else if (current !== null && isWithin(current, step)) {
        const isLongest = longest === current;
        current = noting(current, [step]);
        if (isLongest) longest = current;
      } else if (longest !== null && isWithin(longest, step)) longest = noting(longest, [step]);
    },
    get current() {
      return current;
    },
    get longest() {
      return longest;
    },
  };
}

function isWithin({ from, to }: Stretch, step: number): boolean {
  return from <= step && step <= to;
}

function noting(stretch: Stretch, steps: readonly number[]): Stretch {
  const firstNoted = stretch.firstNoted ?? steps[0] ?? null;
  return { ...stretch, noted: stretch.noted + steps.length, firstNoted };
}
