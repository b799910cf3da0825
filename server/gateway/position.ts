/** Where in a log to begin. */
import type { Position } from "../../shared/protocol.ts";
import type { Session } from "../session/session.ts";

export interface Start {
  readonly seq: number;
  /** Samples of earlier steps are passed over until the first of this step or later: the log has not reached it yet, perhaps. */
  readonly fromStep: number;
}

export interface Refusal {
  readonly code: "retention" | "diverged";
  readonly message: string;
}

/**
 * `{seq}` must lie within what is held, or be the next to be written. Beyond that, the client knows a log that this one is not:
 * it has never been sent what has not been written.
 *
 * @param allowGap  what is no longer held is a gap to announce, not a reason to refuse.
 */
export async function locate(
  session: Session,
  from: "start" | "now" | Position,
  allowGap: boolean,
): Promise<Start | Refusal> {
  if (from === "start") return { seq: session.status.earliestSeq, fromStep: 0 };
  if (from === "now") return { seq: session.status.headSeq + 1, fromStep: 0 };
  if ("step" in from) {
    const seq = await session.seqOfStep(from.step);
    return { seq: Math.max(seq, session.status.earliestSeq), fromStep: from.step };
  }
  const { headSeq, earliestSeq } = session.status;
  if (from.seq > headSeq + 1) {
    return {
      code: "diverged",
      message: `seq: expected at most ${headSeq + 1}, the next to be written, got ${from.seq}: this log has never held it`,
    };
  }
  if (from.seq < earliestSeq && !allowGap) return forgotten(from.seq, earliestSeq);
  return { seq: from.seq, fromStep: 0 };
}

export function forgotten(seq: number, earliestSeq: number): Refusal {
  return {
    code: "retention",
    message: `seq: expected at least ${earliestSeq}, the earliest still held, got ${seq}; "allowGap":true goes on from there`,
  };
}
