/**
 * What a step takes alone, and what beside the curvature thread: timed before the run in turns of a tenth of a second, because a machine's
 * own pace drifts by more than the difference that is looked for.
 */

const WANTED = 0;
const BUSY = 1;
const OVER = 2;
const TURN_MS = 100;
/** Before that code is compiled and memory is fresh. */
const WARM_MS = 300;
const WAIT_MS = 50;

/** Words that both threads see. */
export function createTurns(): SharedArrayBuffer {
  return new SharedArrayBuffer(12);
}

/** The side that trains: asks for company in every other turn, and knows of each step whether it had it throughout. */
export class TrialPace {
  readonly #words: Int32Array;
  readonly #beganMs = performance.now();
  #turnEndsMs = this.#beganMs + TURN_MS;
  #had = 0;
  #cold: number[] = [];
  readonly #alone: number[] = [];
  readonly #beside: number[] = [];

  constructor(turns: SharedArrayBuffer) {
    this.#words = new Int32Array(turns);
  }

  step(beforeMs: number, nowMs: number): void {
    const has = Atomics.load(this.#words, BUSY);
    const periods = has === 1 ? this.#beside : this.#alone;
    if (nowMs - this.#beganMs < WARM_MS) this.#cold.push(nowMs - beforeMs);
    else if (has === this.#had) periods.push(nowMs - beforeMs);
    this.#had = has;
    if (nowMs < this.#turnEndsMs) return;
    this.#turnEndsMs = nowMs + TURN_MS;
    Atomics.store(this.#words, WANTED, 1 - Atomics.load(this.#words, WANTED));
    Atomics.notify(this.#words, WANTED);
  }

  /** Mean periods; of a run too short for both kinds, the same twice. */
  end(): { readonly step: number; readonly stepBeside: number } {
    Atomics.store(this.#words, OVER, 1);
    Atomics.notify(this.#words, WANTED);
    const step = mean(this.#alone) ?? mean(this.#beside) ?? mean(this.#cold) ?? 1;
    return { step, stepBeside: Math.max(step, mean(this.#beside) ?? step) };
  }
}

/** The side that measures: works in its turns, rests in the others. */
export class TrialWork {
  readonly #words: Int32Array;

  constructor(turns: SharedArrayBuffer) {
    this.#words = new Int32Array(turns);
  }

  get isOver(): boolean {
    return Atomics.load(this.#words, OVER) === 1;
  }

  /**
   * Milliseconds that the work takes beside training: the median of some repetitions, after one that is not counted. The fastest would be
   * one that found the machine's caches and memory free, as none is in the run.
   */
  medianMs(repetitions: number, work: () => void): number {
    this.#timeMs(work);
    return median(Array.from({ length: repetitions }, () => this.#timeMs(work)));
  }

  /** The same, repeated until the trial is over. */
  medianMsThroughout(leastRepetitions: number, work: () => void): number {
    const times: number[] = [];
    this.#timeMs(work);
    while (times.length < leastRepetitions || !this.isOver) times.push(this.#timeMs(work));
    return median(times);
  }

  #timeMs(work: () => void): number {
    this.#awaitTurn();
    const began = performance.now();
    work();
    return performance.now() - began;
  }

  #awaitTurn(): void {
    while (Atomics.load(this.#words, WANTED) === 0 && !this.isOver) {
      Atomics.store(this.#words, BUSY, 0);
      Atomics.wait(this.#words, WANTED, 0, WAIT_MS);
    }
    Atomics.store(this.#words, BUSY, 1);
  }
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The upper of the two in the middle, where there are two; NaN of none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
