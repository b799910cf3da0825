import { figure, whole } from "../number-words.ts";
import type { HessianEigenvalues } from "../readings.ts";
import { isOver, type JudgeDefinition, ROUNDING, type Verdict } from "./verdict.ts";

const SPECTRUM = "hessian/eigenvalues";
const PATH = "path/loss";
/** A loss that breaks its record this often is no catapult. */
const MAX_RECORDS = 256;

/**
 * Sharpness above the threshold at the start that falls below it: the loss rises, θ is thrown across the valley, and lands where it is flatter.
 *
 * @source Lewkowycz et al. 2020, arXiv:2003.02218.
 */
export const catapult: JudgeDefinition = {
  channels: [SPECTRUM, PATH],
  start({ fork }) {
    let first: { readonly ratio: number | null; readonly converged: boolean } | null = null;
    let rule: HessianEigenvalues["rule"] = null;
    let landed: { readonly step: number; readonly ratio: number } | null = null;
    let newest: { readonly step: number; readonly ratio: number } | null = null;
    /** Losses higher than all before, from the first on. Spectra come later than losses, so where to stop looking is not known yet. */
    const records: { readonly step: number; readonly loss: number }[] = [];

    /** The highest loss up to the landing. */
    function peak(): { readonly step: number; readonly loss: number } | null {
      const end = landed?.step ?? -1;
      return records.findLast(({ step }) => step <= end) ?? null;
    }

    function verdict(state: Verdict["state"], sentence: string): Verdict {
      return {
        id: "catapult",
        question: "Was training catapulted at the start?",
        state,
        sentence,
        evidence: [
          { channel: SPECTRUM, steps: landed === null ? [0] : [0, landed.step] },
          { channel: PATH, steps: landed === null ? [] : [peak()?.step ?? 0] },
        ],
        how: "λ₁ at step 0 against the stability threshold, the first converged measurement below it, and the highest loss on the path until then: without a rise nothing was thrown. Values that have not converged are not counted.",
      };
    }

    return {
      observe({ channel, step, value }) {
        if (channel === PATH) {
          const loss = value as number;
          const isRecord = loss > (records.at(-1)?.loss ?? Number.NEGATIVE_INFINITY);
          if (isRecord && records.length < MAX_RECORDS) records.push({ step, loss });
          return;
        }
        const spectrum = value as HessianEigenvalues;
        const converged = spectrum.top[0]?.converged === true;
        rule = spectrum.rule;
        if (step === 0) first = { ratio: spectrum.ratio, converged };
        if (!converged || spectrum.ratio === null || !Number.isFinite(spectrum.ratio)) return;
        newest = { step, ratio: spectrum.ratio };
        const beganAbove = (first?.ratio ?? 0) > 1;
        if (landed === null && step > 0 && beganAbove && spectrum.ratio < 1) landed = newest;
      },
      verdict(state) {
        if (fork !== undefined)
          return verdict(
            "undecided",
            `This run begins at step ${whole(fork.step)} of ${fork.name}: what happened at the start is in that session.`,
          );
        if (first === null) return verdict("undecided", "Sharpness at the start has not been measured.");
        if (rule === "full-batch-bound" || rule === null || first.ratio === null)
          return verdict(
            "undecided",
            "λ₁ has no threshold that decides this for this optimizer and batch size.",
          );
        if (!first.converged) return verdict("undecided", "λ₁ at the start has not converged.");
        const start = figure(first.ratio);
        if (first.ratio <= 1)
          return verdict("no", `Sharpness began at ${start} of the stability threshold: below it.`);
        if (state === "diverged")
          return verdict(
            "no",
            `Sharpness began at ${start} times the stability threshold, and training diverged.`,
          );
        if (landed === null)
          return isOver(state)
            ? verdict(
                "no",
                `Sharpness began at ${start} times the stability threshold and never fell below it.`,
              )
            : verdict(
                "undecided",
                `Sharpness began at ${start} times the stability threshold and is ${figure(newest?.ratio ?? first.ratio)} times it now.`,
              );
        const from = records[0];
        const to = peak();
        const fell = `Sharpness began at ${start} times the stability threshold and had fallen to ${figure(landed.ratio)} of it by step ${whole(landed.step)}`;
        if (from === undefined || to === null)
          return verdict("undecided", `${fell}; no loss has been measured on the way.`);
        if (to.loss - from.loss <= ROUNDING * Math.abs(from.loss))
          return verdict("no", `${fell}, but the loss never rose above its first value on the way.`);
        return verdict(
          "yes",
          `${fell}. The loss rose from ${figure(from.loss)} to ${figure(to.loss)} (step ${whole(to.step)}) on the way.`,
        );
      },
    };
  },
};
