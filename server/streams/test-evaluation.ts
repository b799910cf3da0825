/** Loss and accuracy at θ_t from one forward pass, however many streams ask. */
import type { Evaluable } from "../engine/in-pieces.ts";
import type { Step } from "../training/run.ts";
import { StepMemory } from "./step-memory.ts";

type Evaluation = ReturnType<Evaluable["evaluate"]>;

const evaluations = new StepMemory<Evaluable, Evaluation>();

/** @cost one forward pass at the first call for a step, nothing after. */
export function evaluationAt(objective: Evaluable, step: Step): Evaluation {
  return evaluations.get(objective, step) ?? evaluations.set(objective, step, objective.evaluate(step.theta));
}
