/** Tells one client of a session's state, and whether it can be recorded: once when it begins to watch, then at each change. */
import {
  distinctUntilChanged,
  map,
  type Observable,
  ReplaySubject,
  share,
  type Subscription as Unsubscribable,
} from "rxjs";
import type { Session } from "../session/session.ts";
import type { Outlet } from "./outlet.ts";

export class SessionWatch {
  readonly #session: Session;
  readonly #outlet: Outlet;
  readonly #changes: Unsubscribable;
  #isAnnounced = false;

  constructor(session: Session, outlet: Outlet) {
    this.#session = session;
    this.#outlet = outlet;
    this.#changes = changesOf(session).subscribe(() => this.#announce());
  }

  stop(): void {
    this.#changes.unsubscribe();
  }

  /** While a slow client keeps it waiting, further changes need no further turn: the state of then is what is sent. */
  #announce(): void {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    void this.#outlet.turn(() => {
      this.#isAnnounced = false;
      const { header, status } = this.#session;
      const { state, trouble } = status;
      this.#outlet.send({
        op: "state",
        session: header.id,
        state,
        ...(trouble === undefined ? {} : { trouble }),
      });
    });
  }
}

const shared = new WeakMap<Session, Observable<unknown>>();

/** One comparison at each write, however many watch. */
function changesOf(session: Session): Observable<unknown> {
  const known = shared.get(session);
  if (known !== undefined) return known;
  const changes = session.status$.pipe(
    map(({ state, trouble = null }) => ({ state, trouble })),
    distinctUntilChanged((a, b) => a.state === b.state && a.trouble?.code === b.trouble?.code),
    share({ connector: () => new ReplaySubject(1), resetOnComplete: false }),
  );
  shared.set(session, changes);
  return changes;
}
