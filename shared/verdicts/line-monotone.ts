import type { SessionState } from "../header.ts";
import { count, figure, percent, whole } from "../number-words.ts";
import type { LineProfile } from "../readings.ts";
import { isLeftOut, isOver, type JudgeDefinition, type Verdict } from "./verdict.ts";

const LINE = "line/profile";
/** A rise below this share of L(θ₀) is none to speak of. */
export const NEGLIGIBLE_RISE = 1e-3;

/**
 * Does the loss fall on the line? Yes also where it rises by less than a thousandth; undecided as long as few points are but a hint. On the
 * whole training set a rise has no error: there the answer is about that set, and no other. On a sample of it three standard errors are
 * added before a rise counts as negligible, and one within its own error leaves the answer undecided.
 */
export function fallsOnLine(profile: LineProfile, isTrainingSet: boolean): Verdict["state"] {
  const { losses, drawUp, noiseFloor, pairedStdErr, monotoneOnProbe, monotoneInPopulation, carriesVerdict } =
    profile;
  if (!carriesVerdict || !Number.isFinite(drawUp)) return "undecided";
  if (monotoneOnProbe) return "yes";
  if (isTrainingSet) return drawUp <= NEGLIGIBLE_RISE * Math.abs(losses[0] as number) ? "yes" : "no";
  if (monotoneInPopulation) return "yes";
  return drawUp > Math.max(noiseFloor, 3 * pairedStdErr) ? "no" : "undecided";
}

/**
 * Does the loss fall monotonically on the straight line from the initial weights? Only a profile of 51 points decides, and the same line
 * from an unrelated start says how much that is worth.
 *
 * @source Goodfellow, Vinyals & Saxe 2015, arXiv:1412.6544; Lucas et al. 2021, arXiv:2104.11044.
 */
export const lineMonotone: JudgeDefinition = {
  channels: [LINE],
  start(header) {
    const { probe } = header;
    const { isTrainingSet } = probe;
    const loss = isTrainingSet ? "loss on the training set" : "loss";
    let newest: { readonly step: number; readonly value: LineProfile } | null = null;
    let hint: { readonly step: number; readonly value: LineProfile } | null = null;

    function verdict(state: Verdict["state"], sentence: string): Verdict {
      const value = newest?.value;
      return {
        id: "line-monotone",
        question: "Does the loss fall monotonically on the straight line from the start?",
        state,
        sentence,
        evidence: newest === null ? [] : [{ channel: LINE, steps: [newest.step] }],
        how:
          value === undefined
            ? "Eleven points are a hint; 51 and more, measured at the last step, carry the verdict."
            : `${value.alphas.length} points on ${count(probe.size, "example")}${isTrainingSet ? ", the whole training set" : ""}, refined where a rise could hide. ` +
              `Noise floor ${figure(value.noiseFloor)}${isTrainingSet ? "; of other data this says nothing" : `, standard error of the largest rise over examples ${figure(value.pairedStdErr)}`}. ` +
              controlNote(value),
      };
    }

    return {
      observe({ step, value }) {
        const profile = value as LineProfile;
        if (profile.carriesVerdict) newest = { step, value: profile };
        else hint = { step, value: profile };
      },
      verdict(state) {
        if (isLeftOut(LINE, header)) return verdict("undecided", "The line is left out of this run.");
        if (newest === null) return verdict("undecided", hintSentence(hint, state));
        const { step, value } = newest;
        const { drawUp, pairedStdErr, monotoneOnProbe, monotoneInPopulation, losses } = value;
        const answer = fallsOnLine(value, isTrainingSet);
        if (!Number.isFinite(drawUp))
          return verdict(answer, `The loss is not finite somewhere on the line to step ${whole(step)}.`);
        const initialLoss = losses[0] as number;
        if (monotoneOnProbe) {
          const rest =
            isTrainingSet || monotoneInPopulation
              ? ""
              : " For the training set that the probe is drawn from, so few examples leave room for a small rise.";
          return verdict(
            answer,
            `The ${loss} never rises on the straight line from θ₀ to θ at step ${whole(step)}.${rest}${worth(value)}`,
          );
        }
        const size = `${figure(drawUp)} (${percent(drawUp / initialLoss)} of the loss at the start)`;
        if (answer === "yes")
          return verdict(
            answer,
            `The ${loss} falls on the straight line from θ₀ to θ at step ${whole(step)} but for a rise of ${size}: less than 0.1 %${isTrainingSet ? "" : ", also with three of its standard errors added"}.${worth(value)}`,
          );
        if (answer === "no")
          return verdict(
            answer,
            `The ${loss} rises by up to ${size} on the straight line from θ₀ to θ at step ${whole(step)}.`,
          );
        return verdict(
          answer,
          `The loss rises by up to ${size} on the straight line from θ₀ to θ at step ${whole(step)}, but the standard error of that rise is ${figure(pairedStdErr)}: more examples are needed.`,
        );
      },
    };
  },
};

function hintSentence(
  hint: { readonly step: number; readonly value: LineProfile } | null,
  state: SessionState,
): string {
  if (hint === null || hint.step === 0)
    return `The line has not been measured${isOver(state) ? "" : " yet"}.`;
  const { alphas, drawUp, monotoneOnProbe } = hint.value;
  const seen = monotoneOnProbe ? "no rise" : `a rise of ${figure(drawUp)}`;
  return `${alphas.length} points on the line to step ${whole(hint.step)} show ${seen}: a hint only. ${isOver(state) ? "It came to no last step, which is measured with 51." : "The last step is measured with 51."}`;
}

function worth({ control }: LineProfile): string {
  return control?.monotoneOnProbe
    ? " That says little about training: the line from an unrelated start is monotone too."
    : "";
}

function controlNote({ control }: LineProfile): string {
  if (control === null) return "No control was measured.";
  if (Number.isNaN(control.drawUp))
    return "Control: the loss is not finite somewhere on the line from an unrelated start.";
  return control.monotoneOnProbe
    ? "Control: the line from an unrelated start is monotone too."
    : `Control: the line from an unrelated start rises by ${figure(control.drawUp)}.`;
}
