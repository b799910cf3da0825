/** How the connection stands, for the badge: never silent about a line that is down, late or lossy. */
import { CLOSE } from "../../shared/protocol.ts";

export interface LinkState {
  /** `offline`: several attempts in a row have failed (they go on), or the server has refused us for good. */
  readonly status: "connecting" | "connected" | "reconnecting" | "offline" | "closed";
  /** Why it is not connected, in words; null while all is well. */
  readonly reason: string | null;
  /** Wall time (Date.now) of the last frame of any kind; null before the first. Age = now − this. */
  readonly lastFrameAtMs: number | null;
  /** Of the newest ping; null before the first answer. */
  readonly roundTripMs: number | null;
  /** When the next attempt begins (Date.now); null while connected. */
  readonly retryAtMs: number | null;
  readonly reconnects: number;
  /** Samples that the server announced it left out, over all subscriptions. */
  readonly omittedSamples: number;
  /** Frames that were no thalweg.v1, and were passed over. */
  readonly invalidFrames: number;
}

export const INITIAL_LINK: LinkState = {
  status: "connecting",
  reason: null,
  lastFrameAtMs: null,
  roundTripMs: null,
  retryAtMs: null,
  reconnects: 0,
  omittedSamples: 0,
  invalidFrames: 0,
};

/** 0.25 s … 10 s. */
export const BACKOFF = { floorMs: 250, ceilingMs: 10_000 } as const;

/**
 * Full jitter: evenly between the floor and a ceiling that doubles with each attempt, so that a hundred dashboards do not return at once.
 *
 * @param attempt  0 for the first.
 * @param random  in [0, 1).
 */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(BACKOFF.ceilingMs, BACKOFF.floorMs * 2 ** (attempt + 1));
  return BACKOFF.floorMs + random * (ceiling - BACKOFF.floorMs);
}

/** Why a socket closed, for somebody who wants to get going again. */
export function wordsOfClose(code: number, reason: string): string {
  if (code === CLOSE.authExpired) return "The login has expired. Ask for a new link with `thalweg open`.";
  if (code === CLOSE.policy) return `The server refused the connection${reason ? `: ${reason}` : ""}.`;
  if (code === CLOSE.draining) return "The server is shutting down.";
  if (code === 1006 || code === 0 || reason === "")
    return reason ? `The server does not answer (${reason}).` : "The server cannot be reached.";
  return reason;
}
