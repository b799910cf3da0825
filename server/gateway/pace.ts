/** Playback by recorded time: when is a moment of the recording due? */
import type { Speed } from "../../shared/protocol.ts";
import type { Clock } from "./clock.ts";

export class Pace {
  readonly #clock: Clock;
  #speed: Speed;
  /** A recorded moment, and the moment it was, or is, played. */
  #anchor: { readonly recordedMs: number; readonly playedMs: number } | null = null;

  constructor(clock: Clock, speed: Speed) {
    this.#clock = clock;
    this.#speed = speed;
  }

  get speed(): Speed {
    return this.#speed;
  }

  set speed(speed: Speed) {
    this.#speed = speed;
    this.#anchor = null;
  }

  /** The next moment asked about is due at once; the others follow at their distance. */
  restart(): void {
    this.#anchor = null;
  }

  /** Milliseconds from now; 0 when due or overdue. */
  dueInMs(recordedMs: number): number {
    if (this.#speed === "asap") return 0;
    this.#anchor ??= { recordedMs, playedMs: this.#clock.now() };
    const playAtMs = this.#anchor.playedMs + (recordedMs - this.#anchor.recordedMs) / this.#speed;
    return Math.max(0, playAtMs - this.#clock.now());
  }
}
