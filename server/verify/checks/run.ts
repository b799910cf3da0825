/** What the threads say of themselves: nothing that θ could confirm, so its form, and what must hold between its parts. */
import type * as z from "zod/mini";
import { whole } from "../../../shared/number-words.ts";
import type { CheckDefinition } from "../check.ts";
import { overhead, status } from "../shapes.ts";

type Overhead = z.infer<typeof overhead>;

export const runOverhead: CheckDefinition<Overhead> = {
  channel: "run/overhead",
  shape: overhead,
  structureOnly: true,
  apart: ["times: nothing in a recording could confirm them"],
  start({ tally }) {
    let bare: number | null = null;
    return {
      observe({ step, value }) {
        const { total, interval, stepsPerSecond, bareStepMs, perStream } = value as Overhead;
        bare ??= bareStepMs;
        tally.compare(step, "bareStepMs", bareStepMs, bare, 0, "exact");
        const share = 1 - (bareStepMs * stepsPerSecond) / 1000;
        tally.compare(step, "total", total, share, 1e-14 * (1 + Math.abs(share)), "float64 rounding");
        tally.expect(
          step,
          interval[0] <= total && total <= interval[1],
          `total ${total} is outside its interval`,
        );
        tally.expect(
          step,
          Object.values(perStream).every((seconds) => seconds >= 0),
          "a stream has been busy for less than no time",
        );
      },
    };
  },
};

type Status = z.infer<typeof status>;

const ENDS = ["finished", "failed", "stopped", "interrupted"];

export const runStatus: CheckDefinition<Status> = {
  channel: "run/status",
  shape: status,
  structureOnly: true,
  apart: ["events: nothing in a recording could confirm them"],
  start({ tally, evidence }) {
    let isFirst = true;
    let isOver = false;
    return {
      observe({ step, value }) {
        const { code, message } = value as Status;
        tally.expect(step, isFirst === (code === "started"), `${code} is not where it belongs`);
        tally.expect(step, !isOver, `${code} comes after the end`);
        isFirst = false;
        isOver = ENDS.includes(code);
        const { steps, modelSummary } = evidence.header;
        // Older recordings have 10000 where 10,000 is written now.
        const isSaid = (says: (count: (n: number) => string) => boolean) => says(whole) || says(String);
        if (code === "started")
          tally.expect(
            step,
            isSaid((count) => message.startsWith(`training ${modelSummary} for ${count(steps)} steps; `)),
            `says "${message}"`,
          );
        if (isOver)
          tally.expect(
            step,
            isSaid((count) => message === `training ${code} at step ${count(step)} of ${count(steps)}`) ||
              (code === "stopped" &&
                message ===
                  `training finished at step ${whole(steps)} of ${whole(step)}; its last measurements were stopped`),
            `says "${message}"`,
          );
      },
    };
  },
};
