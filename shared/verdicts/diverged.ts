import { count, figure, whole } from "../number-words.ts";
import type { RunStatus } from "../readings.ts";
import type { Evidence, JudgeDefinition } from "./verdict.ts";

/** Status messages begin small and end without a full stop. */
function asSentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}${message.endsWith(".") ? "" : "."}`;
}

/** Has a loss ceased to be a number? The run's own word counts, and so does any loss in the log. */
export const diverged: JudgeDefinition = {
  channels: ["train/loss", "path/loss", "run/status"],
  start({ fork }) {
    let found: Evidence | null = null;
    let said: string | null = null;
    let losses = 0;
    let newestStep = 0;
    let lastFinite = Number.NaN;
    return {
      observe({ channel, step, value }) {
        if (channel === "run/status") {
          const { code, message } = value as RunStatus;
          if (code !== "diverged") return;
          found ??= { channel, steps: [step] };
          said ??= message;
          return;
        }
        losses++;
        newestStep = Math.max(newestStep, step);
        if (Number.isFinite(value)) lastFinite = value as number;
        else found ??= { channel, steps: [step] };
      },
      verdict(state) {
        const base = {
          id: "diverged",
          question: "Has training diverged?",
          evidence: found === null ? [] : [found],
          how: `Every loss in the log is looked at: ${losses} so far. Diverged means that a loss or a weight is not finite; a loss that only grows is not.`,
        };
        if (found !== null || state === "diverged") {
          const where = found === null ? "" : ` at step ${whole(found.steps[0] ?? 0)}`;
          const sentence =
            (said !== null ? asSentence(said) : null) ??
            `A loss or a weight is no longer finite${where}; the last finite loss was ${figure(lastFinite)}.`;
          return { ...base, state: "yes", sentence };
        }
        if (losses === 0) return { ...base, state: "undecided", sentence: "No loss has been seen yet." };
        return {
          ...base,
          state: "no",
          sentence:
            fork === undefined
              ? `All losses are finite after ${count(newestStep, "step")}.`
              : `All losses are finite from step ${whole(fork.step)} to step ${whole(newestStep)}.`,
        };
      },
    };
  },
};
