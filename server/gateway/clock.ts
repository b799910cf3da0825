/** Time as playback, batching and expiry see it, so that tests can own it. */

export interface Clock {
  /** Milliseconds since the epoch; never goes back. */
  now(): number;
  /** Runs once, at least `ms` later. Returns the cancellation. */
  after(ms: number, run: () => void): () => void;
}

/** setTimeout turns longer waits into 1 ms; whoever waits looks again at the clock anyway. */
const LONGEST_TIMEOUT_MS = 0x7fff_ffff;

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, LONGEST_TIMEOUT_MS));
    return () => clearTimeout(timer);
  },
};
