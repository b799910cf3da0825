/**
 * Every route of the HTTP interface, what it takes, what it answers. server/gateway serves from this table, `/v1/openapi.json` is made of
 * it, and docs/protocol.md is held to it by a test.
 */
import * as z from "zod/mini";
import { SessionSummary } from "./header.ts";
import {
  type HttpErrorCode,
  LaunchLink,
  NewShare,
  NewTitle,
  PresetList,
  SamplesPage,
  SessionList,
  ShareList,
  ShareRequest,
  Started,
} from "./http.ts";
import { LaunchQuery, RecordingQuery, SamplesQuery, WeightsQuery } from "./http-queries.ts";
import { type Scope, SessionDescription } from "./protocol.ts";

/** Of a route without one: what else stands in its query is passed over. */
const anyQuery = z.object({});

export interface Route {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** `{id}` is a session's id, or "live". */
  readonly path: string;
  /** One sentence. */
  readonly about: string;
  /** What the token must be good for; null: open to everybody. */
  readonly scope: Scope | null;
  readonly query: z.ZodMiniObject;
  /** Of a body that is JSON; or the bytes of a file. */
  readonly body: z.ZodMiniType | "bytes" | null;
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

const FILE_ERRORS = ["not-a-recording", "newer-version", "later-part", "cut", "damaged"] as const;
const FOLDER_ERRORS = ["not-found", "disk-full", "unreadable", "disk-error"] as const;
/** Of a recording that was opened, and that the disk no longer has as it was. */
const READ_ERRORS = ["cut", "damaged", "unreadable", "disk-error"] as const;
const QUERY_ERRORS = ["unknown-session", "bad-query", ...READ_ERRORS] as const;
const RECORDING_ERRORS = ["unknown-session", "live", "no-recording", "disk-full", "unreadable"] as const;

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
    errors: ["settings", "busy", "draining", ...FOLDER_ERRORS, ...FILE_ERRORS],
  },
  describeSession: {
    ...GET,
    path: "/v1/sessions/{id}",
    about: "One session: its header, its channels, how it stands.",
    answers: { [JSON_TYPE]: SessionDescription },
    errors: ["unknown-session", ...READ_ERRORS],
  },
  renameSession: {
    ...GET,
    method: "PATCH",
    path: "/v1/sessions/{id}",
    about: "Gives a finished recording another title; id, file name and samples stay.",
    scope: "control",
    body: NewTitle,
    answers: { [JSON_TYPE]: SessionSummary },
    errors: [...RECORDING_ERRORS, "not-finished"],
  },
  deleteSession: {
    ...GET,
    method: "DELETE",
    path: "/v1/sessions/{id}",
    about: "Deletes a recording for good; never one that is still being written.",
    scope: "control",
    status: 204,
    answers: {},
    errors: RECORDING_ERRORS,
  },
  importRecording: {
    ...POST,
    path: "/v1/recordings",
    about:
      "Takes in a recording, checked from end to end; of one in parts the first, then each of the others.",
    scope: "control",
    body: "bytes",
    answers: { [JSON_TYPE]: SessionSummary },
    errors: ["no-recording", "exists", "live", "disk-full", ...FILE_ERRORS],
  },
  samples: {
    ...GET,
    path: "/v1/sessions/{id}/samples",
    about: "A page of samples of JSON channels.",
    query: SamplesQuery,
    answers: { [JSON_TYPE]: SamplesPage, "application/x-ndjson": null, "text/csv": null },
    errors: [...QUERY_ERRORS, "unknown-channel", "binary-channel", "diverged", "retention"],
  },
  weights: {
    ...GET,
    path: "/v1/sessions/{id}/weights",
    about: "θ of one recorded step, as little-endian float32 or as a NumPy file.",
    query: WeightsQuery,
    answers: { [BYTES_TYPE]: null },
    errors: [...QUERY_ERRORS, "not-recorded"],
  },
  recording: {
    ...GET,
    path: "/v1/sessions/{id}/recording.mcap",
    about:
      "The recording, or one of its parts, as far as it is written; Range, If-Range and HEAD as in RFC 9110.",
    query: RecordingQuery,
    answers: { [BYTES_TYPE]: null },
    errors: ["unknown-session", "no-recording", "bad-query", "range"],
  },
  metrics: {
    ...GET,
    path: "/metrics",
    about: "How the server stands, for Prometheus; not for those who came by a share link.",
    answers: { "text/plain": null },
    errors: ["forbidden"],
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
    about: "A launch link of the token's own scope; not for those who came by a share link.",
    scope: "read",
    answers: { [JSON_TYPE]: LaunchLink },
    errors: ["forbidden"],
  },
  createShare: {
    ...POST,
    path: "/v1/shares",
    about: "A link that lets whoever has it read one session, and nothing else.",
    scope: "control",
    body: ShareRequest,
    answers: { [JSON_TYPE]: NewShare },
    errors: ["unknown-session"],
  },
  listShares: {
    ...GET,
    path: "/v1/shares",
    about: "The share links that are good at this moment, without their secrets.",
    scope: "control",
    answers: { [JSON_TYPE]: ShareList },
    errors: [],
  },
  revokeShare: {
    ...GET,
    method: "DELETE",
    path: "/v1/shares/{id}",
    about: "Takes a share link back; who came by it is shown the door at once.",
    scope: "control",
    status: 204,
    answers: {},
    errors: ["unknown-share"],
  },
} as const satisfies Record<string, Route>;
