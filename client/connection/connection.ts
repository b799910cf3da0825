/** One WebSocket to a thalweg server that comes back by itself: requests as promises, subscriptions without gap or repetition. */
import { decodeFrame } from "../../shared/frame.ts";
import type { SessionSummary } from "../../shared/header.ts";
import {
  CLOSE,
  type ClientMessageInput,
  type ControlAction,
  PROTOCOL,
  ServerMessage,
} from "../../shared/protocol.ts";
import { backoffMs, INITIAL_LINK, type LinkState, wordsOfClose } from "./link.ts";
import { closed, Requests, unexpected, unreachable } from "./requests.ts";
import {
  type Position,
  type Speed,
  type SubscribeRequest,
  type SubscriptionHandlers,
  SubscriptionState,
} from "./subscription.ts";

export type SessionMessage = Extract<ServerMessage, { op: "session" }>;
export type Welcome = Extract<ServerMessage, { op: "welcome" }>;

/** What we use of a WebSocket: the browser's, `ws`, or a test's. */
export interface Socket {
  binaryType: string;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

export interface ConnectionHost {
  connect(url: string, protocols: readonly string[]): Socket;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
  nowMs(): number;
  random(): number;
}

export interface ConnectionOptions {
  /** "ws://127.0.0.1:6047/v1/stream". */
  readonly url: string;
  /** For pages of another origin; the dashboard itself has its cookie. */
  readonly token?: string;
  readonly host?: ConnectionHost;
}

/** A running subscription. Each request resolves when the server has accepted it. */
export interface Subscription {
  readonly id: number;
  /** Resolved id once the server has answered; before, what was asked for. */
  readonly session: string;
  play(): Promise<void>;
  pause(): Promise<void>;
  seek(to: Position): Promise<void>;
  setSpeed(speed: Speed): Promise<void>;
  setLoop(from: Position, to: Position | null): Promise<void>;
  unsubscribe(): void;
}

const PING_EVERY_MS = 5_000;
/** Longer without any frame, and the line is dead whatever the socket says. */
const SILENCE_MS = 12_000;
/** Failed attempts after which the badge says offline rather than reconnecting. */
const OFFLINE_AFTER = 4;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #host: ConnectionHost;
  #socket: Socket | null = null;
  #link: LinkState = INITIAL_LINK;
  #welcome: Welcome | null = null;
  #failedAttempts = 0;
  #retryAfterMs = 0;
  #timers = new Set<unknown>();
  #nextSubscription = 1;
  readonly #requests = new Requests();
  readonly #subscriptions = new Map<number, SubscriptionState>();
  readonly #listeners = new Set<(link: LinkState) => void>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#host = options.host ?? browserHost();
    this.#open();
  }

  get link(): LinkState {
    return this.#link;
  }

  /** Of the present socket; null while there is none. `scopes` says whether we may control. */
  get welcome(): Welcome | null {
    return this.#welcome;
  }

  /** Calls back on every change of the link; returns the release. */
  onLink(listener: (link: LinkState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for the line if it is down. */
  async list(): Promise<readonly SessionSummary[]> {
    const answer = await this.#ask({ op: "list" }, true);
    return answer.op === "sessions" ? answer.sessions : unexpected("sessions", answer);
  }

  async describe(session: string): Promise<SessionMessage> {
    const answer = await this.#ask({ op: "describe", session }, true);
    return answer.op === "session" ? answer : unexpected("session", answer);
  }

  /** Resolves to the seq of its run/status event. Never repeated by itself: a lost line rejects with `link-lost`. */
  async control(session: string, action: ControlAction): Promise<{ readonly seq: number | null }> {
    const answer = await this.#ask({ op: "control", session, ...action }, false);
    return answer.op === "accepted" ? { seq: answer.seq ?? null } : unexpected("accepted", answer);
  }

  subscribe(request: SubscribeRequest, handlers: SubscriptionHandlers): Subscription {
    const state = new SubscriptionState(this.#nextSubscription++, request, handlers);
    this.#subscriptions.set(state.id, state);
    if (this.#welcome) this.#send(state.message());
    const { id } = state;
    const ask = async (message: ClientMessageInput): Promise<void> => {
      await this.#ask(message, false);
    };
    return {
      id,
      get session() {
        return state.session;
      },
      play: () => {
        state.setPlayback({ paused: false });
        return ask({ op: "play", id });
      },
      pause: () => {
        state.setPlayback({ paused: true });
        return ask({ op: "pause", id });
      },
      seek: (to) => {
        state.setSought(to);
        return ask({ op: "seek", id, to });
      },
      setSpeed: (speed) => {
        state.setPlayback({ speed });
        return ask({ op: "speed", id, speed });
      },
      setLoop: (from, to) => ask({ op: "loop", id, from, to }),
      unsubscribe: () => {
        if (state.isOver && !this.#subscriptions.has(id)) return;
        state.close();
        this.#subscriptions.delete(id);
        if (this.#welcome) this.#send({ op: "unsubscribe", id });
      },
    };
  }

  /** Tries again now instead of at `link.retryAtMs`. */
  retryNow(): void {
    if (this.#socket === null && this.#link.status !== "closed") this.#open();
  }

  close(): void {
    this.#clearTimers();
    this.#detach()?.close(1000);
    this.#welcome = null;
    this.#requests.close();
    this.#subscriptions.clear();
    this.#setLink({ status: "closed", reason: null, retryAtMs: null });
  }

  #open(): void {
    this.#clearTimers();
    const protocols =
      this.#options.token === undefined ? [PROTOCOL] : [PROTOCOL, `bearer.${this.#options.token}`];
    let socket: Socket;
    try {
      socket = this.#host.connect(this.#options.url, protocols);
    } catch (error) {
      this.#lost(0, String(error));
      return;
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#lost(event.code, event.reason);
    // A close event always follows, and says more.
    socket.onerror = () => {};
    this.#armSilence();
    this.#setLink({ retryAtMs: null });
  }

  #receive(data: unknown): void {
    this.#armSilence();
    this.#setLink({ lastFrameAtMs: this.#host.nowMs() });
    if (data instanceof ArrayBuffer) {
      const frame = decodeFrame(data);
      if (frame) this.#subscriptions.get(frame.subscription)?.receiveFrame(frame);
      else this.#setLink({ invalidFrames: this.#link.invalidFrames + 1 });
      return;
    }
    const parsed = ServerMessage.safeParse(parseJson(data));
    if (parsed.success) this.#handle(parsed.data);
    else this.#setLink({ invalidFrames: this.#link.invalidFrames + 1 });
  }

  #handle(message: ServerMessage): void {
    switch (message.op) {
      case "welcome":
        this.#greet(message);
        return;
      case "goodbye":
        this.#retryAfterMs = message.retryAfterMs;
        this.#setLink({ reason: message.reason });
        return;
      case "pong":
        this.#setLink({ roundTripMs: Math.max(0, this.#host.nowMs() - message.t) });
        return;
      case "subscribed":
      case "samples":
      case "gap":
      case "end":
        this.#toSubscription(message.id, message);
        break;
      case "state":
        for (const state of this.#subscriptions.values()) {
          if (message.id === state.id || (message.id === undefined && message.session === state.session)) {
            state.receive(message);
          }
        }
        break;
      case "error":
        // An answer to a request (a refused seek) does not end the subscription it names.
        if (this.#requests.isWaitingFor(message)) break;
        if (message.id !== undefined) this.#toSubscription(message.id, message);
        break;
      default:
    }
    this.#requests.answer(message);
  }

  #toSubscription(id: number, message: Parameters<SubscriptionState["receive"]>[0]): void {
    const state = this.#subscriptions.get(id);
    if (!state) return;
    const omitted = state.receive(message);
    if (omitted > 0) this.#setLink({ omittedSamples: this.#link.omittedSamples + omitted });
    if (state.isOver) this.#subscriptions.delete(id);
    else if (message.op === "error") {
      this.#after(backoffMs(this.#failedAttempts, this.#host.random()), () => {
        if (this.#welcome && !state.isOver) this.#resume(state);
      });
    }
  }

  #greet(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#failedAttempts = 0;
    this.#retryAfterMs = 0;
    this.#setLink({ status: "connected", reason: null, retryAtMs: null });
    for (const message of this.#requests.unanswered()) this.#send(message);
    for (const state of this.#subscriptions.values()) this.#resume(state);
    this.#ping();
  }

  #resume(state: SubscriptionState): void {
    this.#send(state.message());
    if (state.isPaused) this.#send({ op: "pause", id: state.id });
  }

  #ask(message: ClientMessageInput, isRepeatable: boolean): Promise<ServerMessage> {
    if (this.#link.status === "closed") return Promise.reject(closed());
    if (!this.#welcome && !isRepeatable) return Promise.reject(unreachable());
    const { sent, answer } = this.#requests.add(message, isRepeatable);
    if (this.#welcome) this.#send(sent);
    return answer;
  }

  #send(message: ClientMessageInput): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #ping(): void {
    this.#send({ op: "ping", t: this.#host.nowMs() });
    this.#after(PING_EVERY_MS, () => {
      if (this.#welcome) this.#ping();
    });
  }

  #silence: unknown = null;

  #armSilence(): void {
    if (this.#silence !== null) this.#cancel(this.#silence);
    this.#silence = this.#after(SILENCE_MS, () => {
      this.#socket?.close();
      // A dead line may take minutes to close by itself.
      this.#lost(0, `no answer for ${SILENCE_MS / 1000} s`);
    });
  }

  #lost(code: number, reason: string): void {
    if (this.#link.status === "closed") return;
    this.#detach();
    this.#clearTimers();
    const wasConnected = this.#welcome !== null;
    this.#welcome = null;
    this.#requests.lose();
    const words = this.#link.reason ?? wordsOfClose(code, reason);
    const delayMs = Math.max(this.#retryAfterMs, backoffMs(this.#failedAttempts, this.#host.random()));
    this.#retryAfterMs = 0;
    this.#failedAttempts++;
    const isRefused = code === CLOSE.authExpired || code === CLOSE.policy;
    this.#setLink({
      status: isRefused || this.#failedAttempts > OFFLINE_AFTER ? "offline" : "reconnecting",
      reason: wasConnected || isRefused ? words : wordsOfClose(code, reason),
      retryAtMs: isRefused ? null : this.#host.nowMs() + delayMs,
      reconnects: this.#link.reconnects + (wasConnected ? 1 : 0),
    });
    if (!isRefused) this.#after(delayMs, () => this.#open());
  }

  #detach(): Socket | null {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onmessage = null;
      socket.onclose = null;
    }
    return socket;
  }

  /** Not once it is closed, which whoever listens may do at any change. */
  #after(delayMs: number, callback: () => void): unknown {
    if (this.#link.status === "closed") return null;
    const handle = this.#host.setTimeout(() => {
      this.#timers.delete(handle);
      callback();
    }, delayMs);
    this.#timers.add(handle);
    return handle;
  }

  #cancel(handle: unknown): void {
    this.#timers.delete(handle);
    this.#host.clearTimeout(handle);
  }

  #clearTimers(): void {
    for (const handle of this.#timers) this.#host.clearTimeout(handle);
    this.#timers.clear();
    this.#silence = null;
  }

  #setLink(change: Partial<LinkState>): void {
    if (this.#link.status === "closed") return;
    this.#link = { ...this.#link, ...change };
    for (const listener of this.#listeners) listener(this.#link);
  }
}

function parseJson(data: unknown): unknown {
  try {
    return JSON.parse(String(data));
  } catch {
    return undefined;
  }
}

/** Real time and the browser's sockets. */
export function browserHost(): ConnectionHost {
  return {
    connect: (url, protocols) => new WebSocket(url, [...protocols]) as unknown as Socket,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
    nowMs: () => Date.now(),
    random: () => Math.random(),
  };
}
