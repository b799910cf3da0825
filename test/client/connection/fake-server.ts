/** A thalweg server without a socket: a log that grows, and lines that break wherever a test says. Time is the test's. */
import type { ConnectionHost, Socket } from "../../../client/connection/host.ts";
import { encodeFrame } from "../../../shared/frame.ts";
import { ClientMessage, PROTOCOL } from "../../../shared/protocol.ts";
import { encodeValue } from "../../../shared/value.ts";
import { descriptor } from "../data/descriptors.ts";

export interface LoggedEvent {
  readonly seq: number;
  readonly channel: string;
  readonly step: number;
  readonly value: number;
}

export const SESSION = "0123456789abcdef0123456789abcdef";
const CHANNELS = [
  descriptor("train/loss"),
  descriptor("path/loss"),
  { ...descriptor("train/weights"), encoding: "f32" as const },
];

interface Line {
  readonly socket: Socket;
  isOpen: boolean;
  readonly cursors: Map<number, { next: number; channels: readonly string[] }>;
}

export class FakeServer implements ConnectionHost {
  readonly received: ClientMessage[] = [];
  readonly lines: Line[] = [];
  readonly protocols: (readonly string[])[] = [];
  readonly log: LoggedEvent[] = [];
  isReachable = true;
  answersPings = true;
  hasEnded = false;
  #nowMs = 1_000_000;
  #timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();
  #nextTimer = 1;

  /** Samples alternate over the channels; every tenth value is not finite. */
  append(count: number): void {
    for (let i = 0; i < count; i++) {
      const seq = this.log.length;
      const channel = CHANNELS[seq % 3]?.name ?? "";
      this.log.push({
        seq,
        channel,
        step: Math.floor(seq / 3),
        value: seq % 10 === 7 ? Number.NaN : seq / 8,
      });
    }
  }

  get line(): Line | undefined {
    return this.lines.findLast(({ isOpen }) => isOpen);
  }

  connect(_url: string, protocols: readonly string[]): Socket {
    this.protocols.push(protocols);
    const socket: Socket = {
      binaryType: "blob",
      onmessage: null,
      onclose: null,
      onerror: null,
      send: (data) => this.#receive(line, data),
      close: () => this.#close(line, 1000),
    };
    const line: Line = { socket, isOpen: true, cursors: new Map() };
    this.lines.push(line);
    this.setTimeout(() => {
      if (!this.isReachable) this.#close(line, 1006);
      else {
        const limits = { maxFrameBytes: 65_536, maxFragments: 16, maxSubscriptions: 16, maxErrors: 16 };
        const server = { name: "fake", version: "0" };
        this.send(line, { op: "welcome", protocol: PROTOCOL, server, limits, scopes: ["read", "control"] });
      }
    }, 1);
    return socket;
  }

  /** Breaks the line as networks do: what was under way is lost. */
  cut(code = 1006): void {
    if (this.line) this.#close(this.line, code);
  }

  /** Sends up to `count` further events of each subscription; weights as a binary frame, the rest as one batch. */
  deliver(count: number): void {
    const { line } = this;
    if (!line) return;
    for (const [id, cursor] of line.cursors) {
      const chosen = this.log.slice(cursor.next).filter(({ channel }) => cursor.channels.includes(channel));
      const due = chosen.slice(0, count);
      const last = due.at(-1);
      if (last) cursor.next = last.seq + 1;
      let batch: unknown[] = [];
      const flush = (): void => {
        if (batch.length > 0) this.send(line, { op: "samples", id, samples: batch });
        batch = [];
      };
      for (const { seq, channel, step, value } of due) {
        if (channel !== "train/weights") {
          batch.push({ seq, channel, step, wallTimeMs: seq, value });
          continue;
        }
        flush();
        const payload = new Float32Array([value]);
        const bytes = encodeFrame({
          subscription: id,
          seq,
          wallTimeMs: seq,
          step,
          channel: cursor.channels.indexOf(channel),
          lossy: false,
          payload,
        });
        line.socket.onmessage?.({ data: bytes.buffer });
      }
      flush();
      if (this.hasEnded && due.length === chosen.length)
        this.send(line, { op: "end", id, lastSeq: this.log.length - 1, reason: "finished" });
    }
  }

  send(line: Line, message: unknown): void {
    if (line.isOpen) line.socket.onmessage?.({ data: encodeValue(message) });
  }

  /** Lets time pass, timer by timer. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, { atMs }]) => atMs <= untilMs)
        .sort((a, b) => a[1].atMs - b[1].atMs)[0];
      if (!due) break;
      const [handle, { atMs, callback }] = due;
      this.#timers.delete(handle);
      this.#nowMs = Math.max(this.#nowMs, atMs);
      callback();
    }
    this.#nowMs = untilMs;
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  setTimeout(callback: () => void, delayMs: number): number {
    this.#timers.set(this.#nextTimer, { atMs: this.#nowMs + delayMs, callback });
    return this.#nextTimer++;
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  random(): number {
    return 0.5;
  }

  #receive(line: Line, data: string): void {
    const message = ClientMessage.parse(JSON.parse(data));
    this.received.push(message);
    const request = "request" in message && message.request !== undefined ? { request: message.request } : {};
    const answer = (body: object): void => this.send(line, { ...body, ...request });
    switch (message.op) {
      case "ping":
        if (this.answersPings) answer({ op: "pong", t: message.t });
        return;
      case "list":
        answer({ op: "sessions", sessions: [] });
        return;
      case "subscribe": {
        const { from } = message;
        const next =
          typeof from === "object" && "seq" in from ? from.seq : from === "now" ? this.log.length : 0;
        if (next > this.log.length) {
          answer({
            op: "error",
            id: message.id,
            code: "diverged",
            message: "beyond the head",
            retryable: false,
          });
          return;
        }
        line.cursors.set(message.id, { next, channels: message.channels });
        answer({
          op: "subscribed",
          id: message.id,
          session: SESSION,
          channels: message.channels.map((name) => CHANNELS.find((channel) => channel.name === name)),
          firstSeq: next,
          headSeq: this.log.length - 1,
          earliestSeq: 0,
          every: null,
          maxHz: null,
        });
        return;
      }
      case "unsubscribe":
        line.cursors.delete(message.id);
        answer({ op: "accepted", id: message.id });
        return;
      default:
    }
  }

  #close(line: Line, code: number): void {
    if (!line.isOpen) return;
    line.isOpen = false;
    line.socket.onclose?.({ code, reason: "" });
  }
}
