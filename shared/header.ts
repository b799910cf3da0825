/** A session's header: everything needed to say what was run, on what, by whom, and to run it again. */
import * as z from "zod/mini";
import { StreamDescriptor } from "./stream.ts";

/** One trainable parameter: where it lies in θ. */
export const Parameter = z.object({
  name: z.string(),
  layer: z.string(),
  shape: z.array(z.int()),
  offset: z.int(),
});
export type Parameter = z.infer<typeof Parameter>;

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
  name: z.string(),
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

export const SessionHeader = z.object({
  formatVersion: z.literal(1),
  /** 128 random bits, hex. */
  id: z.string().check(z.regex(/^[0-9a-f]{32}$/)),
  name: z.string(),
  startedAtMs: z.number(),
  /** The whole configuration, every default resolved (server/training/config.ts). */
  config: z.record(z.string(), z.unknown()),
  preset: z.nullable(z.string()),
  task: z.string(),
  seeds: z.object({ init: z.int(), order: z.int(), probe: z.int(), vectors: z.int() }),
  /** tfjs-layers JSON. */
  model: z.unknown(),
  /** "784-100-10 tanh": for the credibility line. */
  modelSummary: z.string(),
  loss: z.object({ name: z.string(), formula: z.string() }),
  parameters: z.array(Parameter),
  parameterCount: z.int(),
  probe: z.object({
    dataset: z.string(),
    /** Of the probe's inputs and labels, as float32 and int32 little-endian bytes. */
    sha256: z.string(),
    split: z.string(),
    size: z.int(),
    /** Is the probe the whole training set, so that gradient descent's loss is the probe's? */
    isTrainingSet: z.boolean(),
    indices: z.array(z.int()),
    preprocessing: z.string(),
  }),
  train: z.object({
    dataset: z.string(),
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
  backend: z.string(),
  selfTest: SelfTest,
  versions: z.record(z.string(), z.string()),
  channels: z.array(StreamDescriptor),
});
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
