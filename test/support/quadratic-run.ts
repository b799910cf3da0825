/** A run whose losses are quadratics, one an example: every step can be computed by hand. */
import type { RunConfig } from "../../server/training/config.ts";
import type { Run } from "../../server/training/run.ts";
import { type QuadraticExample, quadraticObjective } from "./quadratic-objective.ts";

export interface QuadraticRun extends Run {
  /** Objectives made and not yet disposed. */
  openObjectives(): number;
  /** Indices of each batch asked for, in order. */
  readonly batches: readonly (readonly number[])[];
}

const CONFIG: RunConfig = {
  preset: null,
  task: "own",
  dataset: "quadratic",
  label: null,
  targets: null,
  model: null,
  redraw: false,
  trainSize: 1,
  center: "none",
  hidden: [],
  activation: null,
  init: "glorot",
  loss: "half-sum-mse",
  steps: 10,
  batchSize: "full",
  optimizer: "gd",
  learningRate: 0.1,
  momentum: 0,
  weightDecay: 0,
  lrSchedule: "constant",
  seeds: { init: 0, order: 0, probe: 0, vectors: 0 },
  probeSize: 1,
  every: {},
  overhead: 5,
  bestEffort: false,
  without: [],
  backend: "cpu",
  name: "quadratic",
  weightsEvery: null,
  recordingBudget: 128,
};

export function quadraticConfig(settings: Partial<RunConfig>): RunConfig {
  return { ...CONFIG, ...settings };
}

export function quadraticRun(
  examples: readonly QuadraticExample[],
  initial: readonly number[],
  settings: Partial<RunConfig> = {},
): QuadraticRun {
  const config = quadraticConfig({ trainSize: examples.length, ...settings });
  const batches: number[][] = [];
  let open = 0;
  const objective = quadraticObjective(examples);
  return {
    config,
    facts: {} as Run["facts"],
    backend: {
      name: "cpu",
      selfTest: { backend: "cpu", gradientError: 0, hvpError: 0, asymmetry: 0, passed: true },
      note: null,
    },
    parameters: [{ name: "theta", layer: "quadratic", shape: [initial.length], offset: 0 }],
    initial: Float32Array.from(initial),
    unrelatedInitial: Float32Array.from(initial),
    objective,
    secondObjective: null,
    testObjective: null,
    batches,
    openObjectives: () => open,
    batchObjective(indices) {
      batches.push([...indices]);
      open += 1;
      const batch = quadraticObjective(Array.from(indices, (index) => examples[index] as QuadraticExample));
      return {
        ...batch,
        dispose() {
          open -= 1;
        },
      };
    },
    trainSize: examples.length,
    testSize: 0,
    classes: 2,
    testHasClasses: false,
    isFullBatch: config.batchSize === "full",
    probeIsTrainingSet: true,
    lastStep: config.steps,
    dispose() {},
  };
}

/** One-dimensional: ½ h (θ − c)². */
export function parabola(curvature: number, centre = 0): QuadraticExample {
  return { hessian: [[curvature]], centre: [centre] };
}
