/** A session: a header and an ordered log of events. Live or recorded: nothing downstream can tell, and nothing may ask. */
import type { Observable } from "rxjs";
import type { EndReason, SessionHeader, SessionState, SessionSummary } from "../../shared/header.ts";
import type { ControlAction, Trouble, Watermarks } from "../../shared/protocol.ts";
import type { Hole } from "../recording/segments.ts";

export interface SessionStatus {
  readonly state: SessionState;
  readonly reason: EndReason | null;
  /** Newest written seq (-1: none), oldest still held, newest step (-1: none). */
  readonly headSeq: number;
  readonly earliestSeq: number;
  readonly step: number;
  /** Why nothing is recorded at present; null or absent: all is well. */
  readonly trouble?: Trouble | null;
}

/** One event of the log. Exactly one of `json` and `data` is set. */
export interface SessionEvent {
  readonly seq: number;
  /** Index into `header.channels`. */
  readonly channel: number;
  readonly step: number;
  readonly wallTimeMs: number;
  /** JSON text of the value, as `encodeValue` wrote it: passed on without being parsed. */
  readonly json?: string;
  /** Decoded value of an f32 or bytes channel. */
  readonly data?: Float32Array | Uint8Array;
}

export interface CursorOptions {
  /** Indices into `header.channels`; others are passed over. */
  readonly channels: ReadonlySet<number>;
  readonly from: number;
  /** Only samples whose step is a multiple of it, or that have no step (run/*). */
  readonly every?: number;
}

/** A reader of the log at a position of its own. Memory: one chunk, and one θ while a weights channel is chosen. */
export interface Cursor {
  /** seq at which the next read begins. */
  readonly position: number;
  /**
   * The next chosen events, oldest first, until either bound; moves past events not chosen. Empty when it has reached the head, or when
   * a long stretch held nothing chosen (`position` moved all the same): compare `position` with `headSeq`.
   * A read that begins below `earliestSeq` begins there, one that begins in a hole after it, and none reads across a hole: look before
   * calling it, and nothing is lost unnoticed.
   */
  read(limits: { readonly maxEvents: number; readonly maxBytes: number }): Promise<readonly SessionEvent[]>;
  /** Keeps the θ that it decodes from, for a place not far ahead. */
  seek(seq: number): void;
  /** Holds nothing until the next read, which fetches and decodes anew. Not while a read is under way. */
  rest(): void;
  close(): void;
}

export type WeightsResult =
  | { readonly found: true; readonly theta: Float32Array }
  | { readonly found: false; readonly nearest: readonly number[] };

export type ControlResult =
  | { readonly accepted: true; readonly seq: number }
  | { readonly accepted: false; readonly code: string; readonly message: string };

export interface Session {
  readonly header: SessionHeader;
  readonly status: SessionStatus;
  /** The current status, then each change; at most one emission per write. Completes when the session has ended. */
  readonly status$: Observable<SessionStatus>;
  /** How far events have come; absent on recordings, where all have come as far as they will. */
  readonly watermarks?: Watermarks;
  cursor(options: CursorOptions): Cursor;
  /** Of events that were not recorded and are no longer held. */
  holeAt?(seq: number): Hole | undefined;
  /** seq of the first event at or after this step; headSeq + 1 when there is none yet. */
  seqOfStep(step: number): Promise<number>;
  weights(step: number): Promise<WeightsResult>;
  /** A lossless subscriber waits at the head: chunks close after 10 ms instead of 200. Returns the release. */
  hurry(): () => void;
  /** Absent on recordings. */
  control?(action: ControlAction): Promise<ControlResult>;
  /** The file as it stands, for download; undefined for a temporary log. */
  readonly recordingPath: string | undefined;
  /** Releases files. Live sessions are ended first (server/session/live-session.ts). */
  close(): Promise<void>;
}

export function summarise({ header, status }: Pick<Session, "header" | "status">): SessionSummary {
  return {
    id: header.id,
    name: header.name,
    live: status.state !== "ended",
    state: status.state,
    reason: status.reason,
    startedAtMs: header.startedAtMs,
    preset: header.preset,
    task: header.task,
    modelSummary: header.modelSummary,
    steps: header.steps,
    step: status.step,
    headSeq: status.headSeq,
    earliestSeq: status.earliestSeq,
  };
}
