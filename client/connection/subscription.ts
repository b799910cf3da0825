/** One subscription across any number of sockets: it knows where it is, and so where to go on. */

import type { Frame } from "../../shared/frame.ts";
import type { ClientMessageInput, ServerMessage } from "../../shared/protocol.ts";
import type { StreamDescriptor } from "../../shared/stream.ts";
import { decodeValue, type Json, type Value } from "../../shared/value.ts";

/** A sample as it arrives: values decoded, non-finite numbers real. */
export interface ReceivedSample {
  readonly seq: number;
  readonly channel: string;
  readonly step: number;
  readonly wallTimeMs: number;
  readonly value: Value;
}

export type Position = { readonly seq: number } | { readonly step: number };

export interface SubscribeRequest {
  /** An id, or "live": the newest live one. */
  readonly session: string;
  readonly channels: readonly string[];
  readonly mode?: "lossless" | "latest";
  readonly from?: "start" | "now" | Position;
  readonly every?: number;
  readonly maxHz?: number;
  /** Below `earliestSeq`: a gap and on, rather than an error. Default true: a dashboard shows what there is, and says what is not. */
  readonly allowGap?: boolean;
}

export type Subscribed = Extract<ServerMessage, { op: "subscribed" }>;
export type GapMessage = Extract<ServerMessage, { op: "gap" }>;
export type EndMessage = Extract<ServerMessage, { op: "end" }>;
export type StateMessage = Extract<ServerMessage, { op: "state" }>;
export type ErrorMessage = Extract<ServerMessage, { op: "error" }>;

export interface SubscriptionHandlers {
  /** Again after every reconnection; `session` is then the same. */
  subscribed?(message: Subscribed): void;
  /** In seq order, text and binary alike, each once; values decoded, non-finite numbers real. */
  samples?(samples: readonly ReceivedSample[]): void;
  gap?(message: GapMessage): void;
  /** Once. */
  end?(message: EndMessage): void;
  /** Of the session (`session` set) or of this subscription's playback (`id` set). */
  state?(message: StateMessage): void;
  /** This subscription is over, unless `retryable`. */
  error?(message: ErrorMessage): void;
}

type Subscribe = Extract<ClientMessageInput, { op: "subscribe" }>;

/** The client's side of one subscription, without the socket. */
export class SubscriptionState {
  readonly id: number;
  readonly #request: SubscribeRequest;
  readonly #handlers: SubscriptionHandlers;
  #session: string;
  #channels: readonly StreamDescriptor[] = [];
  /** seq of the next sample wanted; null until the server has said where it begins. */
  #next: number | null = null;
  #isOver = false;
  #hasEnded = false;

  constructor(id: number, request: SubscribeRequest, handlers: SubscriptionHandlers) {
    this.id = id;
    this.#request = request;
    this.#handlers = handlers;
    this.#session = request.session;
  }

  /** Refused or unsubscribed: nothing to resume. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get session(): string {
    return this.#session;
  }

  /** The request that continues it: the resolved session, from the seq after the last one received. */
  message(): Subscribe {
    const { channels, mode, from, every, maxHz, allowGap = true } = this.#request;
    return {
      op: "subscribe",
      id: this.id,
      session: this.#session,
      channels: [...channels],
      mode: mode ?? "lossless",
      from: this.#next === null ? (from ?? "start") : { seq: this.#next },
      allowGap,
      ...(every === undefined ? {} : { every }),
      ...(maxHz === undefined ? {} : { maxHz }),
    };
  }

  close(): void {
    this.#isOver = true;
  }

  /** Returns how many samples the message says were left out. */
  receive(
    message:
      | Subscribed
      | GapMessage
      | EndMessage
      | StateMessage
      | ErrorMessage
      | Extract<ServerMessage, { op: "samples" }>,
  ): number {
    if (this.#isOver) return 0;
    switch (message.op) {
      case "subscribed":
        this.#session = message.session;
        this.#channels = message.channels;
        this.#next ??= message.firstSeq;
        this.#handlers.subscribed?.(message);
        return 0;
      case "samples": {
        const samples = message.samples.map((sample) => ({
          ...sample,
          value: decodeValue(sample.value as Json),
        }));
        this.#deliver(samples);
        return 0;
      }
      case "gap":
        // Of what is conflated, newer samples of other channels lie between, and come behind this.
        if (message.reason !== "conflated") this.#next = Math.max(this.#next ?? 0, message.toSeq + 1);
        this.#handlers.gap?.(message);
        return message.count;
      case "state":
        this.#handlers.state?.(message);
        return 0;
      case "end":
        if (!this.#hasEnded) this.#handlers.end?.(message);
        this.#hasEnded = true;
        return 0;
      case "error":
        this.#isOver = !message.retryable;
        this.#handlers.error?.(message);
        return 0;
    }
  }

  receiveFrame(frame: Frame): void {
    const channel = this.#channels[frame.channel];
    if (this.#isOver || !channel) return;
    const { seq, step, wallTimeMs, payload } = frame;
    this.#deliver([{ seq, step, wallTimeMs, channel: channel.name, value: payload }]);
  }

  #deliver(samples: readonly ReceivedSample[]): void {
    const wanted = this.#next ?? 0;
    // The server never repeats; but a client that believed so would show a repeated sample as a second one.
    const fresh = samples.filter((sample) => sample.seq >= wanted);
    const last = fresh.at(-1);
    if (!last) return;
    this.#next = last.seq + 1;
    this.#handlers.samples?.(fresh);
  }
}
