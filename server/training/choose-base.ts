/** What settings go over: a preset, or what data of the user's own suggest. */
import type { RunSettings } from "./config.ts";
import type { FilesFound } from "./look-at-files.ts";
import { nearestName } from "./nearest-name.ts";
import { shown } from "./parse-settings.ts";
import { PRESETS, presetNamed } from "./presets.ts";
import { flagName } from "./settings-flags.ts";
import { TASKS, taskNamed } from "./tasks/index.ts";
import { updateDefaults } from "./update-defaults.ts";

export interface Base {
  readonly preset: string | null;
  readonly settings: RunSettings & { readonly task: string };
}

/** @returns null where there is none; `problems` then say why. */
export function chooseBase(settings: RunSettings, found: FilesFound | null, problems: string[]): Base | null {
  const base =
    settings.model === undefined ? ofTask(settings, found, problems) : ofModel(settings, found, problems);
  if (base === null) return null;
  const trainSize = found?.data?.trainSize;
  return trainSize === undefined ? base : { ...base, settings: { ...base.settings, trainSize } };
}

function ofTask(settings: RunSettings, found: FilesFound | null, problems: string[]): Base | null {
  if (settings.redraw !== undefined)
    problems.push("redraw: expected none without --model, whose weights it is about");
  if (settings.preset !== undefined) return ofPreset(settings, problems);
  const { dataset } = settings;
  const task =
    settings.task === undefined
      ? (TASKS.find((each) => dataset !== undefined && each.accepts(dataset)) ?? TASKS[0])
      : taskNamed(settings.task);
  if (task === undefined) {
    problems.push(unknownName("task", settings.task ?? "", TASKS));
    return null;
  }
  if (task.defaultPreset === null) {
    return {
      preset: null,
      settings: { ...ownDefaults(settings, found), task: task.name, hidden: [32], activation: "tanh" },
    };
  }
  return asBase(task.defaultPreset);
}

function ofPreset({ preset: name, task }: RunSettings, problems: string[]): Base | null {
  const base = asBase(name ?? "");
  if (base === null) problems.push(unknownName("preset", name ?? "", PRESETS));
  else if (task !== undefined && task !== base.settings.task) {
    problems.push(`task: expected ${base.settings.task} for preset ${name}, got ${shown(task)}`);
    return null;
  }
  return base;
}

/** The network is the file's; a preset may still say how it is trained, and on what. */
function ofModel(settings: RunSettings, found: FilesFound | null, problems: string[]): Base | null {
  const said = (["task", "hidden", "activation"] as const).filter((key) => settings[key] !== undefined);
  for (const key of said) {
    problems.push(
      `${flagName(key)}: expected none with --model, which is the network, got ${shown(settings[key])}`,
    );
  }
  const preset = settings.preset === undefined ? null : ofPreset({ preset: settings.preset }, problems);
  if (settings.preset !== undefined && preset === null) return null;
  if (preset === null && settings.dataset === undefined) {
    problems.push("dataset: expected one with --model: what the network is trained and measured on");
  }
  const { hidden: _, activation: __, ...training } = preset?.settings ?? ownDefaults(settings, found);
  return { preset: preset?.preset ?? null, settings: { ...training, task: "model" } };
}

function asBase(name: string): Base | null {
  const preset = presetNamed(name);
  return preset === undefined ? null : { preset: name, settings: preset.settings };
}

function ownDefaults(settings: RunSettings, found: FilesFound | null): RunSettings {
  const trainSize = settings.trainSize ?? found?.data?.trainSize ?? 1000;
  const areNumbers =
    found?.data?.targets === "numbers" || ["gaussian", "teacher-student"].includes(settings.dataset ?? "");
  return {
    center: "none",
    init: "lecun",
    loss: areNumbers ? "half-sum-mse" : "cross-entropy",
    steps: 1000,
    learningRate: 0.1,
    trainSize,
    ...updateDefaults(settings, trainSize),
  };
}

function unknownName(kind: string, got: string, known: readonly { readonly name: string }[]): string {
  const names = known.map((each) => each.name);
  const meant = nearestName(got, names);
  const hint = meant === null ? "" : `; did you mean ${meant}?`;
  return `${kind}: expected one of ${names.join(", ")}, got ${shown(got)}${hint}`;
}
