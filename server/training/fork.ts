/** A run that goes on from a step of another: which settings may differ, and how it takes over θ, θ₀ and the optimizer's memory. */
import type { ForkOrigin, SessionHeader } from "../../shared/header.ts";
import { type RunConfig, type RunSettings, SETTLED_BY_MODULE } from "./config.ts";
import { sharedFloats } from "./data/examples.ts";
import { createOptimizer } from "./optimizers/index.ts";
import { shown } from "./parse-settings.ts";
import { resolveOver } from "./resolve.ts";
import type { Blueprint } from "./run.ts";
import { flagName } from "./settings-flags.ts";
import { encodeTrainingState, type TrainingPosition } from "./training-state.ts";
import { UserError } from "./user-error.ts";

/** As plain data, for the thread that trains. */
export interface Fork {
  readonly origin: ForkOrigin;
  /** θ_n and θ₀ of the parent. */
  readonly theta: Float32Array;
  readonly initial: Float32Array;
  readonly position: TrainingPosition;
  /** What must be the same: a fork on other data or another network would be no fork. */
  readonly parent: Pick<SessionHeader, "parameters" | "loss" | "probe" | "train">;
}

/** What decides where training goes from θ_n, and what is measured there. The rest (model, data, loss, seeds, probe) is the parent's. */
const FREE: readonly (keyof RunSettings)[] = [
  ...(["steps", "epochs", "batchSize", "optimizer", "learningRate", "momentum", "weightDecay"] as const),
  ...(["lrSchedule", "every", "without", "overhead", "bestEffort", "backend", "name"] as const),
  ...(["weightsEvery", "recordingBudget"] as const),
];

/**
 * The parent's settings with what was given over them.
 * @param measured  the parent's intervals, chosen or given: a fork keeps them, so that the two can be compared.
 * @throws {UserError} `settings` with one line for each problem.
 */
export function forkConfig(
  parent: RunConfig,
  measured: Pick<SessionHeader, "schedule" | "weightsEvery">,
  position: TrainingPosition,
  given: RunSettings,
): RunConfig {
  const { weights: _weights, ...intervals } = measured.schedule.every;
  const inherited: RunSettings = {
    ...settingsOf(parent),
    name: `${parent.name.replace(/ from step \d+$/, "")} from step ${position.step}`,
    learningRate: position.learningRate,
    every: { ...intervals, ...parent.every },
    weightsEvery: measured.weightsEvery,
  };
  const told = Object.entries(given).filter(
    ([key, value]) => !isSame(value, inherited[key as keyof RunSettings]),
  );
  const problems = told
    .filter(([key]) => !FREE.includes(key as keyof RunSettings))
    .map(([key, value]) => refusal(key as keyof RunSettings, value, inherited));
  const changes: RunSettings = Object.fromEntries(told);
  const every = { ...inherited.every, ...changes.every };
  const all = { ...inherited, ...changes, every };
  const { model, targets, loss } = parent;
  const config = { ...resolveOver(all, changes, parent.preset, problems), model, targets, loss };
  if (config.steps <= position.step) {
    problems.push(
      `steps: expected more than the ${position.step} that the fork begins after, got ${config.steps}`,
    );
  }
  problems.push(...memoryProblems(config, parent, position));
  if (problems.length > 0) throw new UserError("settings", problems.join("\n"));
  return config;
}

function refusal(key: keyof RunSettings, value: unknown, inherited: RunSettings): string {
  const is = inherited[key];
  const expected = is === undefined ? "none with a fork" : `the ${shown(is)} of the run that is forked`;
  return `${flagName(key)}: expected ${expected}, got ${shown(value)} (a fork keeps model, data, loss, probe and seeds)`;
}

/** Another rule may take over what the recorded one remembers, or forget it; it cannot invent a memory. */
function memoryProblems(config: RunConfig, parent: RunConfig, { slots }: TrainingPosition): string[] {
  const wanted = Object.keys(createOptimizer(config, 0).slots);
  if (wanted.every((name) => name in slots)) return [];
  return [
    `optimizer: expected one that needs no more than ${parent.optimizer} remembers, got ${config.optimizer}, which needs ${wanted.join(" and ")}`,
  ];
}

/** A configuration as the settings that lead to it. */
export function settingsOf(config: RunConfig): RunSettings {
  const { seeds, activation, weightsEvery, preset, label, targets, model, loss, ...rest } = config;
  return {
    ...rest,
    // One of the user's own is a function of the module's.
    ...(loss === "own" ? {} : { loss }),
    hidden: [...rest.hidden],
    without: [...rest.without],
    ...(preset === null ? {} : { preset }),
    ...(activation === null ? {} : { activation }),
    ...(weightsEvery === null ? {} : { weightsEvery }),
    ...(label === null ? {} : { label }),
    ...(targets === null ? {} : { targets }),
    ...(model === null ? {} : { model: model.file }),
    seedInit: seeds.init,
    seedOrder: seeds.order,
    seedProbe: seeds.probe,
    seedVectors: seeds.vectors,
  };
}

/** The settings beside a module of one's own that make it this run again. */
export function settingsBesideModule(config: RunConfig): RunSettings {
  const hasMomentum = config.optimizer === "momentum" || config.optimizer === "nesterov";
  return Object.fromEntries(
    Object.entries(settingsOf(config)).filter(
      ([key]) => !SETTLED_BY_MODULE.includes(key as keyof RunSettings) && (key !== "momentum" || hasMomentum),
    ),
  );
}

/** What of a configuration is not the parent's, for the header. */
export function changesOf(config: RunConfig, parent: RunConfig): ForkOrigin["changed"] {
  const [before, after] = [settingsOf(parent), settingsOf(config)];
  const changed = FREE.filter(
    (key) => !["every", "without", "weightsEvery", "name"].includes(key) && !isSame(before[key], after[key]),
  );
  return Object.fromEntries(
    changed.map((key) => [key, { from: before[key] ?? null, to: after[key] ?? null }]),
  );
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * The blueprint as the fork needs it: its θ₀ is the parent's.
 * @throws {UserError} `fork-differs` when network or data are not those that the parent was trained with.
 */
export function forkedBlueprint(blueprint: Blueprint, { origin, initial, parent }: Fork): Blueprint {
  const difference = differenceFrom(parent, blueprint);
  if (difference !== null) {
    const { what, expected, got } = difference;
    throw new UserError(
      "fork-differs",
      `fork: expected ${what} ${shown(expected)} as in ${origin.name}, got ${shown(got)}`,
    );
  }
  const shared = sharedFloats(initial.length);
  shared.set(initial);
  return { ...blueprint, facts: { ...blueprint.facts, fork: origin }, initial: shared };
}

/** Where network, loss or data are not those of a recorded run. */
export function differenceFrom(
  recorded: Fork["parent"],
  { facts, train }: Blueprint,
): { readonly what: string; readonly expected: unknown; readonly got: unknown } | null {
  const shapes = ({ parameters }: Pick<SessionHeader, "parameters">) =>
    parameters.map(({ shape, offset }) => [offset, ...shape]);
  const compared: [what: string, expected: unknown, got: unknown][] = [
    ["parameters of the shapes", shapes(recorded), shapes(facts)],
    ["the loss", recorded.loss.formula, facts.loss.formula],
    ["as many training examples,", recorded.train.size, train.size],
    [`data of ${recorded.probe.dataset} with sha256`, recorded.probe.sha256, facts.probe.sha256],
  ];
  const found = compared.find(([, expected, got]) => !isSame(expected, got));
  return found === undefined ? null : { what: found[0], expected: found[1], got: found[2] };
}

/** Where the loop begins. */
export function resumptionOf({ theta, position }: Fork, { learningRate }: RunConfig) {
  return { theta, state: encodeTrainingState({ ...position, learningRate }) };
}
