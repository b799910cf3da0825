/** One subscription as docs/protocol.md has it, as plainly as it can be coded: what may come next, and what must have come. */
import type { Position, Speed } from "../../shared/protocol.ts";
import type { Of } from "../support/test-client.ts";
import { Chosen } from "./chosen-model.ts";
import { Latest } from "./latest-model.ts";
import { type ModelLog, NAMES } from "./model-log.ts";
import { isSameValue } from "./same-value.ts";

export interface Wanted {
  readonly channels: readonly string[];
  readonly mode: "lossless" | "latest";
  readonly from: "start" | "now" | Position;
  readonly every: number;
  /** With `latest` only. */
  readonly maxHz?: number;
  readonly allowGap: boolean;
}

/** How far the log had come when something was asked: the server may have looked at it then or later. */
export interface Moment {
  readonly headSeq: number;
  readonly earliestSeq: number;
}

interface Loop {
  readonly from: "start" | Position;
  readonly asked: Moment;
  readonly toSeq: number;
  /** A round that sends nothing is the last. */
  hasSent: boolean;
}

export class WatchModel {
  readonly wanted: Wanted;
  readonly #log: ModelLog;
  readonly #complain: (what: string) => void;
  readonly #latest: Latest | null;
  readonly #chosen: Chosen;
  state: "asked" | "open" | "over" = "asked";
  /** After an unsubscribe nothing more is asked of it. */
  isLeaving = false;
  hasEnded = false;
  isPaused = false;
  /** The next seq that may come. */
  position = 0;
  #channels: readonly string[] = [];
  #generation = 0;
  #speed: Speed = "asap";
  #loop: Loop | null = null;
  /** How often loops have turned back. */
  rounds = 0;

  constructor(log: ModelLog, wanted: Wanted, complain: (what: string) => void) {
    this.#log = log;
    this.wanted = wanted;
    this.#chosen = new Chosen(log.events, wanted.channels, wanted.every);
    this.#complain = complain;
    this.#latest = wanted.mode === "latest" ? new Latest(wanted.maxHz !== undefined, complain) : null;
  }

  /** In a loop whose end is there to be played: it must turn back. */
  get isGoingRound(): boolean {
    if (this.#loop === null || this.state !== "open" || this.isPaused || this.#speed !== "asap") return false;
    return this.#loop.toSeq <= this.#now.headSeq || this.#log.session.status.state === "ended";
  }

  // ---- answers

  subscribed({ channels, session, firstSeq, headSeq, every, maxHz }: Of<"subscribed">, asked: Moment): void {
    const { from } = this.wanted;
    this.state = "open";
    this.#channels = channels.map(({ name }) => name);
    const mayBegin = { ...asked, ...(this.#allowsGap ? { earliestSeq: 0 } : {}) };
    const isMoved =
      this.#allowsGap && typeof from === "object" && "seq" in from && from.seq < this.#now.earliestSeq;
    this.#place(from, isMoved ? from.seq : firstSeq, mayBegin);
    if (isMoved && (firstSeq < from.seq || firstSeq > this.#now.earliestSeq))
      this.#complain(`begins at ${firstSeq}, not at ${from.seq}`);
    if (session !== this.#log.session.header.id) this.#complain(`of session ${session}`);
    if (headSeq < asked.headSeq || headSeq > this.#now.headSeq)
      this.#complain(`the head is said to be ${headSeq}`);
    if (every !== this.wanted.every || maxHz !== (this.wanted.maxHz ?? null))
      this.#complain(`every ${every}, maxHz ${maxHz}`);
    const wanted = NAMES.filter((name) => this.wanted.channels.includes(name));
    if ([...this.#channels].sort().join() !== [...wanted].sort().join())
      this.#complain(`channels ${this.#channels}`);
  }

  paused(message: Of<"state">): void {
    this.isPaused = true;
    this.#answered(message);
  }

  playing(message: Of<"state">): void {
    this.isPaused = false;
    this.#answered(message);
  }

  speedSet(message: Of<"state">, speed: Speed): void {
    this.#speed = speed;
    this.#answered(message);
  }

  loopSet(message: Of<"state">, loop: Omit<Loop, "hasSent"> | null): void {
    if (loop !== null && typeof loop.from === "object" && "seq" in loop.from && loop.toSeq < loop.from.seq)
      this.#complain(`a loop from ${loop.from.seq} to ${loop.toSeq}`);
    this.#loop = loop === null ? null : { ...loop, hasSent: true };
    this.#answered(message);
  }

  sought(message: Of<"state">, to: Position, asked: Moment): void {
    this.#turned(message, to, asked);
  }

  /** @param to  where it was to begin, or to go. */
  refused(
    { code, message }: Of<"error">,
    to: "start" | "now" | Position,
    asked: Moment,
    allowsGap = false,
  ): void {
    const seq = typeof to === "object" && "seq" in to ? to.seq : null;
    const isRight =
      (code === "diverged" && seq !== null && seq > asked.headSeq + 1) ||
      (code === "retention" && seq !== null && seq < this.#now.earliestSeq && !allowsGap);
    if (!isRight) this.#complain(`${code}: ${message}`);
  }

  loopRefused(error: Of<"error">, from: "start" | Position, toSeq: number, asked: Moment): void {
    if (error.code !== "empty-loop") {
      this.refused(error, from, asked);
      return;
    }
    const { earliestSeq } = this.#now;
    const isEmpty =
      from === "start"
        ? toSeq < earliestSeq
        : "seq" in from
          ? toSeq < from.seq
          : !this.#log.events.slice(earliestSeq, toSeq + 1).some(({ step }) => step >= from.step);
    if (!isEmpty) this.#complain(`${error.message}, and it is not empty`);
  }

  // ---- what comes unasked

  sample(seq: number, channel: string | number, step: number, wallTimeMs: number, value: unknown): void {
    const event = this.#log.events[seq];
    const name = typeof channel === "number" ? this.#channels[channel] : channel;
    if (this.isPaused) this.#complain(`seq ${seq} while paused`);
    if (this.hasEnded) this.#complain(`seq ${seq} after the end`);
    if (event === undefined || seq > this.#log.writtenSeq) {
      this.#complain(`seq ${seq} before it was written`);
      return;
    }
    const expected = this.#chosen.next(this.position);
    if (seq < this.position || !this.#chosen.has(event))
      this.#complain(`seq ${seq}, which is not what comes from ${this.position} on`);
    else if (this.#latest === null && seq !== expected) this.#complain(`seq ${seq}, expected ${expected}`);
    this.#latest?.sample(event, this.#chosen.between(this.position, seq));
    if (this.#loop !== null) {
      this.#loop.hasSent = true;
      if (seq > this.#loop.toSeq) this.#complain(`seq ${seq}, in a loop that ends with ${this.#loop.toSeq}`);
    }
    if (Number.isNaN(event.wallTimeMs)) event.wallTimeMs = wallTimeMs;
    const isSame = isSameValue(event, value) && wallTimeMs === event.wallTimeMs && step === event.step;
    if (!isSame || name !== NAMES[event.channel]) this.#complain(`seq ${seq} is not as it was written`);
    this.position = seq + 1;
  }

  gap({ fromSeq, toSeq, count, reason }: Of<"gap">): void {
    if (reason === "conflated" && this.#latest !== null) {
      this.#latest.gap(fromSeq, toSeq, count);
      return;
    }
    const isRight =
      reason === "retention" &&
      this.#allowsGap &&
      toSeq < this.#now.earliestSeq &&
      count === toSeq - fromSeq + 1 &&
      (this.#latest !== null || (fromSeq >= this.position && this.#chosen.next(this.position) >= fromSeq));
    if (!isRight)
      this.#complain(`a gap of ${count} from ${fromSeq} to ${toSeq}, ${reason}, at ${this.position}`);
    this.#chosen.lose(fromSeq, toSeq);
  }

  /** A state that answers nothing: a loop has turned back. */
  turnedBack(message: Of<"state">): void {
    const loop = this.#loop;
    if (loop === null) {
      this.#complain(`generation ${message.generation}, without a seek or a loop`);
      return;
    }
    const { state } = this.#log.session.status;
    const missing = this.#chosen.next(this.position);
    const lastSeq = state === "ended" ? Math.min(loop.toSeq, this.#now.headSeq) : loop.toSeq;
    if (missing <= lastSeq) this.#complain(`the loop turns back before seq ${missing}`);
    if (!loop.hasSent) this.#complain("the loop turns back after a round that sent nothing");
    this.#turned(message, loop.from, loop.asked);
    loop.hasSent = false;
    this.rounds++;
  }

  /** @returns whether it was this one whose round held nothing. */
  loopEmptied(): boolean {
    if (this.#loop === null || this.#loop.hasSent) return false;
    this.#loop = null;
    return true;
  }

  error({ code, message }: Of<"error">): void {
    this.state = "over";
    if (code !== "retention" || this.#allowsGap || this.position >= this.#now.earliestSeq)
      this.#complain(`${code}: ${message}`);
  }

  end({ lastSeq, reason }: Of<"end">): void {
    const { status } = this.#log.session;
    if (this.hasEnded) this.#complain("the end, a second time");
    if (this.isPaused || this.#loop !== null) this.#complain("the end, while paused or in a loop");
    if (status.state !== "ended" || reason !== status.reason || lastSeq !== this.#log.events.length - 1)
      this.#complain(`the end at ${lastSeq}, ${reason}; the session is ${status.state} at ${status.headSeq}`);
    this.#mustHaveAll("the end");
    this.hasEnded = true;
  }

  /** All has been played to the end: nothing of what was chosen is missing, or unaccounted for. */
  finish(): void {
    if (this.state === "asked") this.#complain("never answered");
    if (this.state !== "open" || this.isLeaving) return;
    if (!this.hasEnded) this.#complain("the end never came");
    this.#mustHaveAll("it is over");
  }

  // ----

  get #allowsGap(): boolean {
    return this.wanted.allowGap || this.wanted.mode === "latest";
  }

  get #now(): Moment {
    return this.#log.session.status;
  }

  #answered({ state, seq = -1, speed, generation }: Of<"state">): void {
    if (state !== (this.isPaused ? "paused" : "playing") || speed !== this.#speed)
      this.#complain(`${state} at speed ${speed}`);
    if (generation !== this.#generation)
      this.#complain(`generation ${generation}, expected ${this.#generation}`);
    const next = this.#chosen.next(this.position);
    if (seq < this.position || next < seq) this.#complain(`stands at ${seq}, with seq ${next} to come`);
    this.#latest?.settle();
  }

  #turned(message: Of<"state">, to: "start" | Position, asked: Moment): void {
    this.#latest?.settle();
    this.hasEnded = false;
    this.#generation++;
    this.position = message.seq ?? -1;
    this.#place(to, this.position, asked);
    this.#answered(message);
  }

  #place(to: "start" | "now" | Position, seq: number, asked: Moment): void {
    const { headSeq, earliestSeq } = this.#now;
    const { events } = this.#log;
    this.position = seq;
    this.#chosen.place(seq, typeof to === "object" && "step" in to ? to.step : 0);
    const isRight =
      to === "start"
        ? seq >= asked.earliestSeq && seq <= earliestSeq
        : to === "now"
          ? seq > asked.headSeq && seq <= headSeq + 1
          : "seq" in to
            ? seq === to.seq && seq >= asked.earliestSeq && seq <= headSeq + 1
            : !events.slice(earliestSeq, seq).some(({ step }) => step >= to.step) &&
              (seq > asked.headSeq ||
                (events[seq]?.step ?? -1) >= to.step ||
                (earliestSeq > asked.earliestSeq && seq <= earliestSeq));
    if (!isRight) this.#complain(`stands at ${seq}, asked for ${JSON.stringify(to)}`);
  }

  #mustHaveAll(when: string): void {
    const missing = this.#chosen.next(this.position);
    if (missing <= this.#now.headSeq) this.#complain(`${when}, and seq ${missing} never came`);
    this.#latest?.settle();
  }
}
