/** What training is to everything downstream: steps, and what does not change while they pass. */
import type { Observable } from "rxjs";
import type { Parameter, SessionHeader } from "../../shared/header.ts";
import type { BackendFacts } from "../engine/backend.ts";
import type { Evaluable } from "../engine/in-pieces.ts";
import type { Objective } from "../engine/objective.ts";
import type { RunConfig } from "./config.ts";

/** What made update t: minibatch values at θ_{t−1}. Absent at step 0. */
export interface Update {
  readonly loss: number;
  /** ‖g‖₂ and ‖θ_t − θ_{t−1}‖₂. */
  readonly gradientNorm: number;
  readonly updateNorm: number;
  /** η of this update. */
  readonly learningRate: number;
}

/** One emission: θ_t after t updates. */
export interface Step {
  readonly step: number;
  /** The run's last step, as planned; a run that is stopped has none. */
  readonly lastStep: number;
  /** θ_t, [D]. Borrowed: valid during `next` only. */
  readonly theta: Float32Array;
  /** θ_{t−1}, [D], borrowed too; null at the first step, and where θ came from somewhere that has not kept it. */
  readonly previousTheta: Float32Array | null;
  readonly update: Update | null;
  /** η that the next update will use: the one thresholds are compared with. */
  readonly learningRate: number;
  /** L(θ_t) of each probe example, [n], where training computes it anyway (the probe is the full batch). Borrowed. */
  readonly probeLosses: Float32Array | null;
  /** Index into the header's channels of a stream that somebody asked to have measured now, due or not; else null. */
  readonly demanded: number | null;
  /** A copy of θ that may be kept. */
  retain(): Float32Array;
  /**
   * The diagonal P by which update t divided: θ_t = θ_{t−1} − ηP⁻¹m. [D], new at each call; null for optimizers that have none, and before
   * the first update. Call during `next`.
   */
  preconditioner(): Float32Array | null;
  /** What continuing from here needs beside θ: optimizer slots, RNG and data-order position. Call during `next`. */
  captureState(): Uint8Array;
}

/**
 * A run as plain data on SharedArrayBuffers: made once, by the thread that trains, and opened in every thread that measures,
 * so that all of them hold the same examples and the same θ₀ without copies.
 */
export interface Blueprint {
  readonly config: RunConfig;
  readonly facts: RunFacts;
  /** As tfjs-layers' `fromConfig` takes it, at once; the JSON of the header can only be read asynchronously. */
  readonly model: { readonly isSequential: boolean; readonly config: unknown };
  /** Of a run whose layers or loss may be its module's own: each thread imports it before it opens the run. Else null. */
  readonly module: string | null;
  /** Weights that are not trained but that L depends on: of frozen layers, and moving statistics. */
  readonly constants: Float32Array;
  readonly initial: Float32Array;
  readonly unrelatedInitial: Float32Array;
  readonly train: Examples;
  readonly test: Examples | null;
  /** Indices into the training set. */
  readonly probe: Uint32Array;
  readonly secondProbe: Uint32Array | null;
}

/** Row-major examples: inputs [n, ...inputShape] and targets [n, outputs] (one-hot for classes). */
export interface Examples {
  readonly inputs: Float32Array;
  readonly inputShape: readonly number[];
  readonly targets: Float32Array;
  readonly outputs: number;
  readonly size: number;
}

/** A {@link Blueprint} opened on this thread's backend. */
export interface Run {
  readonly config: RunConfig;
  readonly facts: RunFacts;
  /** What computes the objectives. */
  readonly backend: BackendFacts;
  readonly parameters: readonly Parameter[];
  /** θ₀, [D]. */
  readonly initial: Float32Array;
  /** On the probe. */
  readonly objective: Objective;
  /** On a second probe, disjoint from the first; null when the data has too few examples for one. */
  readonly secondObjective: Objective | null;
  /** On the test set; null when there is none. */
  readonly testObjective: Evaluable | null;
  /** On the training examples of the given indices into the training set: a minibatch as training sees it. The caller disposes it. */
  batchObjective(indices: Uint32Array): Objective;
  /** Another θ₀, unrelated to the run's: the control of line/profile. */
  readonly unrelatedInitial: Float32Array;
  readonly trainSize: number;
  /** Test examples; 0 when there are none. Asking for {@link testObjective} uploads them. */
  readonly testSize: number;
  readonly classes: number;
  /** Are the test targets classes, rather than numbers? */
  readonly testHasClasses: boolean;
  readonly isFullBatch: boolean;
  readonly probeIsTrainingSet: boolean;
  readonly lastStep: number;
  dispose(): void;
}

/** Acts between steps. */
export interface TrainingControl {
  pause(): void;
  resume(): void;
  /** While paused: one update, then paused again. */
  step(): void;
  setLearningRate(eta: number): void;
}

export interface Training extends Run {
  /**
   * Cold: subscribing trains, each subscription from θ₀; unsubscribing stops within one step and frees every tensor.
   * Completes after the last step. Errors only on bugs; divergence is a value: see {@link TrainingState}.
   */
  readonly steps$: Observable<Step>;
  /** "running", "paused", or "diverged" once a loss or θ is not finite; the last finite θ has been emitted. */
  readonly state$: Observable<TrainingState>;
  readonly control: TrainingControl;
}

export type TrainingState =
  | { readonly state: "running" | "paused" }
  | { readonly state: "diverged"; readonly step: number; readonly what: string };

/** The part of a session's header that follows from the run. */
export type RunFacts = Pick<
  SessionHeader,
  | "config"
  | "preset"
  | "task"
  | "seeds"
  | "model"
  | "modelSummary"
  | "loss"
  | "parameters"
  | "parameterCount"
  | "probe"
  | "train"
  | "optimizer"
  | "steps"
  | "fork"
>;
