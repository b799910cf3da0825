/** A stream's passport: all that a program must know to record, list and draw it without knowing it. */
import * as z from "zod/mini";

/**
 * One drawable number (or list of numbers) inside a stream's value.
 * `path` is dotted, "" for a bare number, `*` for every element of a list: "top.*.value", "losses".
 */
export const StreamField = z.object({
  path: z.string(),
  label: z.string(),
  unit: z.string(),
  scale: z.enum(["linear", "log", "symlog"]),
});
export type StreamField = z.infer<typeof StreamField>;

/** When a stream has samples. `every` counts steps. */
export const Cadence = z.discriminatedUnion("kind", [
  /** At every step. */
  z.object({ kind: z.literal("step") }),
  /** At the steps that `shared/schedule.ts` derives from `every` and the last step. */
  z.object({ kind: z.literal("scheduled"), every: z.int().check(z.positive()) }),
  /** At every `every`-th step, step 0 and the last step: too dear to be measured more densely at first. */
  z.object({ kind: z.literal("sparse"), every: z.int().check(z.positive()) }),
  /** At the same steps: a log of something that exists at all steps. `dense`: at every power of two, too, as scheduled streams begin. */
  z.object({
    kind: z.literal("logged"),
    every: z.int().check(z.positive()),
    dense: z.optional(z.boolean()),
  }),
  /** When something happens. */
  z.object({ kind: z.literal("event") }),
  /** By the clock. */
  z.object({ kind: z.literal("interval"), everyMs: z.number() }),
]);
export type Cadence = z.infer<typeof Cadence>;

export const StreamDescriptor = z.object({
  /** "hessian/eigenvalues": lower case, one slash; recordings refer to it for ever. */
  name: z.string().check(z.regex(/^[a-z][a-z-]*\/[a-z][a-z-]*$/)),
  title: z.string(),
  /** What it is, in two sentences at most, for somebody who meets it here first. */
  about: z.string(),
  /** Paper and arXiv id. */
  source: z.optional(z.string()),
  unit: z.string(),
  encoding: z.enum(["json", "f32", "bytes"]),
  /** A glob never matches a heavy channel: it must be named. */
  heavy: z.boolean(),
  /** Which data the number is computed on. */
  on: z.enum(["minibatch", "probe", "test", "theta", "run"]),
  /** What a producer must have: the trainer itself, θ alone, or θ and the objective. */
  needs: z.enum(["trainer", "theta", "objective"]),
  cadence: Cadence,
  fields: z.array(StreamField),
});
export type StreamDescriptor = z.infer<typeof StreamDescriptor>;

/** One value of a stream at one step. θ_t, after t updates, is what a sample at step t describes. */
export interface Sample<V = unknown> {
  readonly channel: string;
  readonly step: number;
  readonly value: V;
}
