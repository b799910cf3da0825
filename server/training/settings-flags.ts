/** Each setting of a run as a flag: one table for the command line, and for naming a setting to whoever got it wrong. */
import type { RunSettings } from "./config.ts";
import { DATASETS } from "./data/load-dataset.ts";

export interface SettingFlag {
  readonly key: keyof RunSettings;
  /** As commander wants it: "--learning-rate <eta>". */
  readonly flags: string;
  readonly help: string;
  /** Completes "expected …". */
  readonly expected: string;
  /** The value that a config file would hold for this argument. Never fails: `parseSettings` judges. */
  read(text: string, previous?: unknown): unknown;
}

const asText = (text: string): unknown => text;
const asNumber = (text: string): unknown => {
  const value = Number(text);
  return text.trim() === "" || Number.isNaN(value) ? text : value;
};
const asSizes = (text: string): unknown => text.split(",").map(asNumber);
const asNames = (text: string): unknown => text.split(",");
const asYes = (): unknown => true;

/** `hessian=25`; given again, the flag adds to what is there. */
const asInterval = (text: string, previous?: unknown): unknown => {
  const at = text.indexOf("=");
  const entry = at < 0 ? { [text]: "" } : { [text.slice(0, at)]: asNumber(text.slice(at + 1)) };
  return { ...(previous as object | undefined), ...entry };
};

const WHOLE = "a whole number > 0";
const SEED = "a whole number";

function flag(
  key: keyof RunSettings,
  argument: string,
  read: SettingFlag["read"],
  expected: string,
  help: string,
): SettingFlag {
  return { key, flags: `--${flagName(key)}${argument === "" ? "" : ` ${argument}`}`, read, expected, help };
}

/** Longer arguments would leave no room for words beside them. */
const MAX_ARGUMENT = 16;

function oneOf(key: keyof RunSettings, names: readonly string[], help: string): SettingFlag {
  const listed = names.join("|");
  const [argument, words] =
    listed.length <= MAX_ARGUMENT ? [listed, help] : ["name", `${names.join(", ")}; ${help}`];
  return flag(key, `<${argument}>`, asText, `one of ${names.join(", ")}`, words);
}

export const SETTING_FLAGS: readonly SettingFlag[] = [
  flag(
    "preset",
    "<name>",
    asText,
    "the name of a preset",
    "start from a calibrated run; other settings go over it",
  ),
  flag("task", "<name>", asText, "the name of a task", "model family and data"),
  flag("dataset", "<name>", asText, DATASETS, `${DATASETS}; see docs/own-data.md`),
  flag(
    "label",
    "<column>",
    asText,
    "the name of a column",
    "of a CSV file: the column to be learned (the last)",
  ),
  oneOf("targets", ["classes", "numbers"], "what that column, or y.npy, holds; without it its values decide"),
  flag(
    "model",
    "<file>",
    asText,
    "a model.json",
    "a tfjs-layers or Keras model and its weights, which are θ₀",
  ),
  flag(
    "redraw",
    "",
    asYes,
    "true or false",
    "draw θ₀ by --init and the seed instead of taking the model file's",
  ),
  flag("trainSize", "<n>", asNumber, WHOLE, "training examples, balanced over the classes"),
  oneOf("center", ["mean", "none"], "subtract the mean of the training examples, or not"),
  flag(
    "hidden",
    "<sizes>",
    asSizes,
    "sizes such as 100 or 200,200",
    "units of each hidden layer: 100 or 200,200",
  ),
  oneOf("activation", ["relu", "tanh", "sigmoid", "gelu"], "of the hidden layers"),
  oneOf("init", ["glorot", "lecun", "he"], "spread of the initial weights"),
  oneOf(
    "loss",
    ["cross-entropy", "mse", "half-sum-mse", "sigmoid-cross-entropy", "huber"],
    "mse averages over outputs, half-sum-mse is ½ of their sum",
  ),
  flag("steps", "<n>", asNumber, "a whole number > 0, at most 4294967295", "updates to make"),
  flag("epochs", "<n>", asNumber, "a number > 0", "passes over the training set, instead of --steps"),
  flag("batchSize", "<n|full>", asNumber, `${WHOLE} or "full"`, "examples of one update"),
  oneOf(
    "optimizer",
    ["gd", "sgd", "momentum", "nesterov", "adam"],
    "gd takes the full batch, sgd minibatches",
  ),
  flag("learningRate", "<eta>", asNumber, "a number > 0", "η"),
  flag("momentum", "<beta>", asNumber, "a number ≥ 0 and < 1", "β of momentum and nesterov"),
  flag("weightDecay", "<lambda>", asNumber, "a number ≥ 0", "λ, added to the gradient as λθ"),
  oneOf("lrSchedule", ["constant", "cosine", "step"], "how η changes over the run"),
  flag("seed", "<n>", asNumber, SEED, "all four seeds that are not given themselves"),
  flag("seedInit", "<n>", asNumber, SEED, "of the initial weights"),
  flag("seedOrder", "<n>", asNumber, SEED, "of the order of minibatches"),
  flag("seedProbe", "<n>", asNumber, SEED, "of the choice of training and probe examples"),
  flag("seedVectors", "<n>", asNumber, SEED, "of the random vectors that measurements start from"),
  flag("probeSize", "<n>", asNumber, WHOLE, "examples on which the landscape is measured"),
  flag(
    "every",
    "<stream=k>",
    asInterval,
    "<stream>=<k> with a whole number k > 0",
    "measure a stream every k steps; may be repeated",
  ),
  flag(
    "without",
    "<stream,…>",
    asNames,
    "names of streams or of their schedules",
    "leave streams out, by name or by what --every calls them",
  ),
  flag(
    "overhead",
    "<percent>",
    asNumber,
    "a number > 0 and < 100",
    "share of training speed that measuring may cost",
  ),
  flag(
    "bestEffort",
    "",
    asYes,
    "true or false",
    "skip a measurement rather than let training wait; skips are announced",
  ),
  oneOf(
    "backend",
    ["auto", "onnx", "tfjs-node", "wasm", "cpu"],
    "what computes; auto takes the first that is installed and passes its self-test",
  ),
  flag("name", "<text>", asText, "a text of at most 120 characters", "how lists call the session"),
  flag(
    "weightsEvery",
    "<k>",
    asNumber,
    WHOLE,
    "record θ every k steps, and at powers of two; k by default as often as --overhead and --recording-budget allow",
  ),
  flag(
    "recordingBudget",
    "<MiB>",
    asNumber,
    "a number > 0",
    "size that a recording stays under where --weights-every is not given",
  ),
  flag(
    "fork",
    "<recording|id>",
    asText,
    "a recording, or the id of a session",
    "go on from a recorded step of another run, see --at-step",
  ),
  flag("atStep", "<n>", asNumber, "a whole number ≥ 0", "the step of --fork that the run begins at"),
];

/** learningRate → learning-rate. */
export function flagName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}
