/** η as the header's schedule and the controls on record have it. */
import type { RunConfig } from "../training/config.ts";

export interface Rates {
  /** Somebody set the base η while θ_t was the newest: it holds from update t + 1 on. Called in order. */
  set(t: number, base: number): void;
  /** η of update t. */
  of(update: number): number;
  /** The base η of update t, before its schedule. */
  base(update: number): number;
  /** η as it was known when θ_t came about, for the update after it. */
  foreseen(t: number): number;
}

export function createRates({ learningRate, lrSchedule, steps }: RunConfig): Rates {
  const changes = [{ from: 0, base: learningRate }];
  const base = (update: number) => changes.findLast(({ from }) => from <= update)?.base ?? learningRate;
  return {
    set: (t, to) => changes.push({ from: t + 1, base: to }),
    base,
    of: (update) => base(update) * share(lrSchedule, update - 1, steps),
    foreseen: (t) => base(t) * share(lrSchedule, t, steps),
  };
}

/** Of the base η, for the update made at θ_t; the last step makes none and keeps the share of the one before. */
function share(schedule: RunConfig["lrSchedule"], t: number, steps: number): number {
  const at = Math.min(t, steps - 1);
  switch (schedule) {
    case "constant":
      return 1;
    case "cosine":
      return (1 + Math.cos((Math.PI * at) / steps)) / 2;
    case "step":
      return 0.1 ** [1 / 2, 3 / 4].filter((mark) => at >= mark * steps).length;
  }
}
