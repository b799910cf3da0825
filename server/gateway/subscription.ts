/** One subscription: a cursor of its own, read only when the client can take what is read. */
import { setImmediate as nextTurnOfTheLoop } from "node:timers/promises";
import { encodeFrame } from "../../shared/frame.ts";
import type { ServerMessage, Speed } from "../../shared/protocol.ts";
import type { Cursor, Session, SessionEvent } from "../session/session.ts";
import { Bell } from "./bell.ts";
import type { Clock } from "./clock.ts";
import { Conflation } from "./conflation.ts";
import type { Limits } from "./limits.ts";
import type { Outlet } from "./outlet.ts";
import { Pace } from "./pace.ts";
import { forgotten, type Start } from "./position.ts";
import { SampleBatch, sampleText } from "./sample-text.ts";

export interface SubscriptionRequest {
  readonly id: number;
  readonly session: Session;
  /** Indices into `session.header.channels`; a channel's place in this list is its number in binary frames. */
  readonly channels: readonly number[];
  readonly mode: "lossless" | "latest";
  readonly start: Start;
  readonly every: number | undefined;
  readonly maxHz: number | undefined;
  readonly speed: Speed;
  readonly allowGap: boolean;
}

export interface SubscriptionSurroundings {
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The log could not be read. */
  readonly onFailure: (cause: unknown) => void;
  /** It ended by itself: retention, or a log that cannot be read. */
  readonly onClosed: () => void;
}

export function unknownSubscription(id: number): { readonly code: string; readonly message: string } {
  return {
    code: "unknown-subscription",
    message: `id: expected a subscription of this connection, got ${id}`,
  };
}

interface Loop {
  readonly from: Start;
  /** The last seq played. */
  readonly toSeq: number;
  hasSent: boolean;
}

export class Subscription {
  readonly id: number;
  readonly session: Session;
  readonly #request: SubscriptionRequest;
  readonly #around: SubscriptionSurroundings;
  readonly #cursor: Cursor;
  /** By index into `header.channels`. */
  readonly #numbers: ReadonlyMap<number, number>;
  readonly #names: readonly string[];
  readonly #bell = new Bell();
  readonly #pace: Pace;

  /** Read, but not yet due. */
  #pending: SessionEvent[] = [];
  #fromStep: number;
  /** Asked for, and not yet found to be held: a log drops its oldest events while one is on the way to them. */
  #soughtSeq: number;
  #loop: Loop | null = null;
  #generation = 0;
  #isPaused = false;
  #isEndSent = false;
  #isClosed = false;
  #nextFlushMs = 0;
  #releaseHurry: (() => void) | null = null;

  constructor(request: SubscriptionRequest, around: SubscriptionSurroundings) {
    this.id = request.id;
    this.session = request.session;
    this.#request = request;
    this.#around = around;
    this.#fromStep = request.start.fromStep;
    this.#soughtSeq = request.start.seq;
    this.#pace = new Pace(around.clock, request.speed);
    this.#names = request.session.header.channels.map(({ name }) => name);
    this.#numbers = new Map(request.channels.map((channel, number) => [channel, number]));
    this.#cursor = request.session.cursor({
      channels: new Set(request.channels),
      from: request.start.seq,
      ...(request.every === undefined ? {} : { every: request.every }),
    });
  }

  /** Sends until closed. Never rejects. */
  async run(): Promise<void> {
    const changes = this.session.status$.subscribe(() => this.#bell.ring());
    try {
      while (!this.#isClosed) {
        const waitMs = this.#waitMs();
        if (waitMs > 0) await this.#sleep(waitMs);
        else {
          await this.#flushInTurn();
          // A log in memory answers in microtasks: without this, one fast reader would keep every other socket waiting.
          await nextTurnOfTheLoop();
        }
      }
    } catch (cause) {
      this.#around.onFailure(cause);
    } finally {
      this.#isClosed = true;
      changes.unsubscribe();
      this.#hurry(false);
      this.#cursor.close();
      this.#around.onClosed();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#bell.ring();
  }

  /** Has everything been sent that is due without waiting for time, play, or new events? */
  get isDrained(): boolean {
    return this.#isClosed || this.#waitMs() === Number.POSITIVE_INFINITY || this.#pace.speed !== "asap";
  }

  /** The playback operations wait for their turn, so that none meets a read half done, and no sample of before follows its answer. */
  play(request?: string): Promise<void> {
    return this.#change(request, () => {
      this.#isPaused = false;
      this.#pace.restart();
    });
  }

  pause(request?: string): Promise<void> {
    return this.#change(request, () => {
      this.#isPaused = true;
    });
  }

  seek(to: Start, request?: string): Promise<void> {
    return this.#change(request, () => this.#seek(to));
  }

  setSpeed(speed: Speed, request?: string): Promise<void> {
    return this.#change(request, () => {
      this.#pace.speed = speed;
    });
  }

  setLoop(loop: { readonly from: Start; readonly toSeq: number } | null, request?: string): Promise<void> {
    return this.#change(request, () => {
      this.#loop = loop === null ? null : { ...loop, hasSent: true };
    });
  }

  #change(request: string | undefined, apply: () => void): Promise<void> {
    const { outlet } = this.#around;
    return outlet.turn(() => {
      // It ended by itself while this waited for its turn.
      if (this.#isClosed) {
        const echo = request === undefined ? {} : { request };
        outlet.send({ op: "error", id: this.id, ...echo, ...unknownSubscription(this.id), retryable: false });
        return;
      }
      apply();
      outlet.send(this.#state(request));
      this.#bell.ring();
    });
  }

  #state(request?: string): ServerMessage {
    return {
      op: "state",
      id: this.id,
      state: this.#isPaused ? "paused" : "playing",
      seq: this.#pending[0]?.seq ?? this.#cursor.position,
      speed: this.#pace.speed,
      generation: this.#generation,
      ...(request === undefined ? {} : { request }),
    };
  }

  #seek(to: Start): void {
    this.#cursor.seek(to.seq);
    this.#pending = [];
    this.#fromStep = to.fromStep;
    this.#soughtSeq = to.seq;
    this.#generation++;
    this.#isEndSent = false;
    this.#nextFlushMs = 0;
    this.#pace.restart();
  }

  /** Until there is something to send; Infinity: not before a write, or an operation, rings. */
  #waitMs(): number {
    if (this.#isPaused) return Number.POSITIVE_INFINITY;
    if (!this.#hasMore && !this.#isLoopDone && !this.#isEndDue) return Number.POSITIVE_INFINITY;
    const next = this.#pending[0];
    const dueInMs = next === undefined || this.#isLoopDone ? 0 : this.#pace.dueInMs(next.wallTimeMs);
    return Math.max(dueInMs, this.#nextFlushMs - this.#around.clock.now());
  }

  get #hasMore(): boolean {
    return this.#pending.length > 0 || this.#cursor.position <= this.session.status.headSeq;
  }

  get #isAtEnd(): boolean {
    return !this.#hasMore && this.session.status.state === "ended";
  }

  get #isEndDue(): boolean {
    return this.#isAtEnd && this.#loop === null && !this.#isEndSent;
  }

  get #isLoopDone(): boolean {
    if (this.#loop === null) return false;
    return (this.#pending[0]?.seq ?? this.#cursor.position) > this.#loop.toSeq || this.#isAtEnd;
  }

  async #sleep(ms: number): Promise<void> {
    const isLive = this.session.status.state !== "ended";
    if (ms === Number.POSITIVE_INFINITY) this.#hurry(isLive && !this.#isPaused);
    const cancel = Number.isFinite(ms) ? this.#around.clock.after(ms, () => this.#bell.ring()) : null;
    await this.#bell.rung();
    cancel?.();
  }

  /** Chunks are kept small only for those who wait for them. */
  #hurry(wanted: boolean): void {
    if (!wanted || this.#request.mode !== "lossless") {
      this.#releaseHurry?.();
      this.#releaseHurry = null;
    } else this.#releaseHurry ??= this.session.hurry();
  }

  async #flushInTurn(): Promise<void> {
    const { outlet, clock, limits } = this.#around;
    const isSlow = !outlet.isReady;
    if (isSlow) this.#hurry(false);
    await outlet.turn(async () => {
      const { earliestSeq } = this.session.status;
      if (this.#isClosed || this.#isPaused) return;
      if (!this.#skipForgotten(Math.min(this.#soughtSeq, this.#cursor.position), earliestSeq)) return;
      this.#soughtSeq = Number.POSITIVE_INFINITY;
      this.#skipHole();
      if (this.#request.mode === "latest") await this.#flushLatest(isSlow);
      else this.#send(await this.#take());
      if (!this.#isClosed) this.#turnBackOrEnd();
    });
    const isCatchingUp = this.#hasMore && this.#request.mode === "lossless";
    const spacingMs = 1000 / (this.#request.maxHz ?? 1000 / limits.batchMs);
    this.#nextFlushMs = isCatchingUp ? 0 : clock.now() + spacingMs;
  }

  /** The next events that are due, at most a batch of them. */
  async #take(): Promise<SessionEvent[]> {
    const { limits } = this.#around;
    if (this.#pending.length === 0) {
      const before = this.#cursor.position;
      const read = await this.#cursor.read(
        this.#pace.speed === "asap"
          ? { maxEvents: limits.batchEvents, maxBytes: limits.batchBytes }
          : { maxEvents: limits.pacedEvents, maxBytes: limits.pacedBytes },
      );
      if (this.#isClosed) return [];
      // The log may drop its oldest events while they are being read.
      const heldFrom = Math.min(this.session.status.earliestSeq, read[0]?.seq ?? Number.POSITIVE_INFINITY);
      if (!this.#skipForgotten(before, heldFrom)) return [];
      this.#pending = this.#passOverEarlierSteps(read);
    }
    const toSeq = this.#loop?.toSeq ?? Number.POSITIVE_INFINITY;
    const isDue = (event: SessionEvent) => event.seq <= toSeq && this.#pace.dueInMs(event.wallTimeMs) === 0;
    const firstNotDue = this.#pending.findIndex((event) => !isDue(event));
    return this.#pending.splice(0, firstNotDue < 0 ? this.#pending.length : firstNotDue);
  }

  #passOverEarlierSteps(events: readonly SessionEvent[]): SessionEvent[] {
    if (this.#fromStep === 0) return [...events];
    const first = events.findIndex(({ step }) => step >= this.#fromStep);
    if (first < 0) return [];
    this.#fromStep = 0;
    return events.slice(first);
  }

  /** Everything due, the newest of each channel sent, the rest announced. */
  async #flushLatest(isSlow: boolean): Promise<void> {
    const conflation = new Conflation();
    const headSeq = this.session.status.headSeq;
    for (;;) {
      const events = await this.#take();
      if (this.#isClosed) return;
      events.forEach((event) => {
        conflation.add(event);
      });
      const isWaiting = this.#pending.length > 0 || this.#cursor.position > headSeq || this.#isLoopDone;
      if (isWaiting) break;
      await nextTurnOfTheLoop();
    }
    // Samples that maxHz thins out were asked to be left out; those that a slow client made wait were not.
    const isAsked = this.#request.maxHz !== undefined && !isSlow;
    const { omission } = conflation;
    if (omission !== null && !isAsked) {
      this.#around.outlet.send({ op: "gap", id: this.id, ...omission, reason: "conflated" });
    }
    this.#send(conflation.newest);
  }

  #send(events: readonly SessionEvent[]): void {
    const { outlet, limits } = this.#around;
    const batch = new SampleBatch(this.id, limits.batchBytes, (frame) => outlet.send(frame));
    for (const event of events) {
      if (event.data === undefined) {
        batch.add(sampleText(event, this.#names[event.channel] ?? ""));
        continue;
      }
      batch.flush();
      outlet.send(
        encodeFrame({
          subscription: this.id,
          seq: event.seq,
          wallTimeMs: event.wallTimeMs,
          step: event.step,
          channel: this.#numbers.get(event.channel) ?? 0,
          lossy: false,
          payload: event.data,
        }),
      );
    }
    batch.flush();
    if (this.#loop !== null && events.length > 0) this.#loop.hasSent = true;
  }

  /** Moves past what the log has dropped, and says so. False: the client did not allow it, and the subscription is over. */
  #skipForgotten(positionSeq: number, heldFromSeq: number): boolean {
    if (positionSeq >= heldFromSeq) return true;
    const { outlet } = this.#around;
    if (this.#request.mode === "lossless" && !this.#request.allowGap) {
      outlet.send({ op: "error", id: this.id, ...forgotten(positionSeq, heldFromSeq), retryable: false });
      this.close();
      return false;
    }
    outlet.send({
      op: "gap",
      id: this.id,
      fromSeq: positionSeq,
      toSeq: heldFromSeq - 1,
      count: heldFromSeq - positionSeq,
      reason: "retention",
    });
    if (this.#cursor.position < heldFromSeq) this.#cursor.seek(heldFromSeq);
    return true;
  }

  /** Moves past what was never recorded, and says so: no client can do anything about it. */
  #skipHole(): void {
    const hole = this.#pending.length > 0 ? undefined : this.session.holeAt?.(this.#cursor.position);
    if (hole === undefined) return;
    const { position: fromSeq } = this.#cursor;
    const { toSeq } = hole;
    const count = toSeq - fromSeq + 1;
    this.#around.outlet.send({ op: "gap", id: this.id, fromSeq, toSeq, count, reason: "unrecorded" });
    this.#cursor.seek(toSeq + 1);
  }

  #turnBackOrEnd(): void {
    const { outlet } = this.#around;
    if (this.#loop !== null && this.#isLoopDone) {
      if (this.#loop.hasSent) {
        this.#loop.hasSent = false;
        this.#seek(this.#loop.from);
        outlet.send(this.#state());
        return;
      }
      // A round that holds nothing would go round for ever, as fast as the machine can.
      this.#loop = null;
      const message = `loop: expected a range with samples of subscription ${this.id}, got none; the loop is off`;
      outlet.send({ op: "error", code: "empty-loop", message, retryable: false });
    }
    if (this.#isEndDue) {
      this.#isEndSent = true;
      const { headSeq, reason } = this.session.status;
      outlet.send({ op: "end", id: this.id, lastSeq: headSeq, reason: reason ?? "interrupted" });
    }
  }
}
