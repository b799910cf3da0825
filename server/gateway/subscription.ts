/** One subscription: how it plays, alone or with others. */
import { setImmediate as nextTurnOfTheLoop } from "node:timers/promises";
import { skip } from "rxjs";
import type { ServerMessage, Speed } from "../../shared/protocol.ts";
import type { Session, SessionEvent } from "../session/session.ts";
import { Bell } from "./bell.ts";
import type { Clock } from "./clock.ts";
import { Conflation } from "./conflation.ts";
import type { Follower } from "./feed.ts";
import type { Feeds, HeldFeed } from "./feeds.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { Limits } from "./limits.ts";
import type { Outlet } from "./outlet.ts";
import { Pace } from "./pace.ts";
import { forgotten, type Start } from "./position.ts";
import { type Missing, Reading } from "./reading.ts";

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
  readonly feeds: Feeds;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The log could not be read: a RecordingError; or there is a fault of ours. */
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
  readonly #reading: Reading;
  readonly #writer: FrameWriter;
  readonly #bell = new Bell();
  readonly #pace: Pace;
  /** What it shares with all who chose the same; null for `latest`, where each leaves out what it was too slow for. */
  readonly #held: HeldFeed | null;
  readonly #follower: Follower;

  /** Of `latest`: read, and not yet sent. */
  readonly #conflation = new Conflation();
  #isThinned = false;
  #isFollowing = false;
  /** Of the feed that it followed. */
  #failure: { readonly cause: unknown } | null = null;
  #loop: Loop | null = null;
  #generation = 0;
  #isPaused = false;
  #isEndSent = false;
  #isClosed = false;
  #nextFlushMs = 0;
  #releaseHurry: (() => void) | null = null;

  constructor(request: SubscriptionRequest, around: SubscriptionSurroundings) {
    const { id, session, channels, every, start } = request;
    const { outlet, feeds, clock, limits } = around;
    this.id = id;
    this.session = session;
    this.#request = request;
    this.#around = around;
    this.#pace = new Pace(clock, request.speed);
    this.#writer = new FrameWriter(session.header, channels, limits.batchBytes);
    this.#reading = new Reading(session, {
      channels,
      every,
      start,
      onMissing: (missing) => this.#passOver(missing),
    });
    this.#held = request.mode === "latest" ? null : feeds.hold(session, channels, every);
    this.#follower = {
      id,
      outlet,
      letGo: (seq) => this.#goAlone(seq),
      fail: (seq, cause) => {
        this.#failure = { cause };
        this.#goAlone(seq);
      },
    };
  }

  /** Sends until closed. Never rejects. */
  async run(): Promise<void> {
    try {
      while (!this.#isClosed) {
        if (this.#failure !== null) throw this.#failure.cause;
        if (this.#tryToFollow()) {
          await this.#bell.rung();
          continue;
        }
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
      this.close();
      this.#hurry(false);
      this.#reading.close();
      this.#held?.release();
      this.#around.onClosed();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#leave();
    this.#bell.ring();
  }

  /** Has everything been sent that is due without waiting for time, play, or new events? */
  get isDrained(): boolean {
    if (this.#isFollowing && this.#held !== null) return this.#held.feed.isDrained;
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
      this.#leave();
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
      seq: this.#reading.position,
      speed: this.#pace.speed,
      generation: this.#generation,
      ...(request === undefined ? {} : { request }),
    };
  }

  /** Does it want nothing but what comes next, like all who stand where it stands? */
  get #canFollow(): boolean {
    if (this.#held === null || this.#isPaused || this.#loop !== null || this.#pace.speed !== "asap")
      return false;
    return this.#reading.isPlain && this.#held.feed.canBeFollowedFrom(this.#reading.position);
  }

  #tryToFollow(): boolean {
    if (this.#isFollowing) return true;
    if (this.#held === null || !this.#around.outlet.isFree || !this.#canFollow) return false;
    this.#isFollowing = true;
    this.#held.feed.follow(this.#follower, this.#reading.position);
    // Not before the feed does, or for a moment nobody would.
    this.#hurry(false);
    this.#reading.putDown();
    return true;
  }

  #leave(): void {
    if (this.#isFollowing && this.#held !== null) this.#goAlone(this.#held.feed.leave(this.#follower));
  }

  #goAlone(seq: number): void {
    this.#isFollowing = false;
    this.#reading.goOnFrom(seq);
    this.#bell.ring();
  }

  #seek(to: Start): void {
    this.#reading.seek(to);
    this.#generation++;
    this.#isEndSent = false;
    this.#nextFlushMs = 0;
    this.#pace.restart();
  }

  /** Until there is something to send; Infinity: not before a write, or an operation, rings. */
  #waitMs(): number {
    if (this.#isPaused) return Number.POSITIVE_INFINITY;
    if (!this.#reading.hasMore && !this.#isLoopDone && !this.#isEndDue) return Number.POSITIVE_INFINITY;
    const { next } = this.#reading;
    const dueInMs = next === undefined || this.#isLoopDone ? 0 : this.#pace.dueInMs(next.wallTimeMs);
    return Math.max(dueInMs, this.#nextFlushMs - this.#around.clock.now());
  }

  get #isAtEnd(): boolean {
    return !this.#reading.hasMore && this.session.status.state === "ended";
  }

  get #isEndDue(): boolean {
    return this.#isAtEnd && this.#loop === null && !this.#isEndSent;
  }

  get #isLoopDone(): boolean {
    return this.#loop !== null && (this.#reading.position > this.#loop.toSeq || this.#isAtEnd);
  }

  async #sleep(ms: number): Promise<void> {
    const isLive = this.session.status.state !== "ended";
    const isUntilCalled = ms === Number.POSITIVE_INFINITY;
    if (isUntilCalled) this.#hurry(isLive && !this.#isPaused);
    if (isUntilCalled && (this.#isPaused || !isLive)) this.#reading.rest();
    else if (ms >= this.#around.limits.restMs) this.#reading.putDown();
    const changes = this.session.status$.pipe(skip(1)).subscribe(() => this.#bell.ring());
    await this.#bell.rungWithin(ms, this.#around.clock);
    changes.unsubscribe();
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
    // Beside so long a wait, decoding anew is little.
    const stay = outlet.isFree ? () => {} : clock.after(limits.restMs, () => this.#reading.rest());
    await outlet.turn(async () => {
      stay();
      if (this.#isClosed || this.#isPaused) return;
      // After this turn, unless another one comes first: whoever always gives way is never served.
      if (this.#canFollow && !outlet.isWanted) return;
      if (this.#request.mode === "latest") await this.#flushLatest(isSlow);
      else if (this.#reading.skipMissing()) this.#send(await this.#take());
      if (!this.#isClosed) this.#turnBackOrEnd();
    });
    stay();
    if (!outlet.isReady) this.#reading.putDown();
    const isCatchingUp = this.#reading.hasMore && this.#request.mode === "lossless";
    const spacingMs = 1000 / (this.#request.maxHz ?? 1000 / limits.batchMs);
    this.#nextFlushMs = isCatchingUp ? 0 : clock.now() + spacingMs;
  }

  /** The next events that are due, at most a batch of them. */
  #take(): Promise<SessionEvent[]> {
    const { batchEvents, batchBytes, pacedEvents, pacedBytes } = this.#around.limits;
    const toSeq = this.#loop?.toSeq ?? Number.POSITIVE_INFINITY;
    return this.#reading.take(
      this.#pace.speed === "asap"
        ? { maxEvents: batchEvents, maxBytes: batchBytes }
        : { maxEvents: pacedEvents, maxBytes: pacedBytes },
      (event) => event.seq <= toSeq && this.#pace.dueInMs(event.wallTimeMs) === 0,
    );
  }

  /** Everything due, the newest of each channel sent, the rest announced. */
  async #flushLatest(isSlow: boolean): Promise<void> {
    const headSeq = this.session.status.headSeq;
    // Samples that maxHz thins out were asked to be left out; those that a slow client made wait were not.
    this.#isThinned = this.#request.maxHz !== undefined && !isSlow;
    while (this.#reading.skipMissing()) {
      const events = await this.#take();
      if (this.#isClosed) return;
      events.forEach((event) => {
        this.#conflation.add(event);
      });
      const isWaiting =
        this.#reading.next !== undefined || this.#reading.isBeyond(headSeq) || this.#isLoopDone;
      if (isWaiting) break;
      await nextTurnOfTheLoop();
    }
    this.#deliver();
  }

  #deliver(): void {
    const { newest, omission } = this.#conflation.take();
    if (omission !== null && !this.#isThinned) {
      this.#around.outlet.send({ op: "gap", id: this.id, ...omission, reason: "conflated" });
    }
    this.#send(newest);
  }

  #send(events: readonly SessionEvent[]): void {
    for (const frame of this.#writer.write(events)(this.id)) this.#around.outlet.send(frame);
    if (this.#loop !== null && events.length > 0) this.#loop.hasSent = true;
  }

  /** What the log has no more is announced. False: the client did not allow that, and the subscription is over. */
  #passOver({ fromSeq, toSeq, reason }: Missing): boolean {
    const { outlet } = this.#around;
    // Of `latest`, what was read before it.
    this.#deliver();
    if (reason === "retention" && this.#request.mode === "lossless" && !this.#request.allowGap) {
      outlet.send({ op: "error", id: this.id, ...forgotten(fromSeq, toSeq + 1), retryable: false });
      this.close();
      return false;
    }
    outlet.send({ op: "gap", id: this.id, fromSeq, toSeq, count: toSeq - fromSeq + 1, reason });
    return true;
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
