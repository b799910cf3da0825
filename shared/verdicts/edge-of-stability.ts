import { count, figure, percent, whole } from "../number-words.ts";
import type { BatchSharpness, HessianEigenvalues } from "../readings.ts";
import { batchEdge, createBatchEdge } from "./batch-edge.ts";
import { createStreak } from "./streak.ts";
import {
  EDGE_BAND,
  isLeftOut,
  isOver,
  type Judge,
  type JudgeDefinition,
  ROUNDING,
  type Verdict,
} from "./verdict.ts";

const QUESTION = "Is training at the edge of stability?";
const SPECTRUM = "hessian/eigenvalues";
/** Of Adam, and then in place of the other. */
const PRECONDITIONED = "hessian/preconditioned";
const TRAIN = "train/loss";

type Reading = Pick<HessianEigenvalues, "top" | "rule" | "ratio" | "coldGap">;

/**
 * λ₁/threshold in [0.9, 1.2] for at least ten consecutive measurements after step 0, each with λ₁ converged, and between the first and the
 * last of them at least one step at which the full-batch loss rose. Under Adam λ₁ is that of the preconditioned Hessian. With minibatches
 * neither decides anything, and batch sharpness is judged instead.
 *
 * @source Cohen et al. 2021, arXiv:2103.00065; Adam: Cohen et al. 2022, arXiv:2207.14484.
 */
export const edgeOfStability: JudgeDefinition = {
  channels: [SPECTRUM, PRECONDITIONED, TRAIN, "hessian/batch-sharpness"],
  start(header): Judge {
    const since = header.fork === undefined ? "after step 0" : `from step ${whole(header.fork.step)} on`;
    const streak = createStreak();
    const batch = createBatchEdge();
    let channel: typeof SPECTRUM | typeof PRECONDITIONED = SPECTRUM;
    let newest: { readonly step: number; readonly value: Reading } | null = null;
    let measured = 0;
    let unconverged = 0;
    let highest: number | null = null;
    /** Between converged measurements: what is largest at these may not be the largest. */
    let widestGap = 0;
    let lastConverged = header.fork?.step ?? 0;
    let worstResidual = 0;
    let worstGap: number | null = null;
    let previousLoss = Number.NaN;
    let upSteps = 0;

    function observeSpectrum(of: typeof channel, step: number, value: Reading): void {
      if (of === PRECONDITIONED && channel === SPECTRUM) {
        channel = PRECONDITIONED;
        newest = null;
      }
      if (of !== channel) return;
      const isRepeated = newest !== null && step <= newest.step; // asked for again by hand: one measurement
      newest = { step, value };
      if (isRepeated || value.ratio === null) return;
      const leading = value.top[0];
      const converged = leading?.converged === true && Number.isFinite(value.ratio);
      if (converged) highest = Math.max(highest ?? value.ratio, value.ratio);
      if (step === 0) return;
      measured++;
      streak.push(step, converged && value.ratio >= EDGE_BAND.from && value.ratio <= EDGE_BAND.to);
      if (!converged) {
        unconverged++;
        return;
      }
      widestGap = Math.max(widestGap, step - lastConverged);
      lastConverged = step;
      if (leading.residual > 0)
        worstResidual = Math.max(worstResidual, leading.residual / Math.abs(leading.value));
      // 0/0 in recordings from before it was null where the Hessian is zero.
      if (value.coldGap !== null && !Number.isNaN(value.coldGap))
        worstGap = Math.max(worstGap ?? value.coldGap, value.coldGap);
    }

    /** In full-batch training train/loss at step t is the full loss at θ_{t−1}: a rise from t to t + 1 was made by update t. */
    function observeLoss(step: number, loss: number): void {
      if (header.train.fullBatch && loss - previousLoss > ROUNDING * Math.abs(previousLoss)) {
        upSteps++;
        streak.note(step - 1);
      }
      previousLoss = loss;
    }

    function verdict(state: Verdict["state"], sentence: string): Verdict {
      const stretch = streak.longest;
      return {
        id: "edge-of-stability",
        question: QUESTION,
        state,
        sentence,
        evidence: [
          { channel, steps: stretch === null ? [] : [stretch.from, stretch.to] },
          { channel: TRAIN, steps: [stretch?.firstNoted ?? []].flat() },
        ],
        how:
          `${channel === PRECONDITIONED ? "λ₁ of P⁻¹H" : "λ₁"} by Lanczos on ${count(header.probe.size, "example")}, ${count(measured, "measurement")} ${since}, ` +
          `${unconverged} not converged and not counted; largest relative residual ${figure(worstResidual)}. ` +
          (worstGap === null
            ? "No cold start has checked yet that no larger eigenvalue was missed. "
            : `Cold starts found at most ${percent(Math.max(0, worstGap))} more. `) +
          `Rises of the loss are counted on the full training batch, above rounding (1e-6 of the loss): ${upSteps}, ${stretch?.noted ?? 0} of them in the longest stretch. ` +
          `Asked for: ratio in [${EDGE_BAND.from}, ${EDGE_BAND.to}] at ${EDGE_BAND.measurements} consecutive measurements and one rise among them.`,
      };
    }

    return {
      observe(sample) {
        if (sample.channel === SPECTRUM || sample.channel === PRECONDITIONED)
          observeSpectrum(sample.channel, sample.step, sample.value as Reading);
        else if (sample.channel === TRAIN) observeLoss(sample.step, sample.value as number);
        else batch.observe(sample.step, sample.value as BatchSharpness);
      },
      verdict(state) {
        if ([SPECTRUM, PRECONDITIONED].every((name) => isLeftOut(name, header)))
          return verdict("undecided", "Sharpness is left out of this run.");
        if (newest === null)
          return verdict("undecided", `Sharpness has not been measured${isOver(state) ? "" : " yet"}.`);
        const { rule } = newest.value;
        const sharpness = channel === PRECONDITIONED ? "Preconditioned sharpness" : "Sharpness";
        if (rule === null)
          return verdict(
            "undecided",
            "This optimizer has no stability threshold for λ₁ of the Hessian itself.",
          );
        if (rule === "full-batch-bound") {
          const of = channel === PRECONDITIONED ? "the full preconditioned Hessian" : "the full Hessian";
          return batchEdge(QUESTION, batch, { of, highest }, state);
        }
        const { longest, current } = streak;
        if (longest !== null && longest.count >= EDGE_BAND.measurements) {
          if (longest.noted === 0)
            return verdict(
              "undecided",
              `${sharpness} has stayed near the threshold from step ${whole(longest.from)} to ${whole(longest.to)}, but the loss has not risen at any step between: it may have come close without reaching the edge.`,
            );
          return verdict(
            "yes",
            `${sharpness} stayed within 0.9 and 1.2 of the stability threshold at ${longest.count} consecutive measurements, from step ${whole(longest.from)} to ${whole(longest.to)}, while the loss rose at ${count(longest.noted, "step")}.` +
              (current === null
                ? ` At step ${whole(newest.step)} the ratio is ${figure(newest.value.ratio ?? Number.NaN)}.`
                : ""),
          );
        }
        if (current !== null && !isOver(state))
          return verdict(
            "undecided",
            `${sharpness} is near the threshold at ${current.count} of ${EDGE_BAND.measurements} consecutive measurements.`,
          );
        if (measured - unconverged < EDGE_BAND.measurements)
          return verdict(
            "undecided",
            `Only ${count(measured - unconverged, "converged measurement")} ${since}: ${EDGE_BAND.measurements} are needed.`,
          );
        return verdict(
          "no",
          highest === null || highest < EDGE_BAND.from
            ? `${sharpness} was at most ${figure(highest ?? Number.NaN)} of the stability threshold, at measurements up to ${count(widestGap, "step")} apart.`
            : `${sharpness} has reached ${figure(highest)} of the stability threshold but did not stay near it for ${EDGE_BAND.measurements} consecutive measurements.`,
        );
      },
    };
  },
};
