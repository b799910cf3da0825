/** Everything one client asks and is sent, each answer in its turn, each frame held against the model of its subscription. */
import type { Position, Speed } from "../../shared/protocol.ts";
import type { Of, Received } from "../support/test-client.ts";
import type { ModelLog } from "./model-log.ts";
import { type Moment, type Wanted, WatchModel } from "./watch-model.ts";

/** What is asked of a subscription. */
export type Request =
  | { readonly op: "subscribe"; readonly wanted: Wanted }
  | { readonly op: "pause" | "play" | "unsubscribe" }
  | { readonly op: "speed"; readonly speed: Speed }
  | { readonly op: "seek"; readonly to: Position }
  | {
      readonly op: "loop";
      readonly loop: { readonly from: "start" | Position; readonly toSeq: number } | null;
    };

interface Asked {
  readonly request: string;
  /** -1: a ping. */
  readonly id: number;
  readonly what: Request | null;
  readonly at: Moment;
}

export class Transcript {
  readonly complaints: string[] = [];
  readonly #log: ModelLog;
  readonly #watches = new Map<number, WatchModel>();
  /** Not yet answered, in their order. */
  readonly #asked: Asked[] = [];
  #requests = 0;

  constructor(log: ModelLog) {
    this.#log = log;
  }

  /** @returns the `request` to send along. */
  ask(id: number, what: Request | null): string {
    const request = String(this.#requests++);
    const { headSeq, earliestSeq } = this.#log.session.status;
    this.#asked.push({ request, id, what, at: { headSeq, earliestSeq } });
    if (what?.op === "subscribe")
      this.#watches.set(
        id,
        new WatchModel(this.#log, what.wanted, (sentence) =>
          this.complaints.push(`subscription ${id}: ${sentence}`),
        ),
      );
    const watch = this.#watches.get(id);
    if (what?.op === "unsubscribe" && watch !== undefined) watch.isLeaving = true;
    return request;
  }

  /** Those of which something may be asked. */
  get live(): readonly (readonly [number, WatchModel])[] {
    return [...this.#watches].filter(([, { isLeaving, state }]) => !isLeaving && state !== "over");
  }

  watch(id: number): WatchModel | undefined {
    return this.#watches.get(id);
  }

  get isAnswered(): boolean {
    return this.#asked.length === 0;
  }

  get haveAllEnded(): boolean {
    return this.isAnswered && this.live.every(([, { hasEnded }]) => hasEnded);
  }

  finish(): void {
    for (const [, watch] of this.#watches) watch.finish();
  }

  take(message: Received): void {
    if ("request" in message && message.request !== undefined) {
      this.#answer(message, message.request);
      return;
    }
    if (message.op === "error" && message.id === undefined) {
      if (message.code !== "empty-loop" || ![...this.#watches.values()].some((watch) => watch.loopEmptied()))
        this.complaints.push(`${message.code}: ${message.message}`);
      return;
    }
    const id =
      message.op === "binary" ? message.frame.subscription : "id" in message ? message.id : undefined;
    if (id === undefined) return;
    const watch = this.#watches.get(id);
    if (watch?.state !== "open")
      this.complaints.push(`subscription ${id}: ${message.op}, and it is ${watch?.state}`);
    else unasked(watch, message);
  }

  #answer(message: Received, request: string): void {
    const asked = this.#asked.shift();
    if (asked?.request !== request) {
      this.complaints.push(`request ${request} is answered where ${asked?.request} was next`);
      return;
    }
    const watch = this.#watches.get(asked.id);
    if (watch === undefined || asked.what === null) {
      if (message.op !== "pong") this.complaints.push(`a ping is answered ${message.op}`);
    } else if (message.op === "error") refused(watch, asked.what, message, asked.at);
    else if (!granted(watch, asked.what, message, asked.at))
      this.complaints.push(`subscription ${asked.id}: ${asked.what.op} is answered ${message.op}`);
  }
}

function unasked(watch: WatchModel, message: Received): void {
  switch (message.op) {
    case "samples":
      for (const { seq, channel, step, wallTimeMs, value } of message.samples)
        watch.sample(seq, channel, step, wallTimeMs, value);
      return;
    case "binary": {
      const { seq, channel, step, wallTimeMs, payload } = message.frame;
      watch.sample(seq, channel, step, wallTimeMs, payload);
      return;
    }
    case "gap":
      watch.gap(message);
      return;
    case "state":
      watch.turnedBack(message);
      return;
    case "end":
      watch.end(message);
      return;
    case "error":
      watch.error(message);
      return;
    default:
  }
}

/** @returns whether it is the kind of answer that belongs to this request. */
function granted(watch: WatchModel, what: Request, message: Received, at: Moment): boolean {
  if (what.op === "subscribe") {
    if (message.op === "subscribed") watch.subscribed(message, at);
    return message.op === "subscribed";
  }
  if (what.op === "unsubscribe") {
    watch.state = "over";
    return message.op === "accepted";
  }
  if (message.op !== "state") return false;
  if (what.op === "pause") watch.paused(message);
  else if (what.op === "play") watch.playing(message);
  else if (what.op === "speed") watch.speedSet(message, what.speed);
  else if (what.op === "seek") watch.sought(message, what.to, at);
  else if (what.op === "loop")
    watch.loopSet(message, what.loop === null ? null : { ...what.loop, asked: at });
  return true;
}

function refused(watch: WatchModel, what: Request, message: Of<"error">, at: Moment): void {
  const isGone = message.code === "unknown-subscription" && watch.state === "over";
  if (isGone) return;
  if (what.op === "subscribe") {
    const { from, allowGap, mode } = what.wanted;
    watch.refused(message, from, at, allowGap || mode === "latest");
    watch.state = "over";
  } else if (what.op === "seek") watch.refused(message, what.to, at);
  else if (what.op === "loop" && what.loop !== null)
    watch.loopRefused(message, what.loop.from, what.loop.toSeq, at);
  else watch.error(message);
}
