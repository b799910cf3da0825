/** How long a step takes, over the last second: what the overhead on screen is computed from. */
import { everySecond } from "./thread.ts";

export interface Pace {
  mark(step: number): void;
  /** A pause is not a slow step. */
  interrupt(): void;
}

export function createPace(
  report: (quartilesMs: readonly [number, number, number], step: number) => void,
): Pace {
  let previousMs: number | null = null;
  let periods: number[] = [];
  let newest = 0;
  const reportSometimes = everySecond(() => {
    const sorted = periods.sort((a, b) => a - b);
    const quantile = (q: number) => sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
    if (sorted.length > 0) report([quantile(0.25), quantile(0.5), quantile(0.75)], newest);
    periods = [];
  });
  return {
    mark(step) {
      const now = performance.now();
      newest = step;
      if (previousMs !== null) periods.push(now - previousMs);
      previousMs = now;
      reportSometimes();
    },
    interrupt() {
      previousMs = null;
    },
  };
}
