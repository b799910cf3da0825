/** One subscription's training: gradient, emit, update, turn by turn. */
import type { Subscriber } from "rxjs";
import type { Objective } from "../engine/objective.ts";
import { batchSizeOf, createBatchOrder } from "./batch-order.ts";
import { createOptimizer } from "./optimizers/index.ts";
import { learningRateShare } from "./optimizers/learning-rate.ts";
import type { Run, Step, Update } from "./run.ts";
import { decodeTrainingState, encodeTrainingState } from "./training-state.ts";
import { createTurns } from "./turns.ts";
import { withBatch } from "./with-batch.ts";

/** Where a run goes on that was left: θ_t, and the `train/state` of the same step. */
export interface Resumption {
  readonly theta: Float32Array;
  readonly state: Uint8Array;
}

/** What controls decide between steps. */
export interface LoopTerms {
  /** Base η, before its schedule. */
  learningRate: number;
  /** May the next update be made? Asked once for each; taking the permission of a single step with it. */
  mayUpdate(): boolean;
  diverged(step: number, what: string): void;
}

export interface TrainingLoop {
  /** Goes on when it was not allowed to. */
  wake(): void;
  /** Stops at once and frees every tensor; may be called again. */
  stop(): void;
}

type Slope = ReturnType<Objective["gradient"]>;

/**
 * The gradient at θ_t is computed before θ_t is emitted, because in full batch it also says what each probe example loses there.
 * Each step is a turn of its own; the first is not taken inside `subscribe`.
 */
export function startLoop(
  run: Run,
  terms: LoopTerms,
  resumption: Resumption | null,
  subscriber: Subscriber<Step>,
): TrainingLoop {
  const { config, lastStep } = run;
  const theta = (resumption?.theta ?? run.initial).slice();
  const previous = new Float32Array(theta.length);
  const gradient = new Float32Array(theta.length);
  const optimizer = createOptimizer(config, theta.length);
  const order = createBatchOrder(run.trainSize, batchSizeOf(run), config.seeds.order);
  const everyExample = Uint32Array.from({ length: run.trainSize }, (_, i) => i);
  const fullBatch = run.isFullBatch ? run.batchObjective(everyExample) : null;
  const probeInFull = run.probeIsTrainingSet ? fullBatch : null;
  const turns = createTurns();
  let step = 0;
  let slope: Slope | null = null;
  let update: Update | null = null;
  let isWaiting = false;
  let isStopped = false;

  if (resumption !== null) {
    const position = decodeTrainingState(resumption.state);
    step = position.step;
    terms.learningRate = position.learningRate;
    optimizer.updateCount = position.updateCount;
    for (const [name, values] of Object.entries(optimizer.slots)) values.set(position.slots[name] ?? []);
  }

  const etaAt = (t: number) => terms.learningRate * learningRateShare(config.lrSchedule, t, lastStep);

  const stop = () => {
    if (isStopped) return;
    isStopped = true;
    turns.close();
    fullBatch?.dispose();
  };

  const gradientAt = (t: number): Slope => {
    if (fullBatch !== null) return fullBatch.gradient(theta, gradient);
    return withBatch(run, order.batch(t), (batch) => batch.gradient(theta, gradient));
  };

  /** At θ_t: measure, emit. */
  const arrive = () => {
    slope = step < lastStep ? gradientAt(step) : null;
    const probeLosses =
      probeInFull === null ? null : (slope?.exampleLosses ?? probeInFull.exampleLosses(theta));
    const at = step;
    subscriber.next({
      step,
      lastStep,
      theta,
      previousTheta: update === null ? null : previous,
      update,
      learningRate: etaAt(step),
      probeLosses,
      demanded: null,
      retain: () => theta.slice(),
      preconditioner: () => optimizer.preconditioner(),
      captureState: () =>
        encodeTrainingState({
          step: at,
          learningRate: terms.learningRate,
          updateCount: optimizer.updateCount,
          slots: optimizer.slots,
        }),
    });
    if (isStopped) return;
    if (slope === null) {
      stop();
      subscriber.complete();
    } else if (!Number.isFinite(slope.loss)) {
      diverge(step, `the loss is ${slope.loss}`);
    } else {
      turns.next(attempt(depart));
    }
  };

  /** From θ_t to θ_{t+1}, if that is allowed now. */
  const depart = () => {
    isWaiting = !terms.mayUpdate();
    if (isWaiting || slope === null) return;
    const learningRate = etaAt(step);
    previous.set(theta);
    const { gradientNorm, updateNorm, thetaIsFinite } = optimizer.update(theta, slope.gradient, learningRate);
    update = { loss: slope.loss, gradientNorm, updateNorm, learningRate };
    step += 1;
    if (thetaIsFinite) arrive();
    else diverge(step, "θ is not finite");
  };

  const diverge = (at: number, what: string) => {
    stop();
    terms.diverged(at, what);
  };

  const attempt = (move: () => void) => () => {
    try {
      move();
    } catch (cause) {
      stop();
      subscriber.error(cause);
    }
  };

  turns.next(attempt(arrive));
  return {
    stop,
    wake() {
      if (!isWaiting || isStopped) return;
      isWaiting = false;
      turns.next(attempt(depart));
    },
  };
}
