/** From what was said about a run to everything about it: preset, then settings over it, then what follows from them. */
import { chooseBase } from "./choose-base.ts";
import type { RunConfig, RunSettings } from "./config.ts";
import { isOwnData } from "./data/load-dataset.ts";
import type { FilesFound } from "./look-at-files.ts";
import { shown } from "./parse-settings.ts";
import { flagName } from "./settings-flags.ts";
import { taskNamed } from "./tasks/index.ts";

export type ResolvedSettings =
  | { readonly ok: true; readonly config: RunConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

/** The wire counts steps in a u32. */
const MOST_STEPS = 0xffff_ffff;

/** Up to here a full-batch run is measured on all of its examples; above, and with minibatches, on at most {@link PROBE_SIZE}. */
const FULL_BATCH_PROBE_SIZE = 5000;

/** λ₁ on 2,000 digits is 2–6 % above the population's, with 3–5 % spread. */
const PROBE_SIZE = 2000;

/** Not 0, whose θ₀ happens to be the sharpest of the first fourteen (η·λ₁/2 = 0.99 in preset edge; the others: 0.70–0.83). */
const SEED = 1;

const ADAM_LEARNING_RATE = 0.001;
const MOMENTUM = 0.9;

/** @param found  what the files that settings name have to say; see `lookAtFiles`. */
export function resolveSettings(settings: RunSettings, found: FilesFound | null = null): ResolvedSettings {
  const problems: string[] = [];
  for (const key of ["fork", "atStep"] as const) {
    if (settings[key] === undefined) continue;
    const meant = key === "fork" ? "none here" : "fork beside it";
    problems.push(`${flagName(key)}: expected ${meant}, got ${shown(settings[key])}`);
  }
  const base = chooseBase(settings, found, problems);
  if (base === null) return { ok: false, problems };
  const all = { ...base.settings, ...withoutUndefined(settings), task: base.settings.task };
  // One interval given is no reason to forget those of the others.
  const every = { ...base.settings.every, ...settings.every };
  problems.push(...taskProblems(all), ...dataProblems(settings, all.dataset ?? ""));
  const config = resolveOver({ ...all, every }, settings, base.preset, problems);
  const sources = { targets: found?.data?.targets ?? null, model: found?.model ?? null };
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config: { ...config, ...sources } };
}

/** Does the task take the data, and are the settings that make it this task what they must be? */
function taskProblems(all: RunSettings): string[] {
  const task = taskNamed(all.task ?? "");
  if (task === undefined) return [];
  const problems = Object.entries(task.settled ?? {}).flatMap(([key, only]) => {
    const value = all[key as keyof RunSettings] ?? null;
    if (JSON.stringify(value) === JSON.stringify(only)) return [];
    const expected = only === null ? "none" : String(only);
    return [`${flagName(key)}: expected ${expected} for task ${task.name}, got ${shown(value)}`];
  });
  if (!task.accepts(all.dataset ?? "")) {
    problems.push(`dataset: expected ${task.datasets} for task ${task.name}, got ${shown(all.dataset)}`);
  }
  return problems;
}

/** Settings about files, where there are none such. */
function dataProblems({ label, targets }: RunSettings, dataset: string): string[] {
  return [
    label !== undefined && !dataset.startsWith("csv:")
      ? [`label: expected none for dataset ${dataset}, got ${shown(label)} (CSV files have columns)`]
      : [],
    targets !== undefined && !isOwnData(dataset)
      ? [
          `targets: expected none for dataset ${dataset}, got ${shown(targets)} (CSV and .npy files need it said)`,
        ]
      : [],
  ].flat();
}

/**
 * Everything but the choice of the preset: `all` are the settings with those they go over, `given` the settings alone,
 * because what was said is contradicted, and what was only assumed gives way.
 */
export function resolveOver(
  all: RunSettings,
  given: RunSettings,
  preset: string | null,
  problems: string[],
): RunConfig {
  const trainSize = all.trainSize ?? 1000;
  const optimizer = all.optimizer ?? "gd";
  const batchSize = resolveBatchSize(all.batchSize ?? "full", optimizer, trainSize, problems);
  const isFullBatch = batchSize === "full";
  const probeSize =
    all.probeSize ?? (isFullBatch && trainSize <= FULL_BATCH_PROBE_SIZE ? trainSize : PROBE_SIZE);
  const seed = all.seed ?? SEED;
  const weightsEvery = resolveWeightsEvery(all, problems);
  return {
    preset,
    task: all.task ?? "own",
    dataset: all.dataset ?? "own",
    label: all.label ?? null,
    targets: all.targets ?? null,
    model: null,
    redraw: all.redraw ?? false,
    trainSize,
    center: all.center ?? "none",
    hidden: all.hidden ?? [],
    activation: all.activation ?? null,
    init: all.init ?? "glorot",
    loss: all.loss ?? "cross-entropy",
    steps: resolveSteps(all, given, trainSize, batchSize, problems),
    batchSize,
    optimizer,
    learningRate: resolveLearningRate(all, given, optimizer),
    momentum: resolveMomentum(all, given, optimizer, problems),
    weightDecay: all.weightDecay ?? 0,
    lrSchedule: all.lrSchedule ?? "constant",
    seeds: {
      init: all.seedInit ?? seed,
      order: all.seedOrder ?? seed,
      probe: all.seedProbe ?? seed,
      vectors: all.seedVectors ?? seed,
    },
    probeSize: Math.min(probeSize, trainSize),
    every: all.every ?? {},
    without: all.without ?? [],
    overhead: all.overhead ?? 5,
    bestEffort: all.bestEffort ?? false,
    backend: all.backend ?? "auto",
    name: all.name ?? preset ?? all.task ?? "own",
    weightsEvery,
    recordingBudget: all.recordingBudget ?? 128,
  };
}

function resolveBatchSize(
  size: number | "full",
  optimizer: RunConfig["optimizer"],
  trainSize: number,
  problems: string[],
): number | "full" {
  const isFull = size === "full" || size === trainSize;
  if (optimizer === "gd" && !isFull) {
    problems.push(
      `batch-size: expected full for optimizer gd, got ${size} (with minibatches its name is sgd)`,
    );
  } else if (optimizer === "sgd" && isFull) {
    problems.push(
      `batch-size: expected fewer than the ${trainSize} training examples for optimizer sgd, got ${size} (with the full batch its name is gd)`,
    );
  } else if (!isFull && size > trainSize) {
    problems.push(`batch-size: expected at most the ${trainSize} training examples, got ${size}`);
  }
  return isFull ? "full" : size;
}

function resolveSteps(
  all: RunSettings,
  given: RunSettings,
  trainSize: number,
  batchSize: number | "full",
  problems: string[],
): number {
  if (given.steps !== undefined && given.epochs !== undefined) {
    problems.push(`steps: expected either steps or epochs, got ${given.steps} and ${given.epochs}`);
  }
  const epochs =
    given.steps === undefined
      ? (given.epochs ?? (all.steps === undefined ? all.epochs : undefined))
      : undefined;
  const perEpoch = batchSize === "full" ? 1 : Math.ceil(trainSize / batchSize);
  const steps = epochs === undefined ? (all.steps ?? 1000) : Math.ceil(epochs * perEpoch);
  if (steps > MOST_STEPS) problems.push(`steps: expected at most ${MOST_STEPS}, got ${steps}`);
  return steps;
}

/** An η calibrated for another rule says nothing about Adam's. */
function resolveLearningRate(
  all: RunSettings,
  given: RunSettings,
  optimizer: RunConfig["optimizer"],
): number {
  const isCalibrated = given.learningRate !== undefined || given.optimizer !== "adam";
  const fallback = optimizer === "adam" ? ADAM_LEARNING_RATE : 0.1;
  return isCalibrated ? (all.learningRate ?? fallback) : ADAM_LEARNING_RATE;
}

function resolveMomentum(
  all: RunSettings,
  given: RunSettings,
  optimizer: RunConfig["optimizer"],
  problems: string[],
): number {
  if (optimizer === "momentum" || optimizer === "nesterov") return all.momentum ?? MOMENTUM;
  if (given.momentum !== undefined) {
    problems.push(
      `momentum: expected none for optimizer ${optimizer}, got ${given.momentum} (momentum and nesterov have it)`,
    );
  }
  return 0;
}

/** `--every weights=k` and `--weights-every k` say the same. */
function resolveWeightsEvery(all: RunSettings, problems: string[]): number | null {
  const viaEvery = all.every?.["weights"] ?? all.every?.["train/weights"];
  if (viaEvery !== undefined && all.weightsEvery !== undefined && viaEvery !== all.weightsEvery) {
    problems.push(`weights-every: expected the ${viaEvery} of --every weights, got ${all.weightsEvery}`);
  }
  return all.weightsEvery ?? viaEvery ?? null;
}

/** A key that is there but undefined must not hide the preset's value. */
function withoutUndefined(settings: RunSettings): RunSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
