/** What watching costs: the step time with everything on, against the bare one measured before the run. */
import type { Overhead } from "../../shared/readings.ts";

export class OverheadMeter {
  readonly #bareStepMs: number;
  readonly #busyMs = new Map<string, Readonly<Record<string, number>>>();
  readonly #beganMs = performance.now();

  constructor(bareStepMs: number) {
    this.#bareStepMs = bareStepMs;
  }

  /** Busy time so far, of one thread's streams. */
  busy(thread: string, busyMs: Readonly<Record<string, number>>): void {
    this.#busyMs.set(thread, busyMs);
  }

  /** @param stepMs  the mean step period of the last second, between two standard errors to either side. */
  reading([low, mean, high]: readonly [number, number, number]): Overhead {
    const elapsedMs = performance.now() - this.#beganMs;
    const share = (stepMs: number) => 1 - this.#bareStepMs / stepMs;
    const perStream = [...this.#busyMs.values()].flatMap((busyMs) =>
      Object.entries(busyMs).map(([stream, ms]) => [stream, ms / elapsedMs] as const),
    );
    return {
      total: share(mean),
      interval: [share(low), share(high)],
      stepsPerSecond: 1000 / mean,
      bareStepMs: this.#bareStepMs,
      perStream: Object.fromEntries(perStream),
    };
  }
}
