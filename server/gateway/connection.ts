/** One client: its requests, answered in order, and its subscriptions. */
import type { Writable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import {
  CLOSE,
  ClientMessage,
  type ControlAction,
  PROTOCOL,
  type Scope,
  type ServerMessage,
} from "../../shared/protocol.ts";
import { RecordingError } from "../recording/recording-error.ts";
import { LibraryError } from "../session/library-error.ts";
import type { Session } from "../session/session.ts";
import { chooseChannels } from "./channels.ts";
import type { Clock } from "./clock.ts";
import { describe } from "./describe.ts";
import { check } from "./explain.ts";
import type { Feeds } from "./feeds.ts";
import type { Limits } from "./limits.ts";
import type { GatewayLogger } from "./logger.ts";
import { Outlet } from "./outlet.ts";
import { locate } from "./position.ts";
import { SessionWatch } from "./session-watch.ts";
import { Subscription, unknownSubscription } from "./subscription.ts";
import { unknownSession, type VisibleSessions } from "./visible-sessions.ts";

export interface ConnectionSurroundings {
  readonly sessions: VisibleSessions;
  readonly scopes: readonly Scope[];
  readonly feeds: Feeds;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly version: string;
  readonly logger: GatewayLogger;
}

type Message<Op extends ClientMessage["op"]> = Extract<ClientMessage, { op: Op }>;
type Echo = { readonly request?: string; readonly id?: number };

export class Connection {
  readonly #socket: WebSocket;
  readonly #around: ConnectionSurroundings;
  readonly #outlet: Outlet;
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #watches = new Map<string, SessionWatch>();
  readonly #inbox: string[] = [];
  #isAnswering = false;
  #isClosed = false;
  #errors = 0;

  /** @param wire  what `socket` itself writes to. */
  constructor(socket: WebSocket, wire: Writable, around: ConnectionSurroundings) {
    this.#socket = socket;
    this.#around = around;
    this.#outlet = new Outlet(socket, wire, around.limits.highWaterBytes);
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("ping", (data: Buffer) => this.#outlet.pong(data));
    socket.on("close", () => this.#release());
    // ws has closed, or is closing, with the code that fits (1007, 1009, 1008); there is nobody to tell.
    socket.on("error", () => {});
    const { maxFrameBytes, maxFragments, maxSubscriptions, maxErrors } = around.limits;
    void this.#answer({
      op: "welcome",
      protocol: PROTOCOL,
      server: { name: "thalweg", version: around.version },
      limits: { maxFrameBytes, maxFragments, maxSubscriptions, maxErrors },
      scopes: [...around.scopes],
    });
  }

  get bufferedBytes(): number {
    return this.#outlet.bufferedBytes;
  }

  get takenBytes(): number {
    return this.#outlet.takenBytes;
  }

  get sentFrames(): number {
    return this.#outlet.sentFrames;
  }

  get sentGaps(): number {
    return this.#outlet.sentGaps;
  }

  get isDrained(): boolean {
    return [...this.#subscriptions.values()].every((subscription) => subscription.isDrained);
  }

  /** After everything that has its turn before. */
  async sayGoodbye(reason: string, retryAfterMs: number): Promise<void> {
    await this.#outlet.turn(() => {
      this.#outlet.send({ op: "goodbye", reason, retryAfterMs });
      this.#socket.close(CLOSE.draining, reason);
    });
  }

  #receive(data: RawData, isBinary: boolean): void {
    // An empty message stands for a binary one: neither is JSON, and both are told so in their turn.
    this.#inbox.push(isBinary ? "" : data.toString());
    if (this.#inbox.length >= this.#around.limits.maxWaiting) this.#socket.pause();
    if (!this.#isAnswering) void this.#answerAll();
  }

  async #answerAll(): Promise<void> {
    this.#isAnswering = true;
    for (let text = this.#inbox.shift(); text !== undefined; text = this.#inbox.shift()) {
      if (this.#isClosed) break;
      await this.#handle(text);
      if (this.#inbox.length === 0 && this.#socket.isPaused) this.#socket.resume();
    }
    this.#isAnswering = false;
  }

  async #handle(text: string): Promise<void> {
    let input: unknown;
    try {
      input = JSON.parse(text);
    } catch {
      return this.#misuse("bad-json", "message: expected a text frame with a JSON object", {});
    }
    const echo = echoOf(input);
    const message = check(ClientMessage, input);
    if (!message.ok) return this.#misuse("invalid-message", message.message, echo);
    try {
      await this.#dispatch(message.value, echo);
    } catch (cause) {
      await this.#fail(cause, message.value.op, echo);
    }
  }

  #dispatch(message: ClientMessage, echo: Echo): Promise<void> {
    const request = echo.request === undefined ? {} : { request: echo.request };
    switch (message.op) {
      case "ping":
        return this.#answer({ op: "pong", t: message.t, ...request });
      case "list":
        return this.#list(request);
      case "describe":
        return this.#withSession(message.session, echo, (session) =>
          this.#answer({ op: "session", ...describe(session), ...request }),
        );
      case "subscribe":
        return this.#withSession(message.session, echo, (session) => this.#subscribe(message, session, echo));
      case "control":
        return this.#withSession(message.session, echo, (session) => this.#control(message, session, echo));
      default:
        return this.#withSubscription(message, echo);
    }
  }

  async #list(request: { readonly request?: string }): Promise<void> {
    const sessions = await this.#around.sessions.summaries();
    await this.#answer({ op: "sessions", sessions, ...request });
  }

  async #withSession(id: string, echo: Echo, answer: (session: Session) => Promise<void>): Promise<void> {
    let session: Session | undefined;
    try {
      session = await this.#around.sessions.resolve(id);
    } catch (cause) {
      if (!(cause instanceof LibraryError)) throw cause;
      return this.#refuse("read-failed", cause.message, echo);
    }
    if (session !== undefined) return answer(session);
    await this.#refuse("unknown-session", unknownSession(id), echo, id === "live");
  }

  async #subscribe(message: Message<"subscribe">, session: Session, echo: Echo): Promise<void> {
    const { id, mode, every, maxHz, speed, allowGap } = message;
    const { feeds, limits, clock } = this.#around;
    if (maxHz !== undefined && mode !== "latest") {
      return this.#misuse("invalid-message", `maxHz: expected with "mode":"latest", got "${mode}"`, echo);
    }
    if (this.#subscriptions.has(id)) {
      return this.#refuse("id-in-use", `id: expected one that is not in use, got ${id}`, echo);
    }
    if (this.#subscriptions.size >= limits.maxSubscriptions) {
      const expected = `at most ${limits.maxSubscriptions} subscriptions on a connection`;
      return this.#refuse("too-many-subscriptions", `subscribe: expected ${expected}, got one more`, echo);
    }
    const choice = chooseChannels(session.header.channels, message.channels);
    if ("code" in choice) return this.#refuse(choice.code, choice.message, echo);
    const start = await locate(session, message.from, allowGap || mode === "latest");
    if ("code" in start) return this.#refuse(start.code, start.message, echo);
    if (this.#isClosed) return;

    const channels = choice.chosen;
    const subscription = new Subscription(
      { id, session, channels, mode, start, every, maxHz, speed, allowGap },
      {
        outlet: this.#outlet,
        feeds,
        clock,
        limits,
        onFailure: (cause) => void this.#fail(cause, "subscription", { id }),
        onClosed: () => this.#forget(subscription),
      },
    );
    this.#subscriptions.set(id, subscription);
    const { headSeq, earliestSeq } = session.status;
    await this.#answer({
      op: "subscribed",
      id,
      session: session.header.id,
      channels: channels.flatMap((channel) => session.header.channels[channel] ?? []),
      firstSeq: Math.max(start.seq, earliestSeq),
      headSeq,
      earliestSeq,
      every: every ?? null,
      maxHz: maxHz ?? null,
      ...("request" in echo ? { request: echo.request } : {}),
    });
    if (!this.#isClosed && !this.#watches.has(session.header.id)) {
      this.#watches.set(session.header.id, new SessionWatch(session, this.#outlet));
    }
    void subscription.run();
  }

  async #withSubscription(
    message: Message<"play" | "pause" | "seek" | "speed" | "loop" | "unsubscribe">,
    echo: Echo,
  ): Promise<void> {
    const { request } = message;
    const subscription = this.#subscriptions.get(message.id);
    if (subscription === undefined) {
      const { code, message: text } = unknownSubscription(message.id);
      return this.#refuse(code, text, echo);
    }
    switch (message.op) {
      case "play":
        return subscription.play(request);
      case "pause":
        return subscription.pause(request);
      case "speed":
        return subscription.setSpeed(message.speed, request);
      case "seek": {
        const to = await locate(subscription.session, message.to, false);
        return "code" in to ? this.#refuse(to.code, to.message, echo) : subscription.seek(to, request);
      }
      case "loop":
        return this.#loop(message, subscription, echo);
      case "unsubscribe":
        subscription.close();
        this.#forget(subscription);
        return this.#answer({ op: "accepted", ...echo });
    }
  }

  async #loop(message: Message<"loop">, subscription: Subscription, echo: Echo): Promise<void> {
    if (message.to === null) return subscription.setLoop(null, message.request);
    const { session } = subscription;
    const from = await locate(session, message.from ?? "start", false);
    if ("code" in from) return this.#refuse(from.code, from.message, echo);
    const toSeq = "seq" in message.to ? message.to.seq : (await session.seqOfStep(message.to.step + 1)) - 1;
    if (toSeq < from.seq) {
      const text = `loop: expected an end at or after its beginning, seq ${from.seq}, got seq ${toSeq}`;
      return this.#refuse("empty-loop", text, echo);
    }
    return subscription.setLoop({ from, toSeq }, message.request);
  }

  async #control(message: Message<"control">, session: Session, echo: Echo): Promise<void> {
    if (!this.#around.scopes.includes("control")) {
      return this.#refuse("forbidden", `control: expected a token of scope "control", got "read"`, echo);
    }
    if (
      message.action === "measure" &&
      (message.stream === undefined) === (message.experiment === undefined)
    ) {
      return this.#misuse("invalid-message", `measure: expected either "stream" or "experiment"`, echo);
    }
    if (session.control === undefined || session.status.state === "ended") {
      return this.#refuse("not-controllable", "control: expected a live session, got a recorded one", echo);
    }
    const { op: _op, session: _session, request: _request, ...action } = message;
    const result = await session.control(action satisfies ControlAction);
    if (!result.accepted) return this.#refuse(result.code, result.message, echo);
    return this.#answer({ op: "accepted", ...echo, seq: result.seq });
  }

  #answer(message: ServerMessage): Promise<void> {
    return this.#outlet.turn(() => this.#outlet.send(message));
  }

  #refuse(code: string, message: string, echo: Echo, retryable = false): Promise<void> {
    return this.#answer({ op: "error", ...echo, code, message, retryable });
  }

  /** A log that cannot be read, or a fault of ours. The sentence names no folder: it travels. */
  #fail(cause: unknown, what: string, echo: Echo): Promise<void> {
    const isOfTheDisk = cause instanceof RecordingError;
    const happened = isOfTheDisk ? "a session could not be read" : "a request failed";
    this.#around.logger.error({ err: cause, what }, happened);
    return isOfTheDisk
      ? this.#refuse("read-failed", `${what}: the log could not be read so far`, echo, true)
      : this.#refuse("internal", `${what}: the server failed; its log says why`, echo, true);
  }

  /** A message that breaks the protocol. A client that goes on so is not worth its memory. */
  async #misuse(code: string, message: string, echo: Echo): Promise<void> {
    this.#errors++;
    await this.#refuse(code, message, echo);
    if (this.#errors < this.#around.limits.maxErrors || this.#isClosed) return;
    this.#release();
    this.#socket.close(CLOSE.protocolErrors, `${this.#errors} messages broke the protocol`);
  }

  #forget(subscription: Subscription): void {
    if (this.#subscriptions.get(subscription.id) !== subscription) return;
    this.#subscriptions.delete(subscription.id);
    const { id } = subscription.session.header;
    if ([...this.#subscriptions.values()].some(({ session }) => session.header.id === id)) return;
    this.#watches.get(id)?.stop();
    this.#watches.delete(id);
  }

  #release(): void {
    this.#isClosed = true;
    this.#inbox.length = 0;
    for (const subscription of this.#subscriptions.values()) subscription.close();
    for (const watch of this.#watches.values()) watch.stop();
    this.#watches.clear();
    this.#outlet.close();
  }
}

/** What an answer repeats of a request, also of one that is not valid. */
function echoOf(input: unknown): Echo {
  if (input === null || typeof input !== "object") return {};
  const { request, id } = input as { request?: unknown; id?: unknown };
  const isId = typeof id === "number" && Number.isInteger(id) && id >= 0 && id <= 0xffff_ffff;
  return { ...(typeof request === "string" ? { request } : {}), ...(isId ? { id } : {}) };
}
