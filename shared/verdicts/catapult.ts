import { figure, whole } from "../number-words.ts";
import type { HessianEigenvalues } from "../readings.ts";
import { isOver, type JudgeDefinition, ROUNDING, type Verdict } from "./verdict.ts";

const SPECTRUM = "hessian/eigenvalues";
const PATH = "path/loss";
/** A loss that breaks its record this often is no catapult. */
const MAX_RECORDS = 256;

/** A loss higher than all before, and the first step after it, up to the next such loss, at which it was below its first value again. */
interface Peak {
  readonly step: number;
  readonly loss: number;
  regained: number | null;
}

/**
 * Sharpness above the threshold at the start that falls below it: the loss rises, θ is thrown across the valley, and lands where it is
 * flatter, and where the loss is lower than it began. The threshold is that of η at step 0 throughout: a smaller η makes nothing flatter.
 *
 * @source Lewkowycz et al. 2020, arXiv:2003.02218.
 */
export const catapult: JudgeDefinition = {
  channels: [SPECTRUM, PATH],
  start({ fork }) {
    let first: (Pick<HessianEigenvalues, "ratio" | "threshold"> & { readonly converged: boolean }) | null =
      null;
    let rule: HessianEigenvalues["rule"] = null;
    let landed: { readonly step: number; readonly ratio: number } | null = null;
    let newest: { readonly step: number; readonly ratio: number } | null = null;
    /** From the first loss on. Spectra come later than losses, so where to stop looking is not known yet. */
    const records: Peak[] = [];

    /** The highest loss up to the landing. */
    function peak(): Peak | null {
      const end = landed?.step ?? -1;
      return records.findLast(({ step }) => step <= end) ?? null;
    }

    function regainedAfter({ step: from }: Peak): number | null {
      return records.find(({ step, regained }) => step >= from && regained !== null)?.regained ?? null;
    }

    function verdict(state: Verdict["state"], sentence: string): Verdict {
      const highest = peak();
      const deciding = highest === null ? [] : [highest.step, regainedAfter(highest) ?? []].flat();
      return {
        id: "catapult",
        question: "Was training catapulted at the start?",
        state,
        sentence,
        evidence: [
          { channel: SPECTRUM, steps: landed === null ? [0] : [0, landed.step] },
          { channel: PATH, steps: deciding },
        ],
        how: "λ₁ against the stability threshold of η at step 0: there, and at the first converged measurement below it. The highest loss on the path until then: without a rise nothing was thrown. And a later loss below the first: without it nothing has landed. Values that have not converged are not counted.",
      };
    }

    return {
      observe({ channel, step, value }) {
        if (channel === PATH) {
          const loss = value as number;
          const isRecord = loss > (records.at(-1)?.loss ?? Number.NEGATIVE_INFINITY);
          if (isRecord && records.length < MAX_RECORDS) records.push({ step, loss, regained: null });
          const highest = records.at(-1);
          if (highest !== undefined && loss < (records[0]?.loss ?? Number.NaN)) highest.regained ??= step;
          return;
        }
        const spectrum = value as HessianEigenvalues;
        const { top, ratio, threshold } = spectrum;
        const converged = top[0]?.converged === true;
        const sharpness = top[0]?.value ?? Number.NaN;
        rule = spectrum.rule;
        if (step === 0) first = { ratio, threshold, converged };
        if (!converged || !Number.isFinite(sharpness) || first === null || first.threshold === null) return;
        newest = { step, ratio: sharpness / first.threshold };
        const beganAbove = (first.ratio ?? 0) > 1;
        if (landed === null && step > 0 && beganAbove && newest.ratio < 1) landed = newest;
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
                `Sharpness began at ${start} times the stability threshold of the first η and never fell below it.`,
              )
            : verdict(
                "undecided",
                `Sharpness began at ${start} times the stability threshold of the first η and is ${figure(newest?.ratio ?? first.ratio)} times it now.`,
              );
        const from = records[0];
        const to = peak();
        const fell = `Sharpness began at ${start} times the stability threshold of the first η and had fallen to ${figure(landed.ratio)} of it by step ${whole(landed.step)}`;
        if (from === undefined || to === null)
          return verdict("undecided", `${fell}; no loss has been measured on the way.`);
        if (to.loss - from.loss <= ROUNDING * Math.abs(from.loss))
          return verdict("no", `${fell}, but the loss never rose above its first value on the way.`);
        const rose = `${fell}. The loss rose from ${figure(from.loss)} to ${figure(to.loss)} (step ${whole(to.step)}) on the way`;
        const regained = regainedAfter(to);
        if (regained === null)
          return isOver(state)
            ? verdict("no", `${rose} and never came below its first value again: nothing has landed.`)
            : verdict("undecided", `${rose} and has not come below its first value again.`);
        return verdict("yes", `${rose} and was below its first value again by step ${whole(regained)}.`);
      },
    };
  },
};
