/** The sessions that a visitor may see: all of them, or the one that was shared. */
import type { SessionSummary } from "../../shared/header.ts";
import type { SessionLibrary } from "../session/library.ts";
import type { Session } from "../session/session.ts";

export interface VisibleSessions {
  /** An id, or "live". What may not be seen does not exist. */
  resolve(id: string): Promise<Session | undefined>;
  summaries(): Promise<SessionSummary[]>;
}

/** @param only  a session's id; null: no bounds. */
export function visibleSessions(library: SessionLibrary, only: string | null): VisibleSessions {
  if (only === null) return library;
  return {
    async resolve(id) {
      if (id === only) return library.resolve(id);
      const shared = id === "live" ? await library.resolve(only) : undefined;
      return shared?.status.state === "ended" ? undefined : shared;
    },
    async summaries() {
      return (await library.summaries()).filter(({ id }) => id === only);
    },
  };
}

/** Why `id` leads to no session, in one sentence of bounded length. */
export function unknownSession(id: string): string {
  const expected =
    id === "live" ? "the id of a session, because none is live" : "the id of a session of this server";
  return `session: expected ${expected}, got "${id.slice(0, 64)}"`;
}
