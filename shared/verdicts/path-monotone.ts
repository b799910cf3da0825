import { count, figure, percent, whole } from "../number-words.ts";
import type { PathMonotonicity } from "../readings.ts";
import { isLeftOut, type JudgeDefinition, ROUNDING, type Verdict } from "./verdict.ts";

const PATH = "path/monotonicity";
const LOSS = "path/loss";

/**
 * Has the loss risen above an earlier value? A rise below {@link ROUNDING} of the first loss is none; where not every step was measured,
 * no rise seen is no answer, and neither is a rise where the first loss is not known.
 *
 * @param firstOnPath  the first of `path/loss`, for recordings from before the reading had it; NaN where there is none.
 * @param lastFinite  the newest draw-up that is a number: what has risen has risen, whatever came after.
 */
export function fallsOnPath(
  { drawUp, every, firstLoss }: Pick<PathMonotonicity, "drawUp" | "every" | "firstLoss">,
  firstOnPath: number,
  lastFinite = drawUp,
): Verdict["state"] {
  const limit = ROUNDING * Math.abs(firstLoss ?? firstOnPath);
  if (lastFinite > limit) return "no";
  if (Number.isNaN(drawUp) || (drawUp > 0 && Number.isNaN(limit))) return "undecided";
  return every > 1 ? "undecided" : "yes";
}

/** Did the loss at the real iterates never rise above an earlier value? Not a statement about the straight line. */
export const pathMonotone: JudgeDefinition = {
  channels: [PATH, LOSS],
  start(header) {
    const { fork } = header;
    const since = fork === undefined ? "" : ` from step ${whole(fork.step)} on, where it was forked`;
    let firstOnPath = Number.NaN;
    let samples = 0;
    let newest: { readonly step: number; readonly value: PathMonotonicity } | null = null;
    let drawUpStep = -1;
    let lastFinite = Number.NaN;

    function verdict(state: Verdict["state"], sentence: string): Verdict {
      const pairedStdErr = newest?.value.pairedStdErr ?? null;
      return {
        id: "path-monotone",
        question: "Does the loss fall monotonically along the path of training?",
        state,
        sentence,
        evidence: [{ channel: PATH, steps: drawUpStep < 0 ? [] : [drawUpStep] }],
        how:
          `Loss at θ_t on the same ${count(header.probe.size, "example")} throughout${header.probe.isTrainingSet ? ", the whole training set" : ""}, ` +
          `${count(samples, "measurement")}, every ${count(newest?.value.every ?? 1, "step")}${since}. A rise below 1e-6 of the first loss is rounding, and does not count. ` +
          (pairedStdErr === null || header.probe.isTrainingSet
            ? ""
            : `Standard error of the largest rise over examples: ${figure(pairedStdErr)}; less two of them, ${figure(newest?.value.populationDrawUp ?? Number.NaN)} remains.`),
      };
    }

    return {
      observe({ channel, step, value }) {
        if (channel === LOSS) {
          if (Number.isNaN(firstOnPath)) firstOnPath = value as number;
          return;
        }
        const reading = value as PathMonotonicity;
        samples++;
        if (newest === null || reading.drawUp > newest.value.drawUp) drawUpStep = step;
        newest = { step, value: reading };
        if (!Number.isNaN(reading.drawUp)) lastFinite = reading.drawUp;
      },
      verdict() {
        if (isLeftOut(PATH, header))
          return verdict("undecided", "The loss on the path is left out of this run.");
        if (newest === null || samples < 2)
          return verdict("undecided", "The loss on the path has been measured at fewer than two steps.");
        const { drawUp, upFraction, every, populationDrawUp, firstLoss = firstOnPath } = newest.value;
        const answer = fallsOnPath(newest.value, firstOnPath, lastFinite);
        if (Number.isNaN(drawUp))
          return verdict(
            answer,
            answer === "no"
              ? `The loss had risen by up to ${figure(lastFinite)} above an earlier value before it was no longer finite.`
              : "The loss is no longer finite.",
          );
        if (answer === "undecided" && Number.isNaN(firstLoss))
          return verdict(
            answer,
            `The loss has risen by up to ${figure(drawUp)} above an earlier value, but whether that is more than rounding is not known: the first loss is not in the log.`,
          );
        if (answer === "undecided")
          return verdict(
            answer,
            `The loss was never higher than before at the steps that were measured, but that was only every ${every} steps: it may have risen in between.`,
          );
        if (answer === "yes")
          return verdict(
            answer,
            `The loss has not risen above an earlier value at any of ${count(newest.step - (fork?.step ?? 0), "step")}${since}.`,
          );
        const bound = every > 1 ? "at least " : "";
        const population =
          populationDrawUp === 0 && !header.probe.isTrainingSet
            ? " On so few examples this rise does not show that the loss of the whole training set rose."
            : "";
        return verdict(
          "no",
          `The loss has risen by up to ${bound}${figure(drawUp)} above an earlier value (${percent(drawUp / Math.abs(firstLoss))} of the first loss), and it rose in ${percent(upFraction)} of the measured intervals${since}${newest.value.firstLoss === undefined ? ", rounding included" : ""}.${population}`,
        );
      },
    };
  },
};
