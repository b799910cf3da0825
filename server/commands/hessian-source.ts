/** Which θ `thalweg hessian` looks at, and the run that it belongs to. */
import { extname } from "node:path";
import { openBackend } from "../backends/select.ts";
import type { Backend } from "../engine/backend.ts";
import { openRecording, type RecordedSession } from "../session/recorded-session.ts";
import { createBlueprint } from "../training/blueprint.ts";
import { type RunConfig, readRunConfig } from "../training/config.ts";
import { lookAtFiles } from "../training/look-at-files.ts";
import { learningRateShare } from "../training/optimizers/learning-rate.ts";
import { resolveSettings } from "../training/resolve.ts";
import type { Blueprint } from "../training/run.ts";
import { UserError } from "../training/user-error.ts";
import { readSettings } from "./server-settings.ts";
import { isWeightFile, readWeightFile } from "./weight-file.ts";

export interface HessianSource {
  readonly blueprint: Blueprint;
  readonly theta: Float32Array;
  /** Null for a file, which does not say. */
  readonly step: number | null;
  /** Of the update that would come next. */
  readonly eta: number;
  readonly backend: Backend;
}

export interface SourceFlags {
  readonly step?: string;
  readonly preset?: string;
  readonly config?: string;
  readonly dataset?: string;
  readonly label?: string;
  readonly loss?: string;
}

const SOURCE_KEYS = ["preset", "config", "dataset", "label", "loss"] as const;

/** @throws {UserError} and {RecordingError} for what the user can put right. */
export async function openSource(path: string, flags: SourceFlags): Promise<HessianSource> {
  return isWeightFile(path) || isModelFile(path) ? fromFile(path, flags) : fromRecording(path, flags);
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
      : ["--preset or --config", "which network and which data the weights belong to"];
    throw new UserError("settings", `hessian: expected ${expected} with ${path}: they say ${what}`);
  }
  const { run } = await readSettings({
    ...Object.fromEntries(said.map((key) => [key, flags[key]])),
    ...(isModelFile(path) ? { model: path } : {}),
  });
  const resolved = resolveSettings(run, await lookAtFiles(run));
  if (!resolved.ok) throw new UserError("settings", resolved.problems.join("\n"));
  const opened = await opening(resolved.config);
  const { parameters, parameterCount } = opened.blueprint.facts;
  const theta = isModelFile(path)
    ? opened.blueprint.initial
    : await readWeightFile(path, parameters, parameterCount);
  return { ...opened, theta, step: null, eta: resolved.config.learningRate };
}

async function fromRecording(path: string, { step: asked, ...flags }: SourceFlags): Promise<HessianSource> {
  const said = SOURCE_KEYS.find((key) => flags[key] !== undefined);
  if (said !== undefined)
    throw new UserError("settings", `hessian: expected no --${said} with a recording, which has its own`);
  const session = await openRecording(path);
  try {
    const { header } = session;
    if (header.task === "own")
      throw new UserError(
        "data-absent",
        `${path}: its data come from a module (${header.probe.dataset}), which a recording does not hold`,
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
    const opened = await opening(run);
    const { sha256 } = opened.blueprint.facts.probe;
    if (sha256 !== header.probe.sha256)
      throw new UserError(
        "data-differ",
        `${header.probe.dataset}: expected the data that were recorded (sha256 ${header.probe.sha256}), found others (${sha256})`,
      );
    return { ...opened, theta, step, eta: await etaAt(session, run, step) };
  } finally {
    await session.close();
  }
}

function stepOf(text: string): number {
  const step = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(step) && step >= 0) return step;
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

async function opening(config: RunConfig): Promise<Pick<HessianSource, "blueprint" | "backend">> {
  const backend = await openBackend(config.backend, { allowNative: true });
  return { blueprint: await createBlueprint(config), backend };
}
