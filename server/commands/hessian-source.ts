/** Which θ `thalweg hessian` looks at, and the run that it belongs to. */
import { extname } from "node:path";
import { openBackend } from "../backends/select.ts";
import type { Backend } from "../engine/backend.ts";
import type { OwnLoss } from "../engine/own-loss.ts";
import { openRecording, type RecordedSession } from "../session/recorded-session.ts";
import { createBlueprint } from "../training/blueprint.ts";
import { type RunConfig, type RunSettings, readRunConfig } from "../training/config.ts";
import { differenceFrom, settingsBesideModule } from "../training/fork.ts";
import { lookAtFiles } from "../training/look-at-files.ts";
import { learningRateShare } from "../training/optimizers/learning-rate.ts";
import { importOwn, loadOwnRun } from "../training/own-module.ts";
import { shown } from "../training/parse-settings.ts";
import { resolveSettings } from "../training/resolve.ts";
import type { Blueprint } from "../training/run.ts";
import { UserError } from "../training/user-error.ts";
import { type FolderFlag, findRecording } from "./find-recording.ts";
import { decimal } from "./quantities.ts";
import { readSettings } from "./server-settings.ts";
import { isWeightFile, readWeightFile } from "./weight-file.ts";

export interface HessianSource {
  /** The file it was found in. */
  readonly path: string;
  readonly blueprint: Blueprint;
  readonly theta: Float32Array;
  /** Null for a file, which does not say. */
  readonly step: number | null;
  /** Of the update that would come next. */
  readonly eta: number;
  readonly backend: Backend;
  /** What the loss "own" stands for. */
  readonly ownLoss: OwnLoss | null;
}

export interface SourceFlags extends FolderFlag {
  readonly step?: string;
  readonly module?: string;
  readonly preset?: string;
  readonly config?: string;
  readonly dataset?: string;
  readonly label?: string;
  readonly loss?: string;
}

const SOURCE_KEYS = ["module", "preset", "config", "dataset", "label", "loss"] as const;

/**
 * @param which  a file of weights, a model.json, or a recording, by its file or the beginning of its id.
 * @throws {UserError} and {RecordingError} for what the user can put right.
 */
export async function openSource(which: string, flags: SourceFlags): Promise<HessianSource> {
  if (isWeightFile(which) || isModelFile(which)) return fromFile(which, flags);
  return fromRecording(await findRecording("hessian", which, flags), flags);
}

function isModelFile(path: string): boolean {
  return extname(path) === ".json";
}

/** θ from a weight file, or from a model.json, which has the network too. */
async function fromFile(path: string, { step, ...flags }: SourceFlags): Promise<HessianSource> {
  if (step !== undefined) throw new UserError("settings", `step: expected none with ${path}, got ${step}`);
  const said = SOURCE_KEYS.filter((key) => flags[key] !== undefined);
  if (said.length === 0) {
    const [expected, what] = isModelFile(path)
      ? ["--dataset, --preset or --config", "which data the model is for"]
      : ["--preset, --config or --module", "which network and which data the weights belong to"];
    throw new UserError("settings", `hessian: expected ${expected} with ${path}: they say ${what}`);
  }
  const { module } = flags;
  const settings = Object.fromEntries(said.filter((key) => key !== "module").map((key) => [key, flags[key]]));
  if (module !== undefined && isModelFile(path))
    throw new UserError(
      "settings",
      `module: expected none with ${path}, which has its own network, got ${module}`,
    );
  const { run } = await readSettings({ ...settings, ...(isModelFile(path) ? { model: path } : {}) });
  const opened = module === undefined ? await openBuiltIn(run) : await openOwn(module, run);
  const { facts, initial, config } = opened.blueprint;
  const theta = isModelFile(path)
    ? initial
    : await readWeightFile(path, facts.parameters, facts.parameterCount);
  return { ...opened, path, theta, step: null, eta: config.learningRate };
}

async function fromRecording(
  path: string,
  { step: asked, module, ...flags }: SourceFlags,
): Promise<HessianSource> {
  const said = SOURCE_KEYS.find((key) => key !== "module" && flags[key] !== undefined);
  if (said !== undefined)
    throw new UserError("settings", `hessian: expected no --${said} with a recording, which has its own`);
  const session = await openRecording(path);
  try {
    const { header } = session;
    if (header.task === "own" && module === undefined)
      throw new UserError(
        "data-absent",
        `${path}: expected --module with the module that was trained, because its data (${header.probe.dataset}) are in no recording`,
      );
    if (header.task !== "own" && module !== undefined)
      throw new UserError(
        "settings",
        `module: expected none, because ${header.name} has the built-in task ${header.task}, got ${module}`,
      );
    const step = asked === undefined ? await newestWeights(session) : stepOf(asked);
    const theta = await weightsAt(session, step);
    const read = readRunConfig(header.config);
    if (!read.ok) {
      throw new UserError(
        "header-foreign",
        `${path}: expected a configuration as thalweg writes it, found config.${read.problem} = ${JSON.stringify(header.config[read.problem])}`,
      );
    }
    const run = read.config;
    const opened =
      module === undefined ? await opening(run) : await openOwn(module, settingsBesideModule(run));
    const difference = differenceFrom(header, opened.blueprint);
    if (difference !== null) {
      const { what, expected, got } = difference;
      throw new UserError(
        "data-differ",
        `${module ?? header.probe.dataset}: expected ${what} ${shown(expected)} as recorded, got ${shown(got)}`,
      );
    }
    return { ...opened, path, theta, step, eta: await etaAt(session, run, step) };
  } finally {
    await session.close();
  }
}

function stepOf(text: string): number {
  const step = decimal(text);
  if (Number.isSafeInteger(step) && step >= 0) return step;
  throw new UserError("settings", `step: expected a whole number ≥ 0, got ${JSON.stringify(text)}`);
}

async function newestWeights(session: RecordedSession): Promise<number> {
  const last = Math.max(0, session.status.step);
  const found = await session.weights(last);
  return found.found ? last : (found.nearest.at(-1) ?? last);
}

async function weightsAt(session: RecordedSession, step: number): Promise<Float32Array> {
  const found = await session.weights(step);
  if (found.found) return found.theta;
  const nearest =
    found.nearest.length === 0
      ? "none are"
      : `the nearest ${found.nearest.length === 1 ? "is" : "are"} ${found.nearest.join(" and ")}`;
  throw new UserError(
    "not-recorded",
    `step: expected a step whose weights are recorded, got ${step}; ${nearest}`,
  );
}

/** As it was recorded for the update after this step; of the last step, which makes none, that of the one before. */
async function etaAt(session: RecordedSession, { learningRate, lrSchedule, steps }: RunConfig, step: number) {
  let eta = learningRate * learningRateShare(lrSchedule, step, steps);
  const channel = session.header.channels.findIndex(({ name }) => name === "train/learning-rate");
  const cursor = session.cursor({ channels: new Set([channel]), from: 0 });
  while (cursor.position <= session.status.headSeq) {
    for (const event of await cursor.read({ maxEvents: 4096, maxBytes: 2 ** 20 }))
      if (event.step <= step + 1) eta = Number(event.json);
  }
  cursor.close();
  return eta;
}

type Opened = Pick<HessianSource, "blueprint" | "backend" | "ownLoss">;

async function opening(config: RunConfig): Promise<Opened> {
  const backend = await openBackend(config.backend, { allowNative: true });
  return { blueprint: await createBlueprint(config), backend, ownLoss: null };
}

async function openBuiltIn(settings: RunSettings): Promise<Opened> {
  const resolved = resolveSettings(settings, await lookAtFiles(settings));
  if (!resolved.ok) throw new UserError("settings", resolved.problems.join("\n"));
  return opening(resolved.config);
}

async function openOwn(module: string, settings: RunSettings): Promise<Opened> {
  const backend = await openBackend(settings.backend ?? "auto", { allowNative: true });
  const blueprint = await loadOwnRun(module, settings);
  return { blueprint, backend, ownLoss: await importOwn(blueprint.module) };
}
