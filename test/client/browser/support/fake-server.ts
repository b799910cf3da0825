/** A Thalweg server inside the page: takes the place of WebSocket and of fetch under /v1, and holds the client to the wire's schemas. */
import type { EndReason, SessionHeader, SessionState, SessionSummary } from "../../../../shared/header.ts";
import { ClientMessage, PROTOCOL } from "../../../../shared/protocol.ts";
import type { StreamDescriptor } from "../../../../shared/stream.ts";
import { FakeSocket } from "./fake-socket.ts";
import type { SyntheticEvent, SyntheticSession } from "./synthetic-session.ts";

const BATCH = 400;

interface Held {
  header: SessionHeader;
  /** All that is known of the future; the log is its first `length` events, and whatever control has put between. */
  readonly script: readonly SyntheticEvent[];
  scripted: number;
  readonly log: SyntheticEvent[];
  state: SessionState;
  reason: EndReason | null;
  earliestSeq: number;
}

export interface Subscription {
  readonly id: number;
  readonly held: Held;
  readonly channels: readonly StreamDescriptor[];
  readonly names: ReadonlySet<string>;
  next: number;
  ended: boolean;
}

export class FakeServer {
  readonly received: ClientMessage[] = [];
  readonly posted: unknown[] = [];
  /** Names of files, as they came. */
  readonly uploaded: string[] = [];
  refusesUploadOf: string | null = null;
  presets: unknown[] = [];
  scopes: ("read" | "control")[] = ["read", "control"];
  /** New sockets and requests fail while it is set, as when nothing listens. */
  down = false;
  unauthorised = false;
  /** Those who wait for an answer; null while all are let in. */
  #waiting: FakeSocket[] | null = null;
  readonly #sessions = new Map<string, Held>();
  readonly #sockets = new Set<FakeSocket>();
  #uninstall: (() => void) | null = null;

  /** Puts itself in the page's way. */
  install(): this {
    const server = this;
    const { WebSocket: realSocket, fetch: realFetch } = globalThis;
    class Bound extends FakeSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(server, String(url), protocols);
      }
    }
    // The test runner's own socket must go through.
    globalThis.WebSocket = new Proxy(realSocket, {
      construct: (_target, [url, protocols]: [string | URL, string | string[] | undefined]) =>
        String(url).includes("/v1/stream") ? new Bound(url, protocols) : new realSocket(url, protocols),
    });
    globalThis.fetch = (input, init) => {
      const url = new URL(input instanceof Request ? input.url : String(input), location.href);
      return url.pathname.startsWith("/v1/") ? this.#http(url, init) : realFetch(input, init);
    };
    this.#uninstall = () => {
      globalThis.WebSocket = realSocket;
      globalThis.fetch = realFetch;
    };
    return this;
  }

  uninstall(): void {
    this.down = true;
    this.cut();
    this.#uninstall?.();
    this.#uninstall = null;
  }

  /** A finished session. */
  addRecording(session: SyntheticSession): void {
    this.#add({
      header: session.header,
      script: session.events,
      scripted: session.events.length,
      log: [...session.events],
      state: "ended",
      reason: "finished",
      earliestSeq: 0,
    });
  }

  /** A live session whose log reaches to the end of `step`. */
  addLive(session: SyntheticSession, step = 0): void {
    const held: Held = {
      header: session.header,
      script: session.events,
      scripted: 0,
      log: [],
      state: "running",
      reason: null,
      earliestSeq: 0,
    };
    this.#add(held);
    this.advance(session.header.id, step);
  }

  /** Lets a live session run to the end of `step`; ends it when its script does. */
  advance(id: string, step: number): void {
    const held = this.#held(id);
    while (held.scripted < held.script.length) {
      const event = held.script[held.scripted] as SyntheticEvent;
      if (event.step > step) break;
      held.log.push({ ...event, seq: held.log.length });
      held.scripted += 1;
      const code = event.channel === "run/status" ? (event.value as { code: string }).code : "";
      if (code === "diverged") this.#setState(held, "diverged");
    }
    if (held.scripted === held.script.length && held.state === "running") {
      held.reason = "finished";
      this.#setState(held, "ended");
    }
    this.#flush();
  }

  stepOf(id: string): number {
    return this.#held(id).log.at(-1)?.step ?? -1;
  }

  headSeqOf(id: string): number {
    return this.#held(id).log.length - 1;
  }

  stateOf(id: string): SessionState {
    return this.#held(id).state;
  }

  /** Forgets events below `seq`, as a bounded log does. */
  forget(id: string, seq: number): void {
    this.#held(id).earliestSeq = seq;
  }

  /** The next `count` events are in no file, and nobody is sent them: what a lossless subscription is told of a disk that failed. */
  omit(id: string, count: number): void {
    const held = this.#held(id);
    const fromSeq = held.log.length;
    for (let i = 0; i < count; i++) {
      const event = held.script[held.scripted++] as SyntheticEvent;
      held.log.push({ ...event, seq: held.log.length });
    }
    for (const socket of this.#sockets) {
      for (const subscription of socket.subscriptions.values()) {
        if (subscription.held !== held) continue;
        subscription.next = held.log.length;
        const toSeq = held.log.length - 1;
        socket.deliver({ op: "gap", id: subscription.id, fromSeq, toSeq, count, reason: "unrecorded" });
      }
    }
  }

  /** Every connection breaks without a word. */
  cut(): void {
    for (const socket of [...this.#sockets]) socket.drop(1006, "");
  }

  /** New sockets are left without an answer until `answer()`: what a test sees of a broken line does not depend on how soon it looks. */
  keepWaiting(): void {
    this.#waiting = [];
  }

  answer(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const socket of waiting) this.open(socket);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** @internal */
  open(socket: FakeSocket): void {
    if (this.down || this.unauthorised) {
      socket.drop(1006, "");
      return;
    }
    if (this.#waiting !== null) {
      this.#waiting.push(socket);
      return;
    }
    this.#sockets.add(socket);
    socket.opened();
    socket.deliver({
      op: "welcome",
      protocol: PROTOCOL,
      server: { name: "thalweg", version: "0.1.0" },
      limits: { maxFrameBytes: 65_536, maxFragments: 16, maxSubscriptions: 16, maxErrors: 16 },
      scopes: this.scopes,
    });
  }

  /** @internal */
  closed(socket: FakeSocket): void {
    this.#sockets.delete(socket);
  }

  /** @internal */
  receive(socket: FakeSocket, text: string): void {
    const parsed = ClientMessage.safeParse(JSON.parse(text));
    if (!parsed.success) throw new Error(`the client sent what the wire does not know: ${text}`);
    const message = parsed.data;
    this.received.push(message);
    const echo = message.request === undefined ? {} : { request: message.request };
    const refuse = (code: string, text: string, id?: number) =>
      socket.deliver({
        op: "error",
        ...(id === undefined ? {} : { id }),
        ...echo,
        code,
        message: text,
        retryable: false,
      });
    switch (message.op) {
      case "list":
        socket.deliver({ op: "sessions", sessions: this.#summaries(), ...echo });
        return;
      case "describe": {
        const held = this.#resolve(message.session);
        if (held === undefined) {
          refuse("not-found", `No session ${message.session}`);
          return;
        }
        socket.deliver({
          op: "session",
          header: held.header,
          channels: held.header.channels,
          state: held.state,
          reason: held.reason,
          capabilities: held.state === "ended" ? ["recording"] : ["control", "recording"],
          earliestSeq: held.earliestSeq,
          headSeq: held.log.length - 1,
          ...echo,
        });
        return;
      }
      case "subscribe": {
        const held = this.#resolve(message.session);
        if (held === undefined) {
          refuse("not-found", `No session ${message.session}`, message.id);
          return;
        }
        const globs = message.channels.map(matcher);
        const channels = held.header.channels.filter((channel) => globs.some((glob) => glob(channel.name)));
        const wanted = seqOf(held, message.from);
        if (wanted < held.earliestSeq && !message.allowGap && message.from !== "start") {
          refuse("retention", `Events below ${held.earliestSeq} are gone`, message.id);
          return;
        }
        const first = Math.max(wanted, held.earliestSeq);
        socket.subscriptions.set(message.id, {
          id: message.id,
          held,
          channels,
          names: new Set(channels.map((channel) => channel.name)),
          next: first,
          ended: false,
        });
        socket.deliver({
          op: "subscribed",
          id: message.id,
          session: held.header.id,
          channels,
          firstSeq: first,
          headSeq: held.log.length - 1,
          earliestSeq: held.earliestSeq,
          every: message.every ?? null,
          maxHz: message.maxHz ?? null,
          ...echo,
        });
        if (first > wanted && wanted > 0) {
          const count = first - wanted;
          socket.deliver({
            op: "gap",
            id: message.id,
            fromSeq: wanted,
            toSeq: first - 1,
            count,
            reason: "retention",
          });
        }
        this.#flush();
        return;
      }
      case "unsubscribe":
        socket.subscriptions.delete(message.id);
        return;
      case "ping":
        socket.deliver({ op: "pong", t: message.t, ...echo });
        return;
      case "control":
        this.#control(socket, message, echo);
        return;
      default:
        throw new Error(`the dashboard plays locally; it sent ${message.op}`);
    }
  }

  #control(
    socket: FakeSocket,
    message: Extract<ClientMessage, { op: "control" }>,
    echo: { request?: string },
  ): void {
    const held = this.#resolve(message.session);
    if (held === undefined || held.state === "ended") {
      socket.deliver({
        op: "error",
        ...echo,
        code: "not-live",
        message: "The session has ended",
        retryable: false,
      });
      return;
    }
    const seq = held.log.length;
    const what = message.action === "set" ? `η set to ${message.learningRate}` : message.action;
    const last = held.log.at(-1);
    held.log.push({
      seq,
      channel: "run/status",
      step: last?.step ?? 0,
      wallTimeMs: last?.wallTimeMs ?? held.header.startedAtMs,
      value: { level: "info", code: `control-${message.action}`, message: `Control: ${what}` },
    });
    socket.deliver({ op: "accepted", seq, ...echo });
    if (message.action === "pause") this.#setState(held, "paused");
    if (message.action === "resume") this.#setState(held, "running");
    if (message.action === "step") this.advance(held.header.id, (last?.step ?? 0) + 1);
    if (message.action === "stop") {
      held.reason = "stopped";
      this.#setState(held, "ended");
    }
    this.#flush();
  }

  #add(held: Held): void {
    this.#sessions.set(held.header.id, held);
    for (const socket of this.#sockets) socket.deliver({ op: "sessions", sessions: this.#summaries() });
  }

  #setState(held: Held, state: SessionState): void {
    held.state = state;
    for (const socket of this.#sockets) {
      if ([...socket.subscriptions.values()].some((subscription) => subscription.held === held))
        socket.deliver({ op: "state", session: held.header.id, state });
    }
  }

  #flush(): void {
    for (const socket of this.#sockets) {
      for (const subscription of socket.subscriptions.values()) this.#send(socket, subscription);
    }
  }

  #send(socket: FakeSocket, subscription: Subscription): void {
    const { held } = subscription;
    let batch: SyntheticEvent[] = [];
    const flush = () => {
      if (batch.length > 0) socket.deliver({ op: "samples", id: subscription.id, samples: batch });
      batch = [];
    };
    while (subscription.next < held.log.length) {
      const event = held.log[subscription.next] as SyntheticEvent;
      subscription.next += 1;
      if (subscription.names.has(event.channel)) batch.push(event);
      if (batch.length === BATCH) flush();
    }
    flush();
    if (held.state === "ended" && subscription.next === held.log.length && !subscription.ended) {
      subscription.ended = true;
      socket.deliver({
        op: "end",
        id: subscription.id,
        lastSeq: held.log.length - 1,
        reason: held.reason ?? "finished",
      });
    }
  }

  #http(url: URL, init: RequestInit | undefined): Promise<Response> {
    if (this.down) return Promise.reject(new TypeError("Failed to fetch"));
    if (this.unauthorised)
      return reply({ error: { code: "unauthorised", message: "A token is needed" } }, 401);
    const isPost = init?.method === "POST";
    if (url.pathname === "/v1/presets") return reply({ presets: this.presets });
    if (url.pathname === "/v1/sessions" && isPost) {
      this.posted.push(JSON.parse(String(init?.body)));
      const newest = this.#summaries()[0];
      return reply({ id: newest?.id ?? "" }, 201);
    }
    if (url.pathname === "/v1/sessions") return reply({ sessions: this.#summaries() });
    if (url.pathname === "/v1/recordings" && isPost) {
      const { name } = init.body as File;
      this.uploaded.push(name);
      if (name !== this.refusesUploadOf) return reply({}, 201);
      return reply({ error: { code: "later-part", message: "recording: not this one" } }, 422);
    }
    if (url.pathname === "/v1/shares" && isPost) {
      const { session } = JSON.parse(String(init?.body)) as { session: string };
      return reply(
        { id: "1", session, url: `${location.origin}/launch?code=abc#run=${session}`, expiresAtMs: 2e12 },
        201,
      );
    }
    const held = this.#sessions.get(url.pathname.split("/")[3] ?? "");
    if (held !== undefined && held.state !== "ended" && init?.method !== undefined)
      return reply({ error: { code: "live", message: "session: expected a recording" } }, 409);
    if (held !== undefined && init?.method === "PATCH") {
      const { name } = JSON.parse(String(init.body)) as { name: string };
      held.header = { ...held.header, name };
      return reply({});
    }
    if (held !== undefined && init?.method === "DELETE") {
      this.#sessions.delete(held.header.id);
      return Promise.resolve(new Response(null, { status: 204 }));
    }
    return reply({ error: { code: "not-found", message: `No ${url.pathname}` } }, 404);
  }

  #held(id: string): Held {
    const held = this.#sessions.get(id);
    if (held === undefined) throw new RangeError(`id: expected a session of this server, got ${id}`);
    return held;
  }

  #resolve(id: string): Held | undefined {
    if (id !== "live") return this.#sessions.get(id);
    return [...this.#sessions.values()].reverse().find((held) => held.state !== "ended");
  }

  #summaries(): SessionSummary[] {
    return [...this.#sessions.values()]
      .map(({ header, state, reason, log, earliestSeq }) => ({
        id: header.id,
        name: header.name,
        live: state !== "ended",
        state,
        reason,
        startedAtMs: header.startedAtMs,
        preset: header.preset,
        task: header.task,
        modelSummary: header.modelSummary,
        steps: header.steps,
        step: log.at(-1)?.step ?? -1,
        headSeq: log.length - 1,
        earliestSeq,
      }))
      .sort((a, b) => b.startedAtMs - a.startedAtMs);
  }
}

function seqOf(
  held: Held,
  from: "start" | "now" | { readonly seq: number } | { readonly step: number },
): number {
  if (from === "start") return 0;
  if (from === "now") return held.log.length;
  if ("seq" in from) return from.seq;
  const index = held.log.findIndex((event) => event.step >= from.step);
  return index < 0 ? held.log.length : index;
}

function matcher(glob: string): (name: string) => boolean {
  const pattern = new RegExp(
    `^${glob
      .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("**", "*")
      .replaceAll("*", ".*")}$`,
  );
  return (name) => pattern.test(name);
}

function reply(body: unknown, status = 200): Promise<Response> {
  return Promise.resolve(
    new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } }),
  );
}
