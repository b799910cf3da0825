/** What the geometry thread does at each step, and for each θ that is logged, timed before the first step. */
import { Subject } from "rxjs";
import { createRandom } from "../numerics/random.ts";
import { dot } from "../numerics/vector.ts";
import { WeightEncoder } from "../recording/weight-codec.ts";
import { distanceToInit } from "../streams/distance-to-init.ts";
import type { Run, Step } from "../training/run.ts";
import { median } from "./trial.ts";

/** For each cost; the first half of it is for code to be compiled. */
const TIMING_MS = 120;
const FEWEST = 3;
/** Of a parameter, from one θ to the next: what is left of it must compress about as a real one does. */
const MOVE = 1e-4;

/** In milliseconds: one step, and encoding one θ. */
export interface GeometryCosts {
  readonly geometry: number;
  readonly encode: number;
}

export function geometryCosts({ initial, parameters }: Pick<Run, "initial" | "parameters">): GeometryCosts {
  const random = createRandom(0).stream("geometry-costs");
  const theta = initial.slice();
  const encoder = new WeightEncoder(theta.length);
  const steps$ = new Subject<Step>();
  const subscription = steps$.pipe(distanceToInit(initial, parameters)).subscribe();
  const moves = Float32Array.from(theta, () => MOVE * random.normal());
  const move = () => {
    for (let i = 0; i < theta.length; i++) theta[i] = (theta[i] as number) * (1 + (moves[i] as number));
  };
  const geometry = medianMs(move, () => {
    steps$.next({ theta } as Step);
    // As path/top-mode, whose eigenvector has yet to be measured.
    dot(theta, initial);
  });
  const encode = medianMs(move, () => encoder.encode(theta));
  subscription.unsubscribe();
  return { geometry, encode };
}

/** Of the second half of as many repetitions as take {@link TIMING_MS}. */
function medianMs(before: () => void, work: () => void): number {
  const times: number[] = [];
  const untilMs = performance.now() + TIMING_MS;
  while (times.length < FEWEST || performance.now() < untilMs) {
    before();
    const beganMs = performance.now();
    work();
    times.push(performance.now() - beganMs);
  }
  return median(times.slice(times.length >> 1));
}
