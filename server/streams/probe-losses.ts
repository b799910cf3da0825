/** L(θ_t) of each example, measured once per step however many streams ask. */
import type { Objective } from "../engine/objective.ts";
import type { Step } from "../training/run.ts";
import { StepMemory } from "./step-memory.ts";

export interface StepLosses {
  /** Mean of {@link exampleLosses}, summed in float64: the same bits as `objective.loss`. */
  readonly loss: number;
  /** [n]. Borrowed: valid during `next` only. */
  readonly exampleLosses: Float32Array;
}

/** All that the path needs of an objective. */
export type LossSource = Pick<Objective, "exampleLosses">;

const memory = new StepMemory<LossSource, StepLosses>();

/**
 * Losses at θ_t on an objective's own data.
 * @param given  the same losses where somebody has computed them already (`step.probeLosses`).
 * @cost one forward pass at the first call for a step, nothing after.
 */
export function lossesAt(objective: LossSource, step: Step, given: Float32Array | null = null): StepLosses {
  const known = memory.get(objective, step);
  if (known !== null) return known;
  const exampleLosses = given ?? objective.exampleLosses(step.theta);
  return memory.set(objective, step, { loss: mean(exampleLosses), exampleLosses });
}

/** Mean in float64, from the first to the last. */
export function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/**
 * Standard error of mean(a) − mean(b) for values paired by example: what is common to both cancels.
 * @returns NaN for fewer than two examples.
 */
export function pairedStandardError(a: Float32Array, b: Float32Array): number {
  const n = a.length;
  if (b.length !== n) throw new RangeError(`b: expected ${n} values, got ${b.length}`);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (a[i] as number) - (b[i] as number);
  const average = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += ((a[i] as number) - (b[i] as number) - average) ** 2;
  return Math.sqrt(squares / (n - 1) / n);
}
