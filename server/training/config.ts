/** What can be said about a run, and what it means when nothing is said. Flags, config files and HTTP bodies all end here. */
import * as z from "zod/mini";

const LOSSES = ["cross-entropy", "mse", "half-sum-mse", "sigmoid-cross-entropy", "huber"] as const;

const positive = z.int().check(z.positive());

/** Every key a run understands; all optional, over a preset. The CLI's flags are these in kebab case. */
export const RunSettings = z.strictObject({
  preset: z.optional(z.string()),
  task: z.optional(z.string()),
  /** A built-in one, or files: "csv:<file>", "npy:<x>,<y>", "idx:<folder>". */
  dataset: z.optional(z.string()),
  /** Of a CSV file: the column to be learned; without it the last. */
  label: z.optional(z.string()),
  /** Of a CSV or .npy file: what that column or array holds; without it its values decide. */
  targets: z.optional(z.enum(["classes", "numbers"])),
  /** A model.json of tfjs-layers or Keras, with its weights beside it. */
  model: z.optional(z.string()),
  /** θ₀ is drawn by `init` and the init seed, not taken from the model's file. */
  redraw: z.optional(z.boolean()),
  trainSize: z.optional(positive),
  /** Subtract the training mean image. */
  center: z.optional(z.enum(["mean", "none"])),
  hidden: z.optional(z.array(positive)),
  activation: z.optional(z.enum(["relu", "tanh", "sigmoid", "gelu"])),
  init: z.optional(z.enum(["glorot", "lecun", "he"])),
  loss: z.optional(z.enum(LOSSES)),
  steps: z.optional(positive),
  epochs: z.optional(z.number().check(z.positive())),
  batchSize: z.optional(z.union([positive, z.literal("full")])),
  optimizer: z.optional(z.enum(["gd", "sgd", "momentum", "nesterov", "adam"])),
  learningRate: z.optional(z.number().check(z.positive())),
  momentum: z.optional(z.number().check(z.gte(0), z.lt(1))),
  weightDecay: z.optional(z.number().check(z.gte(0))),
  lrSchedule: z.optional(z.enum(["constant", "cosine", "step"])),
  /** Sets all four seeds that are not set themselves. */
  seed: z.optional(z.int()),
  seedInit: z.optional(z.int()),
  seedOrder: z.optional(z.int()),
  seedProbe: z.optional(z.int()),
  seedVectors: z.optional(z.int()),
  probeSize: z.optional(positive),
  /** Interval in steps by schedule key (hessian, path, line, eval, density, …; each stream's file has its own) or stream name. */
  every: z.optional(z.record(z.string(), positive)),
  /** Streams that are not measured, by name or by schedule key. */
  without: z.optional(z.array(z.string().check(z.minLength(1)))),
  /** Share of training speed that measuring may cost, in percent. */
  overhead: z.optional(z.number().check(z.positive(), z.lt(100))),
  bestEffort: z.optional(z.boolean()),
  backend: z.optional(z.enum(["auto", "onnx", "tfjs-node", "wasm", "cpu"])),
  name: z.optional(z.string().check(z.maxLength(120))),
  weightsEvery: z.optional(positive),
  /** In MiB. */
  recordingBudget: z.optional(z.number().check(z.positive())),
  /** A recording, or the id of a session: go on from its step `atStep`, with its settings for those not given here. */
  fork: z.optional(z.string()),
  atStep: z.optional(z.int().check(z.nonnegative())),
});
export type RunSettings = z.infer<typeof RunSettings>;

/** What a module of the user's own decides itself. */
export const SETTLED_BY_MODULE: readonly (keyof RunSettings)[] = [
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

/** Settings with every default resolved: what the header records. */
export interface RunConfig {
  readonly preset: string | null;
  readonly task: string;
  readonly dataset: string;
  /** Of a CSV file; null for the last column. */
  readonly label: string | null;
  /** Of a CSV or .npy file, as its values or the user decided; null for other data. */
  readonly targets: "classes" | "numbers" | null;
  /** Null for a built-in task. */
  readonly model: ModelFile | null;
  readonly redraw: boolean;
  readonly trainSize: number;
  readonly center: "mean" | "none";
  readonly hidden: readonly number[];
  /** null: the model is the user's own, and says itself. */
  readonly activation: "relu" | "tanh" | "sigmoid" | "gelu" | null;
  /** Of a user's own model: of the unrelated start only, θ₀ being what the model holds, unless it is drawn anew. */
  readonly init: "glorot" | "lecun" | "he";
  /** "own": a function that the user's module exports. */
  readonly loss: (typeof LOSSES)[number] | "own";
  readonly steps: number;
  readonly batchSize: number | "full";
  readonly optimizer: "gd" | "sgd" | "momentum" | "nesterov" | "adam";
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly lrSchedule: "constant" | "cosine" | "step";
  readonly seeds: {
    readonly init: number;
    readonly order: number;
    readonly probe: number;
    readonly vectors: number;
  };
  readonly probeSize: number;
  readonly every: Readonly<Record<string, number>>;
  readonly without: readonly string[];
  readonly overhead: number;
  readonly bestEffort: boolean;
  readonly backend: "auto" | "onnx" | "tfjs-node" | "wasm" | "cpu";
  readonly name: string;
  readonly weightsEvery: number | null;
  readonly recordingBudget: number;
}

/** A model from a file: what it was then. */
const ModelFile = z.object({
  file: z.string(),
  /** Of model.json and then its weight files, in the order in which it lists them. */
  sha256: z.string(),
});
export type ModelFile = z.infer<typeof ModelFile>;

/** Of recordings from before there were such settings. */
const UNSAID = { label: null, targets: null, model: null, redraw: false, without: [] } as const;

const Seeds = z.object({ init: z.int(), order: z.int(), probe: z.int(), vectors: z.int() });
/** Null where it means that nothing was said. */
const NULLABLE: readonly string[] = ["preset", "activation", "weightsEvery"];
const RECORDED = [
  ...["preset", "task", "dataset", "trainSize", "center", "hidden", "activation", "init", "loss", "steps"],
  ...[
    "batchSize",
    "optimizer",
    "learningRate",
    "momentum",
    "weightDecay",
    "lrSchedule",
    "probeSize",
    "every",
  ],
] as const;

const Sources = z.object({
  label: z.nullable(z.string()),
  targets: z.nullable(z.enum(["classes", "numbers"])),
  model: z.nullable(ModelFile),
  redraw: z.boolean(),
});

/** A header's configuration, or the first setting in it that is missing or cannot be. */
export function readRunConfig(
  recorded: Readonly<Record<string, unknown>>,
): { readonly ok: true; readonly config: RunConfig } | { readonly ok: false; readonly problem: string } {
  const shape: Readonly<Record<string, z.ZodMiniType>> = RunSettings.shape;
  const wrong = RECORDED.find((key) => {
    const value = recorded[key];
    if ((value === null && NULLABLE.includes(key)) || (key === "loss" && value === "own")) return false;
    return value === undefined || shape[key]?.safeParse(value).success !== true;
  });
  if (wrong !== undefined) return { ok: false, problem: wrong };
  if (!Seeds.safeParse(recorded["seeds"]).success) return { ok: false, problem: "seeds" };
  const whole = { ...UNSAID, ...recorded };
  if (!Sources.safeParse(whole).success) return { ok: false, problem: "model" };
  return { ok: true, config: whole as unknown as RunConfig };
}
