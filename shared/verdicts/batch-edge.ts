/** The edge of stability as minibatches see it: batch sharpness, not λ₁, against 2/η. */
import type { SessionState } from "../header.ts";
import { count, figure, whole } from "../number-words.ts";
import type { BatchSharpness } from "../readings.ts";
import { createStreak, type Streak } from "./streak.ts";
import { EDGE_BAND, isOver, type Verdict } from "./verdict.ts";

/** A measurement less certain than this, in units of the threshold, does not count. */
const MAX_ERROR = 0.1;

export interface BatchEdge {
  observe(step: number, value: BatchSharpness): void;
  readonly streak: Streak;
  readonly measured: number;
  readonly tooUncertain: number;
  readonly newest: BatchSharpness | null;
}

export function createBatchEdge(): BatchEdge {
  const streak = createStreak();
  let measured = 0;
  let tooUncertain = 0;
  let newest: BatchSharpness | null = null;
  let newestStep = -1;
  return {
    observe(step, value) {
      const isRepeated = step <= newestStep; // asked for again by hand: one measurement
      newest = value;
      newestStep = step;
      if (step === 0 || isRepeated || value.ratio === null || value.threshold === null) return;
      measured++;
      const certain = value.stdErr / value.threshold <= MAX_ERROR;
      if (!certain) tooUncertain++;
      streak.push(step, certain && value.ratio >= EDGE_BAND.from && value.ratio <= EDGE_BAND.to);
    },
    streak,
    get measured() {
      return measured;
    },
    get tooUncertain() {
      return tooUncertain;
    },
    get newest() {
      return newest;
    },
  };
}

/**
 * @param compared.highest  ratio that λ₁ has reached to its full-batch bound, for comparison; null before it is known. compared.of names
 * the matrix.
 * @source Andreyev & Beneventano 2024, arXiv:2412.20553.
 */
export function batchEdge(
  question: string,
  { streak, measured, tooUncertain, newest }: BatchEdge,
  compared: { readonly of: string; readonly highest: number | null },
  state: SessionState,
): Verdict {
  const { longest, current } = streak;
  const beside =
    compared.highest === null
      ? ""
      : ` λ₁ of ${compared.of} reached ${figure(compared.highest)} of its bound, which only full-batch training must obey.`;
  const verdict = (answer: Verdict["state"], sentence: string): Verdict => ({
    id: "edge-of-stability",
    question,
    state: answer,
    sentence: `${sentence}${beside}`,
    evidence: [
      { channel: "hessian/batch-sharpness", steps: longest === null ? [] : [longest.from, longest.to] },
    ],
    how:
      `gᵀH_Bg/‖g‖² over ${newest?.batches ?? 0} batches drawn for each measurement, ${count(measured, "measurement")} after step 0, ` +
      `${tooUncertain} with a standard error above ${MAX_ERROR} of 2/η and not counted. ` +
      `Asked for: ratio in [${EDGE_BAND.from}, ${EDGE_BAND.to}] at ${EDGE_BAND.measurements} consecutive measurements.`,
  });
  if (newest === null) return verdict("undecided", "Batch sharpness has not been measured yet.");
  if (newest.threshold === null)
    return verdict("undecided", "No threshold for batch sharpness is established for this optimizer.");
  if (longest !== null && longest.count >= EDGE_BAND.measurements) {
    const now = current === null ? ` It is ${figure(newest.ratio ?? Number.NaN)} of it now.` : "";
    return verdict(
      "yes",
      `Batch sharpness stayed within 0.9 and 1.2 of 2/η at ${longest.count} consecutive measurements, from step ${whole(longest.from)} to ${whole(longest.to)}.${now}`,
    );
  }
  const counted = measured - tooUncertain;
  if (counted < EDGE_BAND.measurements || (current !== null && !isOver(state)))
    return verdict(
      "undecided",
      `Batch sharpness is near 2/η at ${current?.count ?? 0} of ${EDGE_BAND.measurements} consecutive measurements.`,
    );
  return verdict(
    "no",
    `Batch sharpness has not stayed near 2/η: it is ${figure(newest.ratio ?? Number.NaN)} of it now.`,
  );
}
