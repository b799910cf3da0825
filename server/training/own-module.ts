/** A run of the user's own: a module that exports model, data and loss. */
import { basename } from "node:path";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { parametersOf } from "../engine/compile.ts";
import { assembleBlueprint } from "./assemble-blueprint.ts";
import type { RunSettings } from "./config.ts";
import { importModule } from "./import-module.ts";
import { modelSummary } from "./model-summary.ts";
import { nearestName } from "./nearest-name.ts";
import { DataProblem, isRecord, kind, readOwnExamples } from "./own-data.ts";
import { gatherStream, streamedFrom } from "./own-stream.ts";
import { parseSettings } from "./parse-settings.ts";
import { resolveOver } from "./resolve.ts";
import type { Blueprint, Examples } from "./run.ts";
import { flagName } from "./settings-flags.ts";
import { updateDefaults } from "./update-defaults.ts";
import { UserError } from "./user-error.ts";

type Exports = Readonly<Record<string, unknown>>;

const EXPORTS = ["model", "data", "loss", "optimizer", "settings", "name"];

/** What the module itself decides. */
const SETTLED: readonly (keyof RunSettings)[] = [
  "preset",
  "task",
  "dataset",
  "label",
  "targets",
  "model",
  "redraw",
  "trainSize",
  "center",
  "hidden",
  "activation",
];

const OPTIMIZER_KEYS: Readonly<Record<string, keyof RunSettings>> = {
  name: "optimizer",
  learningRate: "learningRate",
  momentum: "momentum",
  weightDecay: "weightDecay",
  lrSchedule: "lrSchedule",
  batchSize: "batchSize",
};

/**
 * Imports the module and checks all that it exports. Needs an initialised tfjs backend; what the module made stays the module's.
 * θ₀ is what the model holds. Settings given go over the module's `settings` and `optimizer`.
 * @throws {UserError} `module-missing`, `module-failed`, `module-foreign`, `settings`, and those of the engine for a layer without rules.
 */
export async function loadOwnRun(path: string, given: RunSettings): Promise<Blueprint> {
  const file = basename(path);
  const problem = (message: string) => new UserError("module-foreign", `${file}: ${message}`);
  const exports = await importModule(path);
  for (const key of Object.keys(exports)) {
    const meant = EXPORTS.includes(key) ? null : nearestName(key, EXPORTS);
    if (meant !== null && exports[meant] === undefined) {
      throw problem(`${key}: unknown export; did you mean ${meant}?`);
    }
  }
  const model = exports["model"];
  if (!isModel(model)) throw problem(`model: expected a tfjs-layers model, got ${kind(model)}`);
  const inputShape = (model.inputs?.[0]?.shape ?? []).slice(1);
  const outputs = (model.outputs?.[0]?.shape ?? []).at(-1);
  if (inputShape.length === 0 || inputShape.includes(null) || typeof outputs !== "number") {
    throw problem("model: expected an inputShape of known sizes on its first layer, got none");
  }
  const shape = inputShape.map((size) => size ?? 0);
  const data = exports["data"];
  if (!isRecord(data)) throw problem(`data: expected { train, test? }, got ${kind(data)}`);

  try {
    const train = await examplesFrom(data["train"], "data.train", shape, outputs);
    const test =
      data["test"] === undefined ? null : await examplesFrom(data["test"], "data.test", shape, outputs);
    const config = ownConfig(exports, given, { file, trainSize: train.size });
    return assembleBlueprint({
      config,
      model,
      modelSummary: modelSummary(model),
      initial: (compiled) => parametersOf(model, compiled),
      train,
      test,
      sourceRows: null,
      preprocessing: `as ${file} exports it`,
    });
  } catch (cause) {
    if (cause instanceof DataProblem) throw problem(cause.message);
    if (cause instanceof UserError && cause.code !== "settings") {
      throw new UserError(cause.code, `${file}: ${cause.message}`);
    }
    throw cause;
  }
}

/** All at once, or one after the other; a function is called for either. */
async function examplesFrom(
  value: unknown,
  where: string,
  shape: readonly number[],
  outputs: number,
): Promise<Examples> {
  const given: unknown = await (typeof value === "function" ? value() : value);
  const stream = streamedFrom(given);
  return stream === null
    ? readOwnExamples(given, where, shape, outputs)
    : gatherStream(stream, where, shape, outputs);
}

function ownConfig(
  exports: Exports,
  given: RunSettings,
  { file, trainSize }: { readonly file: string; readonly trainSize: number },
) {
  const own = { ...checked(exports["settings"], `${file}: settings`), ...optimizerSettings(exports, file) };
  const refused = SETTLED.filter((key) => given[key] !== undefined || own[key] !== undefined);
  if (refused.length > 0) {
    const names = refused.map(flagName).join(", ");
    throw new UserError("settings", `${names}: expected none, because ${file} decides it`);
  }
  const loss = checked(exports["loss"] === undefined ? {} : { loss: exports["loss"] }, file).loss;
  if (loss === undefined && given.loss === undefined) {
    throw new UserError("module-foreign", `loss: expected the name of a loss, got undefined`);
  }
  const name = typeof exports["name"] === "string" ? exports["name"] : file.replace(/\.[cm]?js$/, "");
  const said: RunSettings = { ...(loss === undefined ? {} : { loss }), ...own, ...given };
  const all: RunSettings = {
    name,
    ...said,
    ...updateDefaults(said, trainSize),
    task: "own",
    dataset: `own:${file}`,
    trainSize,
  };
  const problems: string[] = [];
  const config = resolveOver(all, { ...own, ...given }, null, problems);
  if (problems.length > 0) throw new UserError("settings", problems.join("; "));
  return config;
}

function optimizerSettings(exports: Exports, file: string): RunSettings {
  const optimizer = exports["optimizer"];
  if (optimizer === undefined) return {};
  if (!isRecord(optimizer)) {
    throw new UserError(
      "module-foreign",
      `optimizer: expected an object such as { name: "sgd", learningRate: 0.1 }, got ${kind(optimizer)}`,
    );
  }
  const entries = Object.entries(optimizer).map(([key, value]) => {
    const setting = OPTIMIZER_KEYS[key];
    if (setting !== undefined) return [setting, value];
    const meant = nearestName(key, Object.keys(OPTIMIZER_KEYS));
    throw new UserError(
      "module-foreign",
      `optimizer.${key}: unknown${meant === null ? `; known are ${Object.keys(OPTIMIZER_KEYS).join(", ")}` : `; did you mean ${meant}?`}`,
    );
  });
  return checked(Object.fromEntries(entries), `${file}: optimizer`);
}

function checked(settings: unknown, where: string): RunSettings {
  if (settings === undefined) return {};
  const parsed = parseSettings(settings);
  if (!parsed.ok) throw new UserError("settings", `${where}: ${parsed.problems.join("; ")}`);
  return parsed.settings;
}

/** By shape, not by class: the module's tfjs may be a copy of its own. */
function isModel(value: unknown): value is LayersModel {
  const model = value as Partial<LayersModel> | null | undefined;
  return (
    typeof model === "object" &&
    model !== null &&
    typeof model.toJSON === "function" &&
    Array.isArray(model.layers)
  );
}
