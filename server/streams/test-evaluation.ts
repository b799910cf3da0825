/** Loss and accuracy at θ_t from one forward pass, however many streams ask. */
import type { Evaluable } from "../engine/in-pieces.ts";
import type { Step } from "../training/run.ts";

interface Evaluation {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** Only the newest step of an objective is remembered, and only as long as that step lives. */
const memory = new WeakMap<Evaluable, WeakMap<Step, Evaluation>>();

/** @cost one forward pass at the first call for a step, nothing after. */
export function evaluationAt(objective: Evaluable, step: Step): Evaluation {
  const known = memory.get(objective)?.get(step);
  if (known !== undefined && known.step === step.step) return known;
  const evaluation = { step: step.step, ...objective.evaluate(step.theta) };
  memory.set(objective, new WeakMap([[step, evaluation]]));
  return evaluation;
}
