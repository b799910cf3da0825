/** A session's header: everything needed to say what was run, on what, by whom, and to run it again. */
import * as z from "zod/mini";
import { StreamDescriptor } from "./stream.ts";

/** What goes to terminals as it is: without the characters that steer them. */
export function legible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "\ufffd");
}
const Legible = z.string().check(z.overwrite(legible));

/** 1 GiB of θ, of which training holds four in its ring alone: nothing larger has been recorded. */
const MOST_PARAMETERS = 2 ** 28;
/** The end of the year 9999. */
const LAST_TIME_MS = 253_402_300_799_999;

/** One trainable parameter: where it lies in θ. */
export const Parameter = z.object({
  name: z.string(),
  layer: z.string(),
  shape: z.array(z.int().check(z.nonnegative())),
  offset: z.int().check(z.nonnegative()),
});
export type Parameter = z.infer<typeof Parameter>;

/** How many there are; NaN where one does not begin where the one before ends. */
function sizeOf(parameters: readonly Parameter[]): number {
  return parameters.reduce(
    (end, { offset, shape }) => (offset === end ? end + shape.reduce((size, n) => size * n, 1) : Number.NaN),
    0,
  );
}

export const SelfTest = z.object({
  backend: z.string(),
  /** Relative error of gradient and Hessian-vector product on a tiny net against float64. */
  gradientError: z.number(),
  hvpError: z.number(),
  /** |⟨Hv,w⟩ − ⟨v,Hw⟩| / ‖Hv‖‖w‖. */
  asymmetry: z.number(),
  passed: z.boolean(),
});
export type SelfTest = z.infer<typeof SelfTest>;

/** Of a session that goes on from a step of another one. Its θ₀ is that of the first ancestor, in its log as `train/weights` of step 0. */
export const ForkOrigin = z.object({
  /** The parent's id and name. */
  session: z.string().check(z.regex(/^[0-9a-f]{32}$/)),
  name: Legible,
  /** The first step here: θ of the parent after so many updates. */
  step: z.int(),
  /** Of that θ, as float32 little-endian bytes. */
  thetaSha256: z.string(),
  /** Length of the path up to that step, of all ancestors together; null where the parent has not recorded it. */
  pathLength: z.nullable(z.number()),
  /** Settings that are not the parent's, by key of `config`. */
  changed: z.record(z.string(), z.object({ from: z.unknown(), to: z.unknown() })),
});
export type ForkOrigin = z.infer<typeof ForkOrigin>;

export const SessionHeader = z
  .object({
    formatVersion: z.literal(1),
    /** 128 random bits, hex. */
    id: z.string().check(z.regex(/^[0-9a-f]{32}$/)),
    name: Legible,
    startedAtMs: z.number().check(z.gte(0), z.lte(LAST_TIME_MS)),
    /** The whole configuration, every default resolved (server/training/config.ts). */
    config: z.record(z.string(), z.unknown()),
    preset: z.nullable(Legible),
    task: Legible,
    seeds: z.object({ init: z.int(), order: z.int(), probe: z.int(), vectors: z.int() }),
    /** tfjs-layers JSON. */
    model: z.unknown(),
    /** "784-100-10 tanh": for the credibility line. */
    modelSummary: Legible,
    loss: z.object({ name: Legible, formula: Legible }),
    /** One after the other, all of θ. */
    parameters: z.array(Parameter),
    parameterCount: z.int().check(z.gte(0), z.lte(MOST_PARAMETERS)),
    probe: z.object({
      dataset: Legible,
      /** Of the probe's inputs and labels, as float32 and int32 little-endian bytes. */
      sha256: Legible,
      split: Legible,
      size: z.int(),
      /** Is the probe the whole training set, so that gradient descent's loss is the probe's? */
      isTrainingSet: z.boolean(),
      indices: z.array(z.int()),
      preprocessing: z.string(),
    }),
    train: z.object({
      dataset: Legible,
      size: z.int(),
      batchSize: z.int(),
      fullBatch: z.boolean(),
      shuffling: z.string(),
      lastBatch: z.string(),
    }),
    /** All constants; `rule` names the update as a formula. */
    optimizer: z.record(z.string(), z.unknown()),
    steps: z.int(),
    /** Absent where training began at θ₀. */
    fork: z.optional(ForkOrigin),
    schedule: z.object({
      every: z.record(z.string(), z.int()),
      chosenBy: z.enum(["given", "measured"]),
      bestEffort: z.boolean(),
      /** Measured before the first step; the reason for the intervals above. */
      costsMs: z.record(z.string(), z.number()),
    }),
    weightsEvery: z.int(),
    backend: Legible,
    selfTest: SelfTest,
    versions: z.record(Legible, Legible),
    channels: z.array(StreamDescriptor),
  })
  .check(
    z.refine(({ parameters, parameterCount }) => sizeOf(parameters) === parameterCount, {
      path: ["parameters"],
      error: "expected to lie one after the other, and to be as many as parameterCount",
    }),
  );
export type SessionHeader = z.infer<typeof SessionHeader>;

export const SessionState = z.enum(["running", "paused", "diverged", "ended"]);
export type SessionState = z.infer<typeof SessionState>;

export const EndReason = z.enum(["finished", "failed", "stopped", "interrupted"]);
export type EndReason = z.infer<typeof EndReason>;

/** A line of the list of sessions. */
export const SessionSummary = z.object({
  id: z.string(),
  name: z.string(),
  live: z.boolean(),
  state: SessionState,
  reason: z.nullable(EndReason),
  startedAtMs: z.number(),
  preset: z.nullable(z.string()),
  task: z.string(),
  modelSummary: z.string(),
  /** Steps planned, and the newest step in the log (-1 before the first). */
  steps: z.int(),
  step: z.int(),
  headSeq: z.int(),
  earliestSeq: z.int(),
  /** Of a recording that nobody is writing; of all its files, and how many these are. */
  recordingBytes: z.optional(z.int()),
  recordingParts: z.optional(z.int()),
});
export type SessionSummary = z.infer<typeof SessionSummary>;
