/** The feeds of all sessions: one for each choice of channels, as long as a subscription holds it. */
import type { Session } from "../session/session.ts";
import type { Clock } from "./clock.ts";
import { Feed } from "./feed.ts";
import type { Limits } from "./limits.ts";

export interface HeldFeed {
  readonly feed: Feed;
  release(): void;
}

interface Entry {
  readonly feed: Feed;
  holders: number;
}

export class Feeds {
  readonly #around: { readonly clock: Clock; readonly limits: Limits };
  readonly #feeds = new WeakMap<Session, Map<string, Entry>>();

  constructor(around: { readonly clock: Clock; readonly limits: Limits }) {
    this.#around = around;
  }

  /** @param channels  indices into `header.channels`, ascending. */
  hold(session: Session, channels: readonly number[], every = 1): HeldFeed {
    const choice = `${every} ${channels.join()}`;
    const ofSession = this.#feeds.get(session) ?? new Map<string, Entry>();
    this.#feeds.set(session, ofSession);
    const entry = ofSession.get(choice) ?? {
      feed: new Feed(session, channels, every, this.#around),
      holders: 0,
    };
    ofSession.set(choice, entry);
    entry.holders++;
    return {
      feed: entry.feed,
      release: () => {
        if (--entry.holders > 0) return;
        ofSession.delete(choice);
        entry.feed.close();
      },
    };
  }
}
