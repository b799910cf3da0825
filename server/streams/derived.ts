/** From steps to samples: one state per subscription, one value or none per step, nothing queued. */
import { defer, filter, finalize, map, type OperatorFunction } from "rxjs";
import { isDue, isLogged } from "../../shared/schedule.ts";
import type { Sample } from "../../shared/stream.ts";
import type { Step } from "../training/run.ts";

/** When a scheduled stream measures. */
export interface Schedule {
  /** k ≥ 1, in steps: due are 0, 1, 2, 4, 8, … below k, its multiples, and the last step. Default 1. */
  readonly every?: number;
  /** The stream's index among the header's channels: a step that demands it is measured too. */
  readonly channel?: number | undefined;
}

export type Measure<V> = (step: Step) => V | undefined;

/**
 * The samples of one channel. `start` is called at each subscription and returns what measures a step, inside `next`, while θ may be read;
 * `undefined` is no sample. What `measure` throws is the observable's error. `dispose` runs once, at the end or at unsubscription.
 */
export function derived<V>(
  channel: string,
  start: () => Measure<V>,
  dispose?: () => void,
): OperatorFunction<Step, Sample<V>> {
  return (steps$) =>
    defer(() => {
      const measure = start();
      const samples$ = steps$.pipe(
        map((step) => {
          const at = step.step;
          const value = measure(step);
          return value === undefined ? null : { channel, step: at, value };
        }),
        filter((sample) => sample !== null),
      );
      return dispose === undefined ? samples$ : samples$.pipe(finalize(dispose));
    });
}

/** @throws {RangeError} `every: expected a positive integer, got 0`. */
export function everyOf(schedule: Schedule): number {
  return positiveInteger("every", schedule.every ?? 1);
}

/** @throws {RangeError} `k: expected a positive integer, got 0`. */
export function positiveInteger(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name}: expected a positive integer, got ${value}`);
  }
  return value;
}

/** Somebody asked for this stream now: measured, due or not. */
export function isDemanded(step: Step, schedule: Schedule): boolean {
  return schedule.channel !== undefined && step.demanded === schedule.channel;
}

/** {@link derived}, at due and demanded steps only. */
export function scheduled<V>(
  channel: string,
  schedule: Schedule,
  start: () => Measure<V>,
  dispose?: () => void,
): OperatorFunction<Step, Sample<V>> {
  return measuredAt(isDue, channel, schedule, start, dispose);
}

/** The same without the dense beginning: at 0, the multiples of `every`, and the last step. For what costs many Hessian-vector products. */
export function sparselyScheduled<V>(
  channel: string,
  schedule: Schedule,
  start: () => Measure<V>,
): OperatorFunction<Step, Sample<V>> {
  return measuredAt(isLogged, channel, schedule, start);
}

function measuredAt<V>(
  isItsStep: typeof isDue,
  channel: string,
  schedule: Schedule,
  start: () => Measure<V>,
  dispose?: () => void,
): OperatorFunction<Step, Sample<V>> {
  const every = everyOf(schedule);
  return derived(
    channel,
    () => {
      const measure = start();
      return (step) =>
        isItsStep(step.step, every, step.lastStep) || isDemanded(step, schedule) ? measure(step) : undefined;
    },
    dispose,
  );
}

/** The steps of {@link isLogged}, and the first that is seen: step 0, or the one that a fork begins at. */
export function loggedFromFirst(every: number, dense: boolean): (step: Step) => boolean {
  let isFirst = true;
  return ({ step, lastStep }) => {
    const isIts = isFirst || isLogged(step, every, lastStep, dense);
    isFirst = false;
    return isIts;
  };
}
