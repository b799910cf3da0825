/** η over a run. */
import type { RunConfig } from "../config.ts";

const DROP = 0.1;
const DROPS_AT = [1 / 2, 3 / 4];

export const SCHEDULE_FORMULA: Readonly<Record<RunConfig["lrSchedule"], string>> = {
  constant: "η",
  cosine: "½η(1 + cos(πt/T))",
  step: "η, a tenth of it from t = T/2 on, a hundredth from 3T/4 on",
};

/**
 * Share of the base η that update t + 1 (made at θ_t) uses. The last step makes no update and keeps the last one's share,
 * so that thresholds such as 2/η stay those of the η that brought θ there.
 * @param lastStep  T.
 */
export function learningRateShare(schedule: RunConfig["lrSchedule"], step: number, lastStep: number): number {
  const t = Math.min(step, lastStep - 1);
  switch (schedule) {
    case "constant":
      return 1;
    case "cosine":
      return (1 + Math.cos((Math.PI * t) / lastStep)) / 2;
    case "step":
      return DROP ** DROPS_AT.filter((share) => t >= share * lastStep).length;
  }
}
