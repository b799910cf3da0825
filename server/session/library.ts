/** Every session this server serves, by id. */
import { BehaviorSubject, type Observable } from "rxjs";
import type { SessionSummary } from "../../shared/header.ts";
import type { Session } from "./session.ts";

export class SessionLibrary {
  readonly #sessions = new Map<string, Session>();
  readonly #changes = new BehaviorSubject<number>(0);
  /** Emits a count when a session is added. */
  readonly changes$: Observable<number> = this.#changes.asObservable();

  add(session: Session): void {
    this.#sessions.set(session.header.id, session);
    this.#changes.next(this.#sessions.size);
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** "live" is the newest session that has not ended; an id is looked up. */
  resolve(id: string): Session | undefined {
    if (id !== "live") return this.get(id);
    return this.newestFirst().find((session) => session.status.state !== "ended");
  }

  newestFirst(): Session[] {
    return [...this.#sessions.values()].sort((a, b) => b.header.startedAtMs - a.header.startedAtMs);
  }

  summaries(): SessionSummary[] {
    return this.newestFirst().map(summarise);
  }
}

export function summarise(session: Session): SessionSummary {
  const { header, status } = session;
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
