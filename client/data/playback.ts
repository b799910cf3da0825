/** Replay of what the history holds, at the recorded pace. Local: the server goes on sending as before, so that one can rewind while live. */
import type { History } from "./history.ts";
import type { View } from "./view.ts";

export const SPEEDS: readonly number[] = [0.25, 0.5, 1, 2, 4, 8, 16];

/** A longer pause in the recording (somebody paused training) is replayed as this. */
const MAX_IDLE_MS = 2_000;

/** The history and the state it belongs to, as they are now. */
export interface PlaybackSource {
  readonly history: History;
  /** Are samples still coming? Then the end of the history is LIVE. */
  readonly isLive: boolean;
}

export class Playback {
  readonly #view: View;
  readonly #source: () => PlaybackSource;
  readonly #listeners = new Set<() => void>();
  #speed = 1;
  #playing = false;
  #lastTickMs: number | null = null;
  /** Recorded time gone by since the cursor's step. */
  #elapsedMs = 0;
  #step = 0;

  constructor(view: View, source: () => PlaybackSource) {
    this.#view = view;
    this.#source = source;
  }

  get isPlaying(): boolean {
    return this.#playing;
  }

  /** Recorded time per time: 1 is the pace at which training ran. */
  get speed(): number {
    return this.#speed;
  }

  /** Last step replayed, for charts to draw the rest faint; null while not playing. */
  get playedTo(): number | null {
    return this.#playing ? this.#step : null;
  }

  /** From the cursor; from the beginning when the cursor is at the end. */
  play(): void {
    const { cursor, first, head } = this.#view;
    if (this.#playing || !cursor) return;
    this.#view.preview(null);
    this.#step = cursor.kind === "live" || cursor.step >= head ? first : cursor.step;
    this.#elapsedMs = 0;
    this.#lastTickMs = null;
    this.#playing = true;
    this.#view.pin(this.#step);
    this.#changed();
  }

  pause(): void {
    if (!this.#playing) return;
    this.#playing = false;
    this.#changed();
  }

  setSpeed(speed: number): void {
    if (!(speed > 0) || !Number.isFinite(speed)) throw new RangeError(`speed: expected > 0, got ${speed}`);
    this.#speed = speed;
    this.#changed();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Call once a frame; returns whether another frame is wanted. */
  tick(nowMs: number): boolean {
    if (!this.#playing) return false;
    const sinceMs = this.#lastTickMs === null ? 0 : nowMs - this.#lastTickMs;
    this.#lastTickMs = nowMs;
    // Somebody has moved the cursor meanwhile: go on from there.
    const pinned = this.#view.state.step;
    if (pinned === null) {
      this.pause();
      return false;
    }
    if (pinned !== this.#step) {
      this.#step = pinned;
      this.#elapsedMs = 0;
    }
    // A tab in the background gets no frames; the time away is not made up.
    this.#advance(Math.min(sinceMs, 250) * this.#speed);
    return this.#playing;
  }

  #advance(recordedMs: number): void {
    const { history, isLive } = this.#source();
    const rows = history.timeline;
    if (!rows) return;
    this.#elapsedMs += recordedMs;
    let row = Math.max(0, rows.steps.lowerBound(this.#step + 1) - 1);
    while (row + 1 < rows.length) {
      const gapMs = Math.max(0, rows.wallTimesMs.at(row + 1) - rows.wallTimesMs.at(row));
      const dueMs = Math.min(gapMs, MAX_IDLE_MS);
      if (this.#elapsedMs < dueMs) break;
      this.#elapsedMs -= dueMs;
      row++;
    }
    this.#step = rows.steps.at(row);
    if (row + 1 < rows.length) {
      if (this.#step !== this.#view.state.step) this.#view.pin(this.#step);
      return;
    }
    this.#playing = false;
    if (isLive) this.#view.follow();
    else this.#view.pin(this.#step);
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
