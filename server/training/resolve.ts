/** From what was said about a run to everything about it: preset, then settings over it, then what follows from them. */
import type { RunConfig, RunSettings } from "./config.ts";
import { nearestName } from "./nearest-name.ts";
import { shown } from "./parse-settings.ts";
import { PRESETS, type Preset, presetNamed } from "./presets.ts";
import { flagName } from "./settings-flags.ts";
import { TASKS, taskNamed } from "./tasks/index.ts";

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

export function resolveSettings(settings: RunSettings): ResolvedSettings {
  const problems: string[] = [];
  for (const key of ["fork", "atStep"] as const) {
    if (settings[key] === undefined) continue;
    const meant = key === "fork" ? "none here" : "fork beside it";
    problems.push(`${flagName(key)}: expected ${meant}, got ${shown(settings[key])}`);
  }
  const preset = presetFor(settings, problems);
  if (preset === null) return { ok: false, problems };
  const task = taskNamed(preset.settings.task);
  const all = { ...preset.settings, ...withoutUndefined(settings) };
  // One interval given is no reason to forget those of the others.
  const every = { ...preset.settings.every, ...settings.every };
  if (task !== undefined && !task.accepts(all.dataset ?? "")) {
    problems.push(`dataset: expected ${task.datasets} for task ${task.name}, got ${shown(all.dataset)}`);
  }
  const config = resolveOver({ ...all, every }, settings, preset.name, problems);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config };
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
    overhead: all.overhead ?? 5,
    bestEffort: all.bestEffort ?? false,
    backend: all.backend ?? "auto",
    name: all.name ?? preset ?? all.task ?? "own",
    weightsEvery,
    recordingBudget: all.recordingBudget ?? 128,
  };
}

function presetFor(settings: RunSettings, problems: string[]): Preset | null {
  if (settings.preset !== undefined) {
    const preset = presetNamed(settings.preset);
    if (preset === undefined) problems.push(unknownName("preset", settings.preset, PRESETS));
    else if (settings.task !== undefined && settings.task !== preset.settings.task) {
      problems.push(
        `task: expected ${preset.settings.task} for preset ${preset.name}, got ${shown(settings.task)}`,
      );
    } else return preset;
    return null;
  }
  const dataset = settings.dataset;
  const task =
    settings.task === undefined
      ? (TASKS.find((each) => dataset !== undefined && each.accepts(dataset)) ?? TASKS[0])
      : taskNamed(settings.task);
  if (task === undefined) {
    problems.push(unknownName("task", settings.task ?? "", TASKS));
    return null;
  }
  return presetNamed(task.defaultPreset) ?? null;
}

function unknownName(kind: string, got: string, known: readonly { readonly name: string }[]): string {
  const names = known.map((each) => each.name);
  const meant = nearestName(got, names);
  const hint = meant === null ? "" : `; did you mean ${meant}?`;
  return `${kind}: expected one of ${names.join(", ")}, got ${shown(got)}${hint}`;
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
