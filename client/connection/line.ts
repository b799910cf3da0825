/** One WebSocket to a server that comes back by itself, and what is known of it. What is said on it is others' business. */
import { decodeFrame, type Frame } from "../../shared/frame.ts";
import { CLOSE, type ClientMessageInput, PROTOCOL, ServerMessage } from "../../shared/protocol.ts";
import { browserHost, type ConnectionHost, type Socket } from "./host.ts";
import { backoffMs, INITIAL_LINK, type LinkState, wordsOfClose } from "./link.ts";

export type Welcome = Extract<ServerMessage, { op: "welcome" }>;

/** What is not about the line itself. */
export type Talk = Exclude<ServerMessage, { op: "welcome" | "goodbye" | "pong" }>;

export interface ConnectionOptions {
  /** "ws://127.0.0.1:6047/v1/stream". */
  readonly url: string;
  /** For pages of another origin; the dashboard itself has its cookie. */
  readonly token?: string;
  readonly host?: ConnectionHost;
}

export interface LineEvents {
  /** The server has said hello, for the first time or again: whatever should be going on has to be asked for. */
  up(): void;
  down(): void;
  talk(message: Talk): void;
  frame(frame: Frame): void;
}

const PING_EVERY_MS = 5_000;
/** Longer without any frame, and the line is dead whatever the socket says. */
const SILENCE_MS = 12_000;
/** Failed attempts after which the badge says offline rather than reconnecting. */
const OFFLINE_AFTER = 4;

export class Line {
  readonly #options: ConnectionOptions;
  readonly #host: ConnectionHost;
  readonly #events: LineEvents;
  #socket: Socket | null = null;
  #link: LinkState = INITIAL_LINK;
  #welcome: Welcome | null = null;
  #failedAttempts = 0;
  #retryAfterMs = 0;
  /** None outlives its socket. */
  readonly #timers = new Set<unknown>();
  #silence: unknown = null;
  readonly #listeners = new Set<(link: LinkState) => void>();

  /** Connects at once. */
  constructor(options: ConnectionOptions, events: LineEvents) {
    this.#options = options;
    this.#host = options.host ?? browserHost();
    this.#events = events;
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

  /** Nothing before the server has said hello. */
  send(message: ClientMessageInput): void {
    if (this.#welcome !== null) this.#socket?.send(JSON.stringify(message));
  }

  /** After a pause, unless the line breaks before. */
  soon(callback: () => void): void {
    this.#after(backoffMs(this.#failedAttempts, this.#host.random()), callback);
  }

  noteOmitted(samples: number): void {
    this.#setLink({ omittedSamples: this.#link.omittedSamples + samples });
  }

  /** Tries again now instead of at `link.retryAtMs`. */
  retryNow(): void {
    if (this.#socket === null && this.#link.status !== "closed") this.#open();
  }

  close(): void {
    this.#clearTimers();
    this.#detach()?.close(1000);
    this.#welcome = null;
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
      if (frame) this.#events.frame(frame);
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
      default:
        this.#events.talk(message);
    }
  }

  #greet(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#failedAttempts = 0;
    this.#retryAfterMs = 0;
    this.#setLink({ status: "connected", reason: null, retryAtMs: null });
    this.#events.up();
    this.#ping();
  }

  #ping(): void {
    this.send({ op: "ping", t: this.#host.nowMs() });
    this.#after(PING_EVERY_MS, () => this.#ping());
  }

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
    this.#events.down();
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
