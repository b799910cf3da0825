/** A run as an observable of its steps. */
import { BehaviorSubject, Observable } from "rxjs";
import type { Run, Step, Training, TrainingControl, TrainingState } from "./run.ts";
import { type Resumption, startLoop, type TrainingLoop } from "./training-loop.ts";

export interface TrainingOptions {
  /** Start here instead of at θ₀. */
  readonly resumeFrom?: Resumption;
}

/**
 * The controls belong to the training, not to one subscription: what they set holds for subscriptions to come.
 * A learning rate set by hand is the base that the schedule scales. A training that diverged can only be subscribed to again.
 */
export function createTraining(run: Run, options: TrainingOptions = {}): Training {
  const loops = new Set<TrainingLoop>();
  const state$ = new BehaviorSubject<TrainingState>({ state: "running" });
  let isPaused = false;
  let singleSteps = 0;

  const terms = {
    learningRate: run.config.learningRate,
    mayUpdate() {
      if (!isPaused) return true;
      if (singleSteps === 0) return false;
      singleSteps -= 1;
      return true;
    },
    diverged: (step: number, what: string) => state$.next({ state: "diverged", step, what }),
  };

  const setPaused = (paused: boolean) => {
    isPaused = paused;
    singleSteps = 0;
    if (state$.value.state !== "diverged") state$.next({ state: paused ? "paused" : "running" });
  };
  const wake = () => {
    for (const loop of loops) loop.wake();
  };

  const control: TrainingControl = {
    pause: () => setPaused(true),
    resume() {
      setPaused(false);
      wake();
    },
    step() {
      if (!isPaused) return;
      singleSteps += 1;
      wake();
    },
    setLearningRate(eta) {
      if (!(eta > 0 && Number.isFinite(eta))) throw new RangeError(`eta: expected a number > 0, got ${eta}`);
      terms.learningRate = eta;
    },
  };

  const steps$ = new Observable<Step>((subscriber) => {
    if (state$.value.state === "diverged") state$.next({ state: isPaused ? "paused" : "running" });
    const loop = startLoop(run, terms, options.resumeFrom ?? null, subscriber);
    loops.add(loop);
    return () => {
      loops.delete(loop);
      loop.stop();
    };
  });

  const own = { steps$, state$: state$.asObservable(), control };
  // Property by property, because a spread would evaluate the getters of objectives that nobody may ask for.
  return Object.defineProperties(own, Object.getOwnPropertyDescriptors(run)) as typeof own & Run;
}
