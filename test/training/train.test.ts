import { firstValueFrom, lastValueFrom, take, toArray } from "rxjs";
import { expect, it } from "vitest";
import type { Run, Step, Training, TrainingState } from "../../server/training/run.ts";
import { createTraining, type TrainingOptions } from "../../server/training/train.ts";
import { createTurns } from "../../server/training/turns.ts";
import { parabola, quadraticRun } from "../support/quadratic-run.ts";

/** A step as it may be kept. */
interface Kept {
  readonly step: number;
  readonly theta: readonly number[];
  readonly update: Step["update"];
  readonly learningRate: number;
  readonly probeLosses: readonly number[] | null;
  readonly state: Uint8Array;
}

function kept(step: Step): Kept {
  return {
    step: step.step,
    theta: [...step.retain()],
    update: step.update,
    learningRate: step.learningRate,
    probeLosses: step.probeLosses === null ? null : [...step.probeLosses],
    state: step.captureState(),
  };
}

function runThrough(run: Run, options?: TrainingOptions): Promise<Kept[]> {
  return collect(createTraining(run, options));
}

function collect(training: Training): Promise<Kept[]> {
  return new Promise((resolve, reject) => {
    const steps: Kept[] = [];
    training.steps$.subscribe({
      next: (step) => steps.push(kept(step)),
      error: reject,
      complete: () => resolve(steps),
    });
  });
}

/** Lets the loop take as many turns as it will: each of its turns is one of these. */
async function turns(count: number): Promise<void> {
  const own = createTurns();
  for (let i = 0; i < count; i += 1) await new Promise<void>((resolve) => own.next(resolve));
  own.close();
}

const examples = [1, 2, 3, 4, 5].map((curvature) => parabola(curvature, curvature));
const minibatches = { batchSize: 2, optimizer: "sgd", steps: 6 } as const;

it("emits θ₀ and then θ after each update, and completes", async () => {
  const steps = await runThrough(quadraticRun([parabola(2)], [1], { steps: 3, learningRate: 0.25 }));
  expect(steps.map(({ step, theta }) => [step, ...theta])).toEqual([
    [0, 1],
    [1, 0.5],
    [2, 0.25],
    [3, 0.125],
  ]);
});

it("tells with θ_t what made it: the loss and gradient at θ_{t−1}", async () => {
  const steps = await runThrough(quadraticRun([parabola(2)], [1], { steps: 2, learningRate: 0.25 }));
  expect(steps.map(({ update }) => update)).toEqual([
    null,
    { loss: 1, gradientNorm: 2, updateNorm: 0.5, learningRate: 0.25 },
    { loss: 0.25, gradientNorm: 1, updateNorm: 0.25, learningRate: 0.25 },
  ]);
});

it("knows the probe's losses at θ_t, at the last step too, when the probe is the full batch", async () => {
  const run = quadraticRun(examples, [0.3], { steps: 4, learningRate: 0.1 });
  for (const { theta, probeLosses } of await runThrough(run)) {
    expect(probeLosses).toEqual([...run.objective.exampleLosses(Float32Array.from(theta))]);
  }
});

it("does not know them with minibatches", async () => {
  const steps = await runThrough(quadraticRun(examples, [0.3], minibatches));
  expect(steps.map(({ probeLosses }) => probeLosses)).toEqual(new Array(7).fill(null));
});

it("trains again from θ₀ for each subscription, with the same bits", async () => {
  const training = createTraining(quadraticRun(examples, [0.3], minibatches));
  expect(await collect(training)).toEqual(await collect(training));
});

it("takes other batches for another order seed, and the same for another probe seed", async () => {
  const thetas = async (seeds: Partial<Record<"init" | "order" | "probe" | "vectors", number>>) => {
    const all = { init: 0, order: 0, probe: 0, vectors: 0, ...seeds };
    const steps = await runThrough(quadraticRun(examples, [0.3], { ...minibatches, seeds: all }));
    return steps.map(({ theta }) => theta[0]);
  };
  expect(await thetas({ order: 1 })).not.toEqual(await thetas({}));
  expect(await thetas({ probe: 1 })).toEqual(await thetas({}));
});

it("starts nothing before it is subscribed to, and nothing inside subscribe", async () => {
  const run = quadraticRun(examples, [0.3], minibatches);
  const training = createTraining(run);
  await turns(4);
  expect(run.batches).toEqual([]);
  let emitted = 0;
  const subscription = training.steps$.subscribe(() => {
    emitted += 1;
  });
  expect(emitted).toBe(0);
  subscription.unsubscribe();
});

it("stops within one step of unsubscribing and frees what it opened", async () => {
  const run = quadraticRun(examples, [0.3], { steps: 1000 });
  const training = createTraining(run);
  expect(await lastValueFrom(training.steps$.pipe(take(5), toArray()))).toHaveLength(5);
  expect(run.openObjectives()).toBe(0);

  let steps = 0;
  const subscription = training.steps$.subscribe(() => {
    steps += 1;
  });
  while (steps < 3) await turns(1);
  subscription.unsubscribe();
  const atStop = steps;
  expect(run.openObjectives()).toBe(0);
  await turns(10);
  expect(steps).toBe(atStop);
});

it("frees each minibatch before the next", async () => {
  const run = quadraticRun(examples, [0.3], { ...minibatches, steps: 50 });
  let most = 0;
  await lastValueFrom(
    createTraining(run).steps$.pipe((steps$) => {
      steps$.subscribe(() => {
        most = Math.max(most, run.openObjectives());
      });
      return steps$;
    }),
  );
  expect(most).toBe(0);
});

it("pauses between steps, steps once, and resumes", async () => {
  const training = createTraining(quadraticRun(examples, [0.3], { steps: 100 }));
  const states: TrainingState["state"][] = [];
  training.state$.subscribe(({ state }) => states.push(state));
  const seen: number[] = [];
  const done = new Promise<void>((resolve) => {
    training.steps$.subscribe({ next: ({ step }) => seen.push(step), complete: resolve });
  });
  training.control.pause();
  await turns(10);
  expect(seen).toEqual([0]);
  training.control.step();
  await turns(10);
  expect(seen).toEqual([0, 1]);
  training.control.step();
  training.control.step();
  await turns(20);
  expect(seen).toEqual([0, 1, 2, 3]);
  training.control.resume();
  await done;
  expect(seen).toHaveLength(101);
  expect(states).toEqual(["running", "paused", "running"]);
});

it("ignores a single step while it runs", async () => {
  const training = createTraining(quadraticRun(examples, [0.3], { steps: 100 }));
  training.control.step();
  training.control.pause();
  const seen: number[] = [];
  const subscription = training.steps$.subscribe(({ step }) => seen.push(step));
  await turns(10);
  expect(seen).toEqual([0]);
  subscription.unsubscribe();
});

it("uses a new learning rate from the next update on, under its schedule", async () => {
  const training = createTraining(
    quadraticRun([parabola(1)], [1], { steps: 4, learningRate: 0.5, lrSchedule: "step" }),
  );
  const rates: (number | undefined)[] = [];
  await new Promise<void>((resolve) => {
    training.steps$.subscribe({
      next: ({ step, update }) => {
        rates.push(update?.learningRate);
        if (step === 1) training.control.setLearningRate(0.25);
      },
      complete: resolve,
    });
  });
  expect(rates).toEqual([undefined, 0.5, 0.25, 0.25 * 0.1, 0.25 * 0.1 ** 2]);
  expect(() => training.control.setLearningRate(0)).toThrow("eta: expected a number > 0, got 0");
});

it("keeps the last finite θ when θ overflows, and stays open", async () => {
  const run = quadraticRun([parabola(1)], [1], { steps: 1000, learningRate: 1e15 });
  const training = createTraining(run);
  const seen: Kept[] = [];
  let isOver = false;
  const diverged = firstValueFromState(training);
  const subscription = training.steps$.subscribe({
    next: (step) => seen.push(kept(step)),
    complete: () => {
      isOver = true;
    },
  });
  const state = await diverged;
  await turns(4);
  const last = seen.at(-1);
  expect(seen.every(({ theta }) => theta.every(Number.isFinite))).toBe(true);
  expect(state).toMatchObject({ state: "diverged" });
  // θ grows 10¹⁵-fold a step: 10³⁰ is a float32, its loss is not.
  expect([last?.step, state]).toEqual([2, { state: "diverged", step: 2, what: "the loss is Infinity" }]);
  expect(isOver).toBe(false);
  expect(run.openObjectives()).toBe(0);
  subscription.unsubscribe();
});

it("says so when θ itself is the first to overflow", async () => {
  const training = createTraining(quadraticRun([parabola(1e-10)], [1e20], { learningRate: 1e30 }));
  const steps: number[] = [];
  const diverged = firstValueFromState(training);
  const subscription = training.steps$.subscribe(({ step }) => steps.push(step));
  expect(await diverged).toEqual({ state: "diverged", step: 1, what: "θ is not finite" });
  expect(steps).toEqual([0]);
  subscription.unsubscribe();
});

it.each(["gd", "momentum", "adam"] as const)(
  "goes on from a captured state with %s, bit for bit",
  async (optimizer) => {
    const settings = { ...minibatches, optimizer, momentum: 0.9, lrSchedule: "cosine", steps: 12 } as const;
    const whole = await runThrough(quadraticRun(examples, [0.3], settings));
    const { theta, state } = whole[5] as Kept;
    const rest = await runThrough(quadraticRun(examples, [0.3], settings), {
      resumeFrom: { theta: Float32Array.from(theta), state },
    });
    expect(rest.slice(1)).toEqual(whole.slice(6));
    expect(rest[0]).toMatchObject({ step: 5, theta });
  },
);

it("passes a bug on as an error and frees what it opened", async () => {
  const run = quadraticRun(examples, [0.3], {});
  const broken = createTraining({
    ...run,
    batchObjective: (indices) => ({
      ...run.batchObjective(indices),
      gradient: () => {
        throw new RangeError("theta: expected length 2, got 1");
      },
      dispose: () => undefined,
    }),
  });
  await expect(lastValueFrom(broken.steps$)).rejects.toThrow("theta: expected length 2, got 1");
});

function firstValueFromState(training: Training): Promise<TrainingState> {
  return new Promise((resolve) => {
    training.state$.subscribe((state) => {
      if (state.state === "diverged") resolve(state);
    });
  });
}

it("is the run it trains", async () => {
  const run = quadraticRun(examples, [0.3], {});
  const training = createTraining(run);
  expect(training.objective).toBe(run.objective);
  expect(training.initial).toBe(run.initial);
  await expect(firstValueFrom(training.state$)).resolves.toEqual({ state: "running" });
});
