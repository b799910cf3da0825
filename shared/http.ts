/**
 * The protocol's HTTP half: every route, what it takes, what it answers. server/gateway serves from this table, `/v1/openapi.json` is
 * made of it, and docs/protocol.md is held to it by a test.
 */
import * as z from "zod/mini";
import { SessionSummary } from "./header.ts";
import { type Scope, SessionDescription, WireSample } from "./protocol.ts";

/** Samples on a page, unless the query says otherwise, and at most. */
export const PAGE_SAMPLES = 1_000;
export const MAX_PAGE_SAMPLES = 100_000;

/** Every error that the gateway itself answers with, and its status. A run that cannot be has codes of its own, all of them 400. */
export const HTTP_ERRORS = {
  "bad-query": 400,
  "bad-json": 400,
  "bad-request": 400,
  "binary-channel": 400,
  settings: 400,
  subprotocol: 400,
  unauthorized: 401,
  "launch-code": 401,
  "origin-not-allowed": 403,
  forbidden: 403,
  "not-found": 404,
  "unknown-session": 404,
  "unknown-channel": 404,
  "not-recorded": 404,
  "no-recording": 404,
  diverged: 409,
  busy: 409,
  retention: 410,
  "too-large": 413,
  "unsupported-media-type": 415,
  range: 416,
  "host-not-allowed": 421,
  "upgrade-required": 426,
  internal: 500,
  draining: 503,
  "too-many-connections": 503,
} as const satisfies Record<string, number>;
export type HttpErrorCode = keyof typeof HTTP_ERRORS;

export const ErrorBody = z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string() }) });

export const SessionList = z.object({ sessions: z.array(SessionSummary) });

/** `nextSeq` beyond `headSeq`: there is no more for now. */
export const SamplesPage = z.object({
  samples: z.array(WireSample),
  nextSeq: z.int().check(z.nonnegative()),
  headSeq: z.int(),
});

export const PresetSummary = z.object({ name: z.string(), title: z.string(), about: z.string() });
export type PresetSummary = z.infer<typeof PresetSummary>;

const PresetList = z.object({ presets: z.array(PresetSummary) });
const Started = z.object({ id: z.string() });
const LaunchLink = z.object({ url: z.string(), expiresAtMs: z.number() });

/** A whole number in decimal digits: Number("") and Number("0x1f") are numbers, too. */
function whole(minimum: number, maximum: number) {
  return z.pipe(
    z.string().check(z.regex(/^\d{1,16}$/, { error: "expected a whole number" })),
    z.pipe(
      z.transform((text: string) => Number(text)),
      z.int().check(z.gte(minimum), z.lte(maximum)),
    ),
  );
}

const channelName = z.string().check(z.maxLength(128));

const SamplesQuery = z.strictObject({
  channel: z.union([channelName, z.array(channelName)]),
  from: z.optional(whole(0, Number.MAX_SAFE_INTEGER)),
  limit: z._default(whole(1, MAX_PAGE_SAMPLES), PAGE_SAMPLES),
  every: z.optional(whole(1, 0xffff_ffff)),
  format: z._default(z.enum(["json", "ndjson", "csv"]), "json"),
});

const WeightsQuery = z.strictObject({
  step: whole(0, 0xffff_ffff),
  format: z._default(z.enum(["f32", "npy"]), "f32"),
});

const LaunchQuery = z.object({ code: z.string().check(z.maxLength(128)) });

/** Of a route without one: what else stands in its query is passed over. */
const anyQuery = z.object({});

export interface Route {
  readonly method: "GET" | "POST";
  /** `{id}` is a session's id, or "live". */
  readonly path: string;
  /** One sentence. */
  readonly about: string;
  /** What the token must be good for; null: open to everybody. */
  readonly scope: Scope | null;
  readonly query: z.ZodMiniObject;
  /** Of a body that is JSON. */
  readonly body: z.ZodMiniType | null;
  readonly status: number;
  /** By media type; null where the answer is not JSON. */
  readonly answers: Readonly<Record<string, z.ZodMiniType | null>>;
  /** Beside those that every route may answer with. */
  readonly errors: readonly HttpErrorCode[];
}

const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";
const HTML_TYPE = "text/html";
const GET = { method: "GET", scope: "read", query: anyQuery, body: null, status: 200 } as const;
const POST = { method: "POST", query: anyQuery, body: null, status: 201 } as const;

export const ROUTES = {
  health: {
    ...GET,
    path: "/healthz",
    about: "Says ok while the process lives.",
    scope: null,
    answers: { "text/plain": z.literal("ok") },
    errors: [],
  },
  readiness: {
    ...GET,
    path: "/readyz",
    about: "Says ok until the server begins to stop.",
    scope: null,
    answers: { "text/plain": z.literal("ok") },
    errors: ["draining"],
  },
  launch: {
    ...GET,
    path: "/launch",
    about: "Signs one browser in, once, and leads to the dashboard.",
    scope: null,
    query: LaunchQuery,
    answers: { [HTML_TYPE]: null },
    errors: ["launch-code"],
  },
  stream: {
    ...GET,
    path: "/v1/stream",
    about: "The socket: subprotocol thalweg.v1, frames as ClientMessage and ServerMessage.",
    status: 101,
    answers: {},
    errors: ["subprotocol", "origin-not-allowed", "upgrade-required", "draining", "too-many-connections"],
  },
  openapi: {
    ...GET,
    path: "/v1/openapi.json",
    about: "This description.",
    answers: { [JSON_TYPE]: z.looseObject({ openapi: z.literal("3.1.1") }) },
    errors: [],
  },
  listSessions: {
    ...GET,
    path: "/v1/sessions",
    about: "The sessions of this server, the newest first.",
    answers: { [JSON_TYPE]: SessionList },
    errors: [],
  },
  startRun: {
    ...POST,
    path: "/v1/sessions",
    about: "Starts a run of a built-in task; `replace` stops the one that is going on first.",
    scope: "control",
    body: z.looseObject({ preset: z.optional(z.string()), replace: z.optional(z.boolean()) }),
    answers: { [JSON_TYPE]: Started },
    errors: ["settings", "not-found", "busy"],
  },
  describeSession: {
    ...GET,
    path: "/v1/sessions/{id}",
    about: "One session: its header, its channels, how it stands.",
    answers: { [JSON_TYPE]: SessionDescription },
    errors: ["unknown-session"],
  },
  samples: {
    ...GET,
    path: "/v1/sessions/{id}/samples",
    about: "A page of samples of JSON channels.",
    query: SamplesQuery,
    answers: { [JSON_TYPE]: SamplesPage, "application/x-ndjson": null, "text/csv": null },
    errors: ["unknown-session", "unknown-channel", "bad-query", "binary-channel", "diverged", "retention"],
  },
  weights: {
    ...GET,
    path: "/v1/sessions/{id}/weights",
    about: "θ of one recorded step, as little-endian float32 or as a NumPy file.",
    query: WeightsQuery,
    answers: { [BYTES_TYPE]: null },
    errors: ["unknown-session", "bad-query", "not-recorded"],
  },
  recording: {
    ...GET,
    path: "/v1/sessions/{id}/recording.mcap",
    about: "The recording as far as it is written; Range, If-Range and HEAD as in RFC 9110.",
    answers: { [BYTES_TYPE]: null },
    errors: ["unknown-session", "no-recording", "range"],
  },
  presets: {
    ...GET,
    path: "/v1/presets",
    about: "The presets that a run can be started from.",
    answers: { [JSON_TYPE]: PresetList },
    errors: [],
  },
  createLaunchCode: {
    ...POST,
    path: "/v1/launch-codes",
    about: "A launch link of the token's own scope.",
    scope: "read",
    answers: { [JSON_TYPE]: LaunchLink },
    errors: [],
  },
} as const satisfies Record<string, Route>;
