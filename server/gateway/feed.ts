/** The head of a log, read once for all who keep up with it: each stretch is decoded and encoded once, and written to all of them in one go. */
import { setImmediate as nextTurnOfTheLoop } from "node:timers/promises";
import { skip } from "rxjs";
import type { Cursor, Session, SessionEvent } from "../session/session.ts";
import { Bell } from "./bell.ts";
import type { Clock } from "./clock.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { Limits } from "./limits.ts";
import type { Outlet } from "./outlet.ts";

/** A subscription that has nothing of its own to do: it is sent what the feed reads. */
export interface Follower {
  readonly id: number;
  readonly outlet: Outlet;
  /** From this seq on it goes by itself. */
  letGo(seq: number): void;
  /** What comes after this seq cannot be read: a {@link RecordingError}, or a fault of ours. */
  fail(seq: number, cause: unknown): void;
}

/**
 * It knows only the smooth way. Whoever does not keep up is let go at once; all are, where the log ends or has a hole: to announce and to
 * end is each subscription's own business. A read that fails, fails for all who followed; those who come after them are read for anew.
 */
export class Feed {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #cursor: Cursor;
  readonly #writer: FrameWriter;
  readonly #bell = new Bell();
  /** By id, which is all in which their frames differ. */
  readonly #followers = new Map<number, Set<Follower>>();
  /** Everything before it has been sent to all followers. */
  #position = 0;
  #nextFlushMs = 0;
  #isRunning = false;

  constructor(
    session: Session,
    channels: readonly number[],
    every: number | undefined,
    { clock, limits }: { readonly clock: Clock; readonly limits: Limits },
  ) {
    this.#session = session;
    this.#clock = clock;
    this.#limits = limits;
    this.#writer = new FrameWriter(session.header, channels, limits.batchBytes);
    this.#cursor = session.cursor({
      channels: new Set(channels),
      from: 0,
      ...(every === undefined ? {} : { every }),
    });
  }

  /** Has everything been sent that there is? Not of a session that has ended: its end remains to be said. */
  get isDrained(): boolean {
    const { state, headSeq } = this.#session.status;
    return this.#position > headSeq && state !== "ended";
  }

  /** A feed that nobody follows goes to the foremost who asks. */
  canBeFollowedFrom(seq: number): boolean {
    const isThere = this.#isRunning ? seq === this.#position : seq >= this.#position;
    return isThere && this.#isSmoothAt(seq);
  }

  /** Only from where it can be. */
  follow(follower: Follower, seq: number): void {
    const others = this.#followers.get(follower.id);
    if (others === undefined) this.#followers.set(follower.id, new Set([follower]));
    else others.add(follower);
    if (this.#isRunning) return;
    this.#stand(seq);
    void this.#run();
  }

  /** @returns where it stands: everything before has been sent. */
  leave(follower: Follower): number {
    this.#remove(follower);
    if (this.#followers.size === 0) this.#bell.ring();
    return this.#position;
  }

  close(): void {
    this.#cursor.close();
  }

  /** As long as anybody follows. Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    const release = this.#session.hurry();
    const changes = this.#session.status$.pipe(skip(1)).subscribe(() => this.#bell.ring());
    try {
      while (this.#followers.size > 0) {
        const waitMs = this.#waitMs();
        if (!this.#isSmoothAt(this.#position)) this.#letAllGo();
        else if (waitMs > 0) await this.#bell.rungWithin(waitMs, this.#clock);
        else {
          await this.#flush();
          await nextTurnOfTheLoop();
        }
      }
    } catch (cause) {
      for (const follower of this.#all) {
        this.#remove(follower);
        follower.fail(this.#position, cause);
      }
    } finally {
      this.#isRunning = false;
      changes.unsubscribe();
      release();
      // Lets go of the chunk; what it has decoded stays, to go on from.
      this.#stand(this.#position);
    }
  }

  #waitMs(): number {
    if (this.#position > this.#session.status.headSeq) return Number.POSITIVE_INFINITY;
    return this.#nextFlushMs - this.#clock.now();
  }

  #isSmoothAt(seq: number): boolean {
    const { state, earliestSeq } = this.#session.status;
    if (state === "ended") return false;
    return seq >= earliestSeq && this.#session.holeAt?.(seq) === undefined;
  }

  async #flush(): Promise<void> {
    const { batchEvents: maxEvents, batchBytes: maxBytes, batchMs } = this.#limits;
    // Before it is read for them, or one who stalls would cost more than its turn.
    for (const follower of this.#all) if (!follower.outlet.isReady) this.#letGo(follower);
    if (this.#followers.size === 0) return;
    const events = await this.#cursor.read({ maxEvents, maxBytes });
    // What was dropped while it was being read is not for the feed to announce.
    const isWhole = this.#session.status.earliestSeq <= this.#position;
    if (!isWhole || !this.#send(events)) {
      this.#stand(this.#position);
      return;
    }
    this.#position = this.#cursor.position;
    const isCatchingUp = this.#position <= this.#session.status.headSeq;
    this.#nextFlushMs = isCatchingUp ? 0 : this.#clock.now() + batchMs;
  }

  /** False: everybody was let go meanwhile, or left. */
  #send(events: readonly SessionEvent[]): boolean {
    if (events.length === 0) return this.#followers.size > 0;
    const framesFor = this.#writer.write(events);
    for (const [id, followers] of this.#followers) {
      const frames = framesFor(id);
      for (const follower of followers) {
        const { outlet } = follower;
        // Looked at here, since several may be of one client.
        if (!outlet.isFree) this.#letGo(follower);
        else for (const frame of frames) outlet.send(frame);
      }
    }
    return this.#followers.size > 0;
  }

  #letAllGo(): void {
    for (const follower of this.#all) this.#letGo(follower);
  }

  #letGo(follower: Follower): void {
    this.#remove(follower);
    follower.letGo(this.#position);
  }

  get #all(): Follower[] {
    return [...this.#followers.values()].flatMap((followers) => [...followers]);
  }

  #remove(follower: Follower): void {
    const others = this.#followers.get(follower.id);
    others?.delete(follower);
    if (others?.size === 0) this.#followers.delete(follower.id);
  }

  #stand(seq: number): void {
    this.#position = seq;
    this.#cursor.seek(seq);
  }
}
