/** What travels over HTTP beside the socket: bodies of requests and answers, and the errors with their statuses. */
import * as z from "zod/mini";
import { SessionSummary } from "./header.ts";
import { WireSample } from "./protocol.ts";

/** Samples on a page, unless the query says otherwise, and at most. */
export const PAGE_SAMPLES = 1_000;
export const MAX_PAGE_SAMPLES = 100_000;

/** Every error that the gateway itself answers with, and its status. A run that cannot be has codes of its own, all of them 400. */
export const HTTP_ERRORS = {
  "bad-query": 400,
  "bad-json": 400,
  "bad-body": 400,
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
  "unknown-share": 404,
  "request-timeout": 408,
  diverged: 409,
  busy: 409,
  live: 409,
  exists: 409,
  "not-finished": 409,
  retention: 410,
  "too-large": 413,
  "unsupported-media-type": 415,
  range: 416,
  "host-not-allowed": 421,
  "not-a-recording": 422,
  "newer-version": 422,
  "later-part": 422,
  cut: 422,
  damaged: 422,
  "upgrade-required": 426,
  "headers-too-large": 431,
  internal: 500,
  unreadable: 500,
  "disk-error": 500,
  "disk-full": 507,
  draining: 503,
  "too-many-connections": 503,
} as const satisfies Record<string, number>;
export type HttpErrorCode = keyof typeof HTTP_ERRORS;

export const ErrorBody = z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string() }) });

export const SessionList = z.object({
  sessions: z.array(SessionSummary),
  /** Files of the folder that cannot be listed, and why. */
  unreadable: z.array(z.object({ file: z.string(), code: z.string(), message: z.string() })),
});

export const MAX_TITLE_LENGTH = 120;
export const NewTitle = z.strictObject({
  name: z.string().check(z.trim(), z.minLength(1), z.maxLength(MAX_TITLE_LENGTH), z.regex(/^\P{Cc}*$/u)),
});

/** A link for reading one session, until it expires or is taken back. */
export const Share = z.object({ id: z.string(), session: z.string(), expiresAtMs: z.number() });
export type Share = z.infer<typeof Share>;
export const ShareList = z.object({ shares: z.array(Share) });
/** The only time that its link is told. */
export const NewShare = z.extend(Share, { url: z.string() });

export const SHARE_SECONDS = 86_400;
export const MAX_SHARE_SECONDS = 30 * SHARE_SECONDS;
export const ShareRequest = z.strictObject({
  /** An id, or "live". */
  session: z._default(z.string().check(z.maxLength(64)), "live"),
  expiresInSeconds: z._default(z.int().check(z.gte(60), z.lte(MAX_SHARE_SECONDS)), SHARE_SECONDS),
});

/** `nextSeq` beyond `headSeq`: there is no more for now. */
export const SamplesPage = z.object({
  samples: z.array(WireSample),
  nextSeq: z.int().check(z.nonnegative()),
  headSeq: z.int(),
});

export const PresetSummary = z.object({ name: z.string(), title: z.string(), about: z.string() });
export type PresetSummary = z.infer<typeof PresetSummary>;

export const PresetList = z.object({ presets: z.array(PresetSummary) });
export const Started = z.object({ id: z.string() });
export const LaunchLink = z.object({ url: z.string(), expiresAtMs: z.number() });
