/**
 * One session as the dashboard sees it: its header, its state, its whole history, and the view on it.
 *
 * All light channels come over one lossless subscription, from the start and as fast as the line goes. So scrubbing, rewinding while
 * live and replay are local: the cursor moves, the subscription does not, and no second copy of playback lives on the server.
 */
import type { EndReason, SessionHeader, SessionState } from "../../shared/header.ts";
import type { ControlAction, Trouble } from "../../shared/protocol.ts";
import type { Connection, SessionMessage, Subscription } from "../connection/connection.ts";
import { RequestError } from "../connection/requests.ts";
import { History } from "./history.ts";
import { Playback } from "./playback.ts";
import { View } from "./view.ts";

/**
 * `empty`: the server has no session yet; we ask again. `backfilling`: receiving what happened before we came.
 * `following`: at the head. `complete`: the session has ended and we have all of it.
 */
export type StorePhase = "idle" | "opening" | "empty" | "backfilling" | "following" | "complete" | "failed";

export interface StoreError {
  readonly code: string;
  readonly message: string;
}

const ASK_AGAIN_MS = 2_000;
/** A backfill that pauses for this long is over. */
const QUIET_MS = 500;

export interface StoreTimers {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}

const REAL_TIMERS: StoreTimers = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
};

export class SessionStore {
  readonly connection: Connection;
  readonly view: View;
  readonly playback: Playback;
  readonly #timers: StoreTimers;
  #history = new History();
  #session: SessionMessage | null = null;
  #state: SessionState = "running";
  #trouble: Trouble | null = null;
  #reason: EndReason | null = null;
  #phase: StorePhase = "idle";
  #error: StoreError | null = null;
  #subscription: Subscription | null = null;
  /** Newest seq when we subscribed: reaching it ends the backfill. */
  #backfillTo = -1;
  #opening = 0;
  #timer: unknown = null;
  readonly #listeners = new Set<() => void>();

  constructor(connection: Connection, view: View = new View(), timers: StoreTimers = REAL_TIMERS) {
    this.connection = connection;
    this.view = view;
    this.#timers = timers;
    this.playback = new Playback(view, () => ({ history: this.#history, isLive: this.isLive }));
  }

  /** Of the present session; another object after `open`. */
  get history(): History {
    return this.#history;
  }

  /** Header, channels and capabilities, as described; null before. */
  get session(): SessionMessage | null {
    return this.#session;
  }

  get header(): SessionHeader | null {
    return this.#session?.header ?? null;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Why nothing is recorded at present. */
  get trouble(): Trouble | null {
    return this.#trouble;
  }

  /** Why it ended; null while it runs. */
  get reason(): EndReason | null {
    return this.#reason;
  }

  get phase(): StorePhase {
    return this.#phase;
  }

  /** Why the phase is `failed`. */
  get error(): StoreError | null {
    return this.#error;
  }

  /** More samples may come. */
  get isLive(): boolean {
    return this.#phase !== "complete" && this.#phase !== "failed" && this.#state !== "ended";
  }

  /** May we pause, resume, stop, set? The session must allow it, and our login. */
  get canControl(): boolean {
    return (
      this.isLive &&
      (this.#session?.capabilities.includes("control") ?? false) &&
      (this.connection.welcome?.scopes.includes("control") ?? false)
    );
  }

  /** Share of the past received, in [0, 1]. */
  get backfilled(): number {
    if (this.#phase !== "backfilling")
      return this.#phase === "following" || this.#phase === "complete" ? 1 : 0;
    return this.#backfillTo <= 0 ? 1 : Math.min(1, Math.max(0, this.#history.headSeq) / this.#backfillTo);
  }

  /** Calls back after each change: a batch of samples, a state, a phase. Invalidate there, draw in the frame loop. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Opens a session by id, or with null the newest live one, else the newest; waits for one where there is none.
   * Never rejects: what goes wrong is `phase: "failed"` and `error`.
   */
  async open(id: string | null): Promise<void> {
    const opening = this.#leave();
    this.#set("opening");
    try {
      const chosen = id ?? (await this.#newest());
      if (opening !== this.#opening) return;
      if (chosen === null) {
        // The one that was on screen may be the one that is gone.
        this.#session = null;
        this.#history = new History();
        this.#set("empty");
        this.#timer = this.#timers.setTimeout(() => void this.open(null), ASK_AGAIN_MS);
        return;
      }
      const session = await this.connection.describe(chosen);
      if (opening !== this.#opening) return;
      this.#begin(session);
    } catch (error) {
      if (opening !== this.#opening) return;
      this.#fail(error instanceof RequestError ? error : { code: "internal", message: String(error) });
    }
  }

  /** Rejects with a {@link RequestError}. */
  async control(action: ControlAction): Promise<void> {
    if (!this.#session) throw new RequestError("no-session", "No session is open.", false);
    await this.connection.control(this.#session.header.id, action);
  }

  close(): void {
    this.#leave();
    this.#set("idle");
  }

  async #newest(): Promise<string | null> {
    const sessions = [...(await this.connection.list())].sort((a, b) => b.startedAtMs - a.startedAtMs);
    return (sessions.find((session) => session.live) ?? sessions[0])?.id ?? null;
  }

  #leave(): number {
    this.#subscription?.unsubscribe();
    this.#subscription = null;
    this.playback.pause();
    this.#clearTimer();
    this.#error = null;
    return ++this.#opening;
  }

  #begin(session: SessionMessage): void {
    const history = new History();
    history.describe(session.channels);
    this.#history = history;
    this.#session = session;
    this.#state = session.state;
    this.#trouble = session.trouble ?? null;
    this.#reason = session.reason;
    this.#backfillTo = session.headSeq;
    this.view.reset(session.header.id, session.header.fork?.step ?? 0);
    const light = session.channels.filter((channel) => !channel.heavy && channel.encoding === "json");
    if (light.length === 0) {
      this.#fail({ code: "no-channels", message: `Session ${session.header.name} has no channels to show.` });
      return;
    }
    this.#set(session.headSeq < 0 ? "following" : "backfilling");
    this.#subscription = this.connection.subscribe(
      {
        session: session.header.id,
        channels: light.map((channel) => channel.name),
        mode: "lossless",
        from: "start",
      },
      {
        subscribed: () => {
          if (this.#phase === "backfilling") this.#expectMore();
        },
        samples: (samples) => {
          history.accept(samples);
          this.view.setHead(history.headStep, session.header.steps);
          if (this.#phase === "backfilling") this.#expectMore();
          this.#changed();
        },
        gap: (gap) => {
          history.acceptGap(gap);
          this.#changed();
        },
        state: ({ session: of, state, trouble }) => {
          // Without a session it is about the subscription's own pace, which is always as fast as possible here.
          if (of === undefined || state === "playing") return;
          this.#state = state;
          this.#trouble = trouble ?? null;
          this.#changed();
        },
        end: ({ reason }) => {
          this.#clearTimer();
          this.#state = "ended";
          this.#reason = reason;
          this.#set("complete");
        },
        error: (error) => {
          if (!error.retryable) this.#fail(error);
        },
      },
    );
  }

  /** The past is here when its last seq is, or when nothing more comes: its last events may be heavy ones, which we do not take. */
  #expectMore(): void {
    this.#clearTimer();
    if (this.#history.headSeq >= this.#backfillTo) this.#phase = "following";
    else this.#timer = this.#timers.setTimeout(() => this.#set("following"), QUIET_MS);
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#timers.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #fail(error: StoreError): void {
    this.#error = { code: error.code, message: error.message };
    this.#set("failed");
  }

  #set(phase: StorePhase): void {
    this.#phase = phase;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
