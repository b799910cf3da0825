/** How long a step takes, over the last second: what the overhead on screen is computed from. */
import { everySecond } from "./thread.ts";

export interface Pace {
  mark(step: number): void;
  /** A pause is not a slow step. */
  interrupt(): void;
}

/**
 * Mean period, and two standard errors to either side (never below the fastest period): the mean, not the median, because a few steps that wait for a measurement
 * are what it costs.
 */
export function createPace(
  report: (stepMs: readonly [low: number, mean: number, high: number], step: number) => void,
): Pace {
  let previousMs: number | null = null;
  let count = 0;
  let sum = 0;
  let squares = 0;
  let fastest = Number.POSITIVE_INFINITY;
  let newest = 0;
  const reportSometimes = everySecond(() => {
    if (count > 0) {
      const mean = sum / count;
      const variance = count > 1 ? Math.max(0, squares - count * mean * mean) / (count - 1) : 0;
      const margin = 2 * Math.sqrt(variance / count);
      report([Math.max(fastest, mean - margin), mean, mean + margin], newest);
    }
    count = 0;
    sum = 0;
    squares = 0;
    fastest = Number.POSITIVE_INFINITY;
  });
  return {
    mark(step) {
      const now = performance.now();
      newest = step;
      if (previousMs !== null) {
        const period = now - previousMs;
        count += 1;
        sum += period;
        squares += period * period;
        fastest = Math.min(fastest, period);
      }
      previousMs = now;
      reportSometimes();
    },
    interrupt() {
      previousMs = null;
    },
  };
}
