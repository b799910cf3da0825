/** thalweg.v1: every text frame, as a schema. docs/protocol.md is the prose; this is the law. */
import * as z from "zod/mini";
import { EndReason, SessionHeader, SessionState, SessionSummary } from "./header.ts";
import { StreamDescriptor } from "./stream.ts";

export const PROTOCOL = "thalweg.v1";

const u32 = z.int().check(z.nonnegative(), z.lte(0xffff_ffff));
const seq = z.int().check(z.nonnegative());
const request = z.optional(z.string());
const position = z.union([z.strictObject({ seq }), z.strictObject({ step: u32 })]);
export type Position = z.infer<typeof position>;
const speed = z.union([z.literal("asap"), z.number().check(z.positive(), z.lte(1000))]);
/** As fast as the client reads, or a multiple of the speed at which it was recorded. */
export type Speed = z.infer<typeof speed>;
const sessionId = z.string().check(z.maxLength(64));

const actions = {
  pause: { action: z.literal("pause") },
  resume: { action: z.literal("resume") },
  step: { action: z.literal("step") },
  stop: { action: z.literal("stop") },
  set: { action: z.literal("set"), learningRate: z.number().check(z.positive()) },
  /** One of the two is named. */
  measure: {
    action: z.literal("measure"),
    stream: z.optional(z.string().check(z.maxLength(128))),
    experiment: z.optional(z.string().check(z.maxLength(128))),
  },
} as const;

/** What a `control` does. `measure` runs a stream's measurement, or an experiment, at the current step. */
export const ControlAction = z.discriminatedUnion("action", [
  z.strictObject(actions.pause),
  z.strictObject(actions.resume),
  z.strictObject(actions.step),
  z.strictObject(actions.stop),
  z.strictObject(actions.set),
  z.strictObject(actions.measure),
]);
export type ControlAction = z.infer<typeof ControlAction>;

const control = { op: z.literal("control"), session: sessionId, request } as const;

export const ClientMessage = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("list"), request }),
  z.strictObject({ op: z.literal("describe"), session: sessionId, request }),
  z.strictObject({
    op: z.literal("subscribe"),
    id: u32,
    session: sessionId,
    /** Exact names, or globs in which `*` stands for any run of characters. */
    channels: z.array(z.string().check(z.maxLength(128))).check(z.minLength(1), z.maxLength(256)),
    mode: z._default(z.enum(["lossless", "latest"]), "lossless"),
    from: z._default(z.union([z.enum(["start", "now"]), position]), "start"),
    every: z.optional(z.int().check(z.positive())),
    /** With `latest` only. */
    maxHz: z.optional(z.number().check(z.positive(), z.lte(1000))),
    speed: z._default(speed, "asap"),
    allowGap: z._default(z.boolean(), false),
    request,
  }),
  z.strictObject({ op: z.literal("play"), id: u32, request }),
  z.strictObject({ op: z.literal("pause"), id: u32, request }),
  z.strictObject({ op: z.literal("seek"), id: u32, to: position, request }),
  z.strictObject({ op: z.literal("speed"), id: u32, speed, request }),
  /** From the first event held unless `from` says otherwise; `to: null` ends the loop. */
  z.strictObject({
    op: z.literal("loop"),
    id: u32,
    from: z.optional(position),
    to: z.nullable(position),
    request,
  }),
  z.strictObject({ op: z.literal("unsubscribe"), id: u32, request }),
  z.strictObject({ op: z.literal("ping"), t: z.number(), request }),
  z.discriminatedUnion("action", [
    z.strictObject({ ...control, ...actions.pause }),
    z.strictObject({ ...control, ...actions.resume }),
    z.strictObject({ ...control, ...actions.step }),
    z.strictObject({ ...control, ...actions.stop }),
    z.strictObject({ ...control, ...actions.set }),
    z.strictObject({ ...control, ...actions.measure }),
  ]),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;
/** As a client writes it: defaults may be left out. */
export type ClientMessageInput = z.input<typeof ClientMessage>;

export const Scope = z.enum(["read", "control"]);
export type Scope = z.infer<typeof Scope>;

export const Capability = z.enum(["control", "weights", "recording"]);
export type Capability = z.infer<typeof Capability>;

export const WireSample = z.object({
  seq,
  channel: z.string(),
  step: u32,
  wallTimeMs: z.number(),
  value: z.unknown(),
});
export type WireSample = z.infer<typeof WireSample>;

export const GapReason = z.enum(["conflated", "retention", "lost-on-crash", "unrecorded"]);

/** How far a live session's events have come, as seqs; -1: none. */
export const Watermarks = z.object({
  /** Numbered; until it is written, no reader sees it. */
  accepted: z.int(),
  /** Handed to the system: survives the death of this process. What clients see ends here, unless the run goes on unrecorded. */
  written: z.int(),
  /** Survives a power cut, as far as the disk says. */
  durable: z.int(),
});
export type Watermarks = z.infer<typeof Watermarks>;

/** Why a session is not being recorded at present. */
export const Trouble = z.object({
  /** `disk-full`, `disk-error`, … */
  code: z.string(),
  message: z.string(),
  /** Are events kept until the disk takes them? Otherwise they pass unrecorded, or are lost. */
  isKept: z.boolean(),
});
export type Trouble = z.infer<typeof Trouble>;

const description = {
  header: SessionHeader,
  channels: z.array(StreamDescriptor),
  state: SessionState,
  reason: z.nullable(EndReason),
  capabilities: z.array(Capability),
  earliestSeq: seq,
  /** -1 before the first event. */
  headSeq: z.int(),
  /** Of a live session. */
  watermarks: z.optional(Watermarks),
  trouble: z.optional(z.nullable(Trouble)),
} as const;

/** What a session says of itself, to a socket and over HTTP alike. */
export const SessionDescription = z.object(description);
export type SessionDescription = z.infer<typeof SessionDescription>;

export const ServerMessage = z.discriminatedUnion("op", [
  z.object({
    op: z.literal("welcome"),
    protocol: z.literal(PROTOCOL),
    server: z.object({ name: z.string(), version: z.string() }),
    limits: z.object({
      maxFrameBytes: z.int(),
      maxFragments: z.int(),
      maxSubscriptions: z.int(),
      maxErrors: z.int(),
    }),
    scopes: z.array(Scope),
  }),
  z.object({ op: z.literal("sessions"), sessions: z.array(SessionSummary), request }),
  z.object({ op: z.literal("session"), ...description, request }),
  z.object({
    op: z.literal("subscribed"),
    id: u32,
    session: z.string(),
    /** Their index is the channel number in binary frames. */
    channels: z.array(StreamDescriptor),
    firstSeq: seq,
    headSeq: z.int(),
    earliestSeq: seq,
    every: z.nullable(z.int()),
    maxHz: z.nullable(z.number()),
    request,
  }),
  z.object({ op: z.literal("samples"), id: u32, samples: z.array(WireSample) }),
  z.object({
    op: z.literal("gap"),
    id: u32,
    /** The first and the last seq left out; what was sent may lie between. */
    fromSeq: seq,
    toSeq: seq,
    /** Samples left out; with `retention`, at most so many. */
    count: z.int().check(z.positive()),
    reason: GapReason,
  }),
  z.object({ op: z.literal("end"), id: u32, lastSeq: z.int(), reason: EndReason }),
  z.object({
    op: z.literal("state"),
    id: z.optional(u32),
    session: z.optional(z.string()),
    state: z.enum(["running", "paused", "diverged", "ended", "playing"]),
    /** Of a session that cannot be recorded at present; null once it can again. */
    trouble: z.optional(z.nullable(Trouble)),
    /** Of a subscription: the next seq it will send, its speed, and how often it has been sought. */
    seq: z.optional(seq),
    speed: z.optional(speed),
    generation: z.optional(z.int()),
    request,
  }),
  z.object({ op: z.literal("accepted"), request, seq: z.optional(seq), id: z.optional(u32) }),
  z.object({ op: z.literal("pong"), t: z.number(), request }),
  z.object({
    op: z.literal("error"),
    id: z.optional(u32),
    request,
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
  }),
  z.object({ op: z.literal("goodbye"), reason: z.string(), retryAfterMs: z.int() }),
]);
export type ServerMessage = z.infer<typeof ServerMessage>;

/** Close codes of the socket. */
export const CLOSE = {
  policy: 1008,
  tooBig: 1009,
  protocolErrors: 4000,
  authExpired: 4001,
  draining: 4010,
} as const;
