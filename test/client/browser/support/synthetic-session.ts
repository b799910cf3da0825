/**
 * A session that never ran, with the shape of one that did: gradient descent that sharpens until it meets 2/η and then zig-zags there.
 *
 * The top mode follows the two-variable model of self-stabilisation (Damian, Nichani & Lee 2023, arXiv:2209.15594): x is the
 * displacement along v₁, y the sharpness minus 2/η; x flips sign each step and grows while y > 0, and its square pushes y down.
 * Deterministic: same options, same events.
 */
import type { SessionHeader } from "../../../../shared/header.ts";
import type {
  BatchSharpness,
  DistanceToInit,
  HessianDensity,
  HessianEigenvalues,
  HessianOverlap,
  LineProfile,
  PathMonotonicity,
} from "../../../../shared/readings.ts";
import { isDue, isLogged } from "../../../../shared/schedule.ts";
import { syntheticChannels } from "./descriptors.ts";

export interface SyntheticEvent {
  readonly seq: number;
  readonly channel: string;
  readonly step: number;
  readonly wallTimeMs: number;
  readonly value: unknown;
}

export interface SyntheticSession {
  readonly header: SessionHeader;
  readonly events: readonly SyntheticEvent[];
}

export interface SyntheticOptions {
  readonly id?: string;
  readonly name?: string;
  readonly steps?: number;
  readonly hessianEvery?: number;
  readonly batchSize?: number | "full";
  /** The loss becomes NaN after this step. */
  readonly divergesAt?: number;
  readonly startedAtMs?: number;
}

const ETA = 0.2;
const THRESHOLD = 2 / ETA;
const STEP_MS = 20;
const CLASSES = 10;

/** mulberry32: 32 bits of state, the same sequence everywhere. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function syntheticSession(options: SyntheticOptions = {}): SyntheticSession {
  const steps = options.steps ?? 1500;
  const hessianEvery = options.hessianEvery ?? 30;
  const startedAtMs = options.startedAtMs ?? 1_780_000_000_000;
  const fullBatch = (options.batchSize ?? "full") === "full";
  const next = random(7);
  const noise = () => next() + next() + next() - 1.5;
  const events: SyntheticEvent[] = [];
  let wallTimeMs = startedAtMs;
  const emit = (channel: string, step: number, value: unknown) =>
    events.push({
      seq: events.length,
      channel,
      step,
      wallTimeMs: Math.round(wallTimeMs * 1000) / 1000,
      value,
    });
  const status = (
    step: number,
    code: string,
    message: string,
    level: "info" | "warning" | "error" = "info",
  ) => emit("run/status", step, { level, code, message });

  let x = 0.004;
  let y = -2.6;
  let minimum = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  let drawUp = 0;
  let ups = 0;
  let previous = Number.POSITIVE_INFINITY;
  let l2 = 0;
  let pathLength = 0;
  let modeStep = 0;
  status(0, "started", "Training started: 1,000 examples, full batch, η = 0.2");

  for (let step = 0; step <= steps; step++) {
    const diverged = options.divergesAt !== undefined && step > options.divergesAt;
    const t = step / 1500;
    const valley = 0.018 + 0.44 * Math.exp(-step / 55) + 0.05 * Math.exp(-step / 420);
    const wander = fullBatch ? 0 : 0.012 * noise() * Math.sqrt(valley);
    const bounce = fullBatch ? 0.5 * (THRESHOLD + y) * x * x : 0;
    const loss = diverged ? Number.NaN : valley + bounce + wander;
    const due = isDue(step, hessianEvery, steps);

    if (step > 0) {
      const updateNorm = 0.22 * Math.exp(-step / 90) + 0.012 + 2 * Math.abs(x);
      const forward = 0.2 * Math.exp(-step / 90) + 0.0105 * Math.exp(-t);
      l2 += forward;
      pathLength += updateNorm;
      emit("train/loss", step, fullBatch ? previous : previous * (1 + 0.16 * noise()));
      emit("train/learning-rate", step, ETA);
      emit("train/gradient-norm", step, updateNorm / ETA);
      emit("train/update-norm", step, updateNorm);
    }
    if (diverged) {
      status(
        step,
        "diverged",
        `Diverged at step ${step}: the loss is NaN. The last finite θ is kept`,
        "error",
      );
      break;
    }
    emit("path/loss", step, loss);
    if (step > 0 && loss > previous) ups += 1;
    drawUp = Math.max(drawUp, loss - Math.min(minimum, loss));
    minimum = Math.min(minimum, loss);
    highest = Math.max(highest, loss);
    const path: PathMonotonicity = {
      excess: loss - minimum,
      drawUp,
      upFraction: step === 0 ? 0 : ups / step,
      every: 1,
      populationDrawUp: fullBatch ? null : Math.max(0, drawUp - 0.004),
      pairedStdErr: 0.002,
    };
    emit("path/monotonicity", step, path);
    emit("path/top-mode", step, { projection: x, modeStep, referenceStep: modeStep });
    const distance: DistanceToInit = {
      l2,
      relative: l2 / 14.2,
      pathLength,
      straightness: pathLength === 0 ? 1 : l2 / pathLength,
      perLayer: [0.82 * l2, 0.1 * l2, 0.5 * l2, 0.06 * l2],
      rotation: [0.09 * t, Number.NaN, 0.21 * t, Number.NaN],
    };
    emit("distance/to-init", step, distance);
    if (due) {
      emit("hessian/eigenvalues", step, eigenvalues(step, y, loss, l2, fullBatch, noise));
      if (!fullBatch) emit("hessian/batch-sharpness", step, batchSharpness(step, noise));
      emit("gradient/top-subspace", step, {
        share: 0.98 - 0.55 * Math.exp(-step / 200),
        control: 0.0004,
        k: 9,
        converged: 9,
      });
      emit("hessian/overlap", step, subspaceOverlap(step, modeStep));
      emit("sharpness/sam", step, { value: 0.002 + 0.001 * (10 + y), rho: 0.05, loss, gradientNorm: 0.1 });
      emit("line/profile", step, profile(loss, step === steps, step > 0, fullBatch));
      modeStep = step;
    }
    if (isLogged(step, 500, steps)) {
      emit("hessian/density", step, density(step, y));
      emit("hessian/per-layer", step, {
        layers: [0.72, 0.31].map((share, index) => ({
          layer: ["dense", "dense_1"][index],
          value: share * (THRESHOLD + y),
          residual: 3e-3,
          converged: true,
        })),
        n: 1000,
        hvps: 21,
      });
      emit("gauss-newton/eigenvalues", step, {
        top: [{ value: 0.99 * (THRESHOLD + y), residual: 4e-3, converged: true }],
        n: 1000,
        products: 11,
      });
    }
    if (isDue(step, 50, steps)) {
      emit("eval/test-loss", step, 0.046 + 0.41 * Math.exp(-step / 60) + 0.03 * Math.exp(-step / 350));
      emit("eval/test-accuracy", step, 0.905 - 0.82 * Math.exp(-step / 60));
    }
    if (step % 50 === 49) {
      emit("run/overhead", step, {
        total: 0.031 + 0.004 * noise(),
        interval: [0.021, 0.042],
        stepsPerSecond: 1000 / STEP_MS + noise(),
        bareStepMs: 19.4,
        perStream: { "hessian/eigenvalues": 0.61, "line/profile": 0.12, "path/monotonicity": 0.01 },
      });
    }
    // Progressive sharpening until the threshold; then x² does what the step size cannot.
    const drive = 0.0085 * Math.exp(-t * 0.9);
    const nextX = -(1 + ETA * y) * x * 0.985 + 0.0009 * noise();
    y = y + drive - 2.2 * x * x * (y > -1.5 ? 1 : 0);
    x = Math.max(-0.16, Math.min(0.16, nextX));
    previous = loss;
    wallTimeMs += STEP_MS + noise();
  }
  if (options.divergesAt === undefined)
    status(steps, "finished", `Finished: ${steps.toLocaleString("en")} steps`);
  return { header: header(options, steps, hessianEvery, startedAtMs, fullBatch), events };
}

function eigenvalues(
  step: number,
  y: number,
  loss: number,
  l2: number,
  fullBatch: boolean,
  noise: () => number,
): HessianEigenvalues {
  const first = fullBatch ? THRESHOLD + y : 3.4 + 2.2 * (1 - Math.exp(-step / 300));
  const top = Array.from({ length: CLASSES + 2 }, (_, index) => ({
    value: index === 0 ? first : first * (0.78 * 0.83 ** (index - 1)) * (1 + 0.02 * noise()),
    residual: 2e-4 * first * (1 + index),
    converged: index < CLASSES + 1 || step % 90 !== 0,
  }));
  return {
    top,
    bottom: [
      { value: -0.12 - 0.2 * Math.exp(-step / 200), residual: 2e-4, converged: true },
      { value: -0.09 - 0.15 * Math.exp(-step / 200), residual: 3e-4, converged: true },
    ],
    threshold: THRESHOLD,
    rule: fullBatch ? "gd" : "full-batch-bound",
    ratio: first / THRESHOLD,
    eta: ETA,
    n: 1000,
    loss,
    thetaNorm: 14.2 + 0.1 * l2,
    hvps: 38,
    coldGap: step % 300 === 0 ? 3e-6 : null,
    probeStdErr: null,
  };
}

function batchSharpness(step: number, noise: () => number): BatchSharpness {
  const value = THRESHOLD * (0.72 + 0.3 * (1 - Math.exp(-step / 260))) + 0.25 * noise();
  return { value, stdErr: 0.32, batches: 10, threshold: THRESHOLD, ratio: value / THRESHOLD };
}

/** A bulk at zero and ten hills of single eigenvalues. */
function density(step: number, y: number): HessianDensity {
  const first = THRESHOLD + y;
  const kernelWidth = 0.01 * first;
  const lambda = Array.from({ length: 161 }, (_, i) => -0.1 * first + (1.2 * first * i) / 160);
  const hill = (at: number, centre: number, width = kernelWidth) =>
    Math.exp(-0.5 * ((at - centre) / width) ** 2) / (width * Math.sqrt(2 * Math.PI));
  const outliers = Array.from({ length: CLASSES }, (_, i) => first * (1 - 0.06 * i));
  return {
    lambda,
    density: lambda.map(
      (at) =>
        hill(at, 0) +
        0.01 * hill(at, 0.08 * first, 3 * kernelWidth) +
        outliers.reduce((sum, centre) => sum + hill(at, centre), 0) / 79_510,
    ),
    kernelWidth,
    trace: 480 + 0.2 * step,
    traceStdErr: 21,
    nearZeroFraction: 0.98,
    nearZeroStdErr: 4e-4,
    nearZeroBounds: [0.976, 0.984],
    nearZeroBelow: 0.01 * first,
    negativeMass: 0.004,
    negativeBounds: [0.003, 0.005],
    outliers: { count: CLASSES, lowest: 0.46 * first, gap: 2.1, secondGap: 1.2, among: CLASSES + 1 },
    probes: 4,
    lanczosSteps: 24,
    n: 1000,
    hvps: 96,
  };
}

function subspaceOverlap(step: number, previousStep: number): HessianOverlap {
  const since = (from: number) => ({ step: from, overlap: 0.45 + 0.55 * Math.exp((from - step) / 600) });
  return {
    k: 9,
    converged: 9,
    control: 9 / 79_510,
    previous: step === 0 ? null : since(previousStep),
    references: [0, 16, 128, 1024].filter((from) => from < step).map(since),
  };
}

function profile(loss: number, carriesVerdict: boolean, moved: boolean, fullBatch: boolean): LineProfile {
  const points = carriesVerdict ? 51 : 11;
  const alphas = Array.from({ length: points }, (_, index) => index / (points - 1));
  const start = 0.52;
  const losses = alphas.map((a) => (moved ? loss + (start - loss) * (1 - a) ** 2.1 : start));
  const control = alphas.map(
    (a) => loss + (0.55 - loss) * (1 - a) ** 1.4 + 0.02 * Math.sin(Math.PI * a) ** 2,
  );
  return {
    alphas,
    losses,
    carriesVerdict,
    drawUp: 0,
    plateau: moved ? 0.3 : 0,
    pathSteps: moved ? [1, 4] : [],
    projection: moved ? [0.05, 0.2] : [],
    residual: moved ? [0.04, 0.21] : [],
    noiseFloor: 4e-7,
    pairedStdErr: 0.0016,
    monotoneOnProbe: true,
    monotoneInPopulation: fullBatch ? null : true,
    control: moved ? { losses: control, drawUp: 0.0003, monotoneOnProbe: false } : null,
  };
}

function header(
  options: SyntheticOptions,
  steps: number,
  hessianEvery: number,
  startedAtMs: number,
  fullBatch: boolean,
): SessionHeader {
  const batchSize = options.batchSize ?? "full";
  return {
    formatVersion: 1,
    id: options.id ?? "5e551041".repeat(4),
    name: options.name ?? "edge",
    startedAtMs,
    config: { learningRate: ETA, activation: "tanh", loss: "half-sum-mse", batchSize },
    preset: fullBatch ? "edge" : "sgd-edge",
    task: "mnist",
    seeds: { init: 0, order: 0, probe: 0, vectors: 0 },
    model: {},
    modelSummary: "784-100-10 tanh",
    loss: { name: "half-sum-mse", formula: "½·Σ over outputs (f − y)², mean over examples" },
    parameters: [
      { name: "dense/kernel", layer: "dense", shape: [784, 100], offset: 0 },
      { name: "dense/bias", layer: "dense", shape: [100], offset: 78_400 },
      { name: "dense_1/kernel", layer: "dense_1", shape: [100, 10], offset: 78_500 },
      { name: "dense_1/bias", layer: "dense_1", shape: [10], offset: 79_500 },
    ],
    parameterCount: 79_510,
    probe: {
      dataset: "mnist",
      sha256: "9b1c44e7d02f".padEnd(64, "0"),
      split: "train",
      size: 1000,
      isTrainingSet: fullBatch,
      indices: [],
      preprocessing: "pixels/255 minus the training mean image",
    },
    train: {
      dataset: "mnist",
      size: 1000,
      batchSize: batchSize === "full" ? 1000 : batchSize,
      fullBatch,
      shuffling: fullBatch ? "none" : "each epoch",
      lastBatch: "kept",
    },
    optimizer: {
      name: fullBatch ? "gd" : "sgd",
      learningRate: ETA,
      weightDecay: 0,
      rule: "θ ← θ − η∇L",
    },
    steps,
    schedule: {
      every: { hessian: hessianEvery, line: hessianEvery, path: 1, eval: 50 },
      chosenBy: "measured",
      bestEffort: false,
      costsMs: { hessian: 560, line: 70, path: 2 },
    },
    weightsEvery: 10,
    backend: "wasm",
    selfTest: { backend: "wasm", gradientError: 8.1e-8, hvpError: 2.3e-7, asymmetry: 4e-8, passed: true },
    versions: { thalweg: "0.1.0", node: "20.20.2", tfjs: "4.22.0", cpu: "synthetic" },
    channels: syntheticChannels(hessianEvery, !fullBatch),
  };
}
