import { figure, whole } from "../number-words.ts";
import type { DistanceToInit } from "../readings.ts";
import type { JudgeDefinition } from "./verdict.ts";

const DISTANCE = "distance/to-init";

/** Have the weights moved farther than they were long? With the length of the way, which a straight line does not show. */
export const distanceTravelled: JudgeDefinition = {
  channels: [DISTANCE],
  start() {
    let newest: { readonly step: number; readonly value: DistanceToInit } | null = null;
    return {
      observe({ step, value }) {
        newest = { step, value: value as DistanceToInit };
      },
      verdict() {
        const base = {
          id: "distance",
          question: "Have the weights moved farther than their initial norm?",
          how: "‖θ_t − θ₀‖ against ‖θ₀‖ over all parameters, summed in float64 at every step; the length of the path adds every single update.",
        };
        if (newest === null || !Number.isFinite(newest.value.relative)) {
          const sentence = newest === null ? "No weights have been seen yet." : "The distance is not finite.";
          return { ...base, state: "undecided", sentence, evidence: [] };
        }
        const { step, value } = newest;
        const detour =
          step === 0
            ? ""
            : ` The path there is ${figure(value.pathLength)} long, ${figure(1 / value.straightness)} times the straight line.`;
        return {
          ...base,
          state: value.relative > 1 ? "yes" : "no",
          sentence: `At step ${whole(step)} the weights are ${figure(value.l2)} from where they began: ${figure(value.relative)} of their initial norm.${detour}`,
          evidence: [{ channel: DISTANCE, steps: [step] }],
        };
      },
    };
  },
};
