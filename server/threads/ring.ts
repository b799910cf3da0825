/**
 * θ on its way between threads: a ring of slots on one SharedArrayBuffer, one writer, several readers.
 * A lossless reader gates the writer: ring full means training waits. That is how measurements that take longer than their interval hold
 * training back instead of being dropped; with one slot it waits until the reader has done with the step before.
 */
import { Observable } from "rxjs";
import type { Step } from "../training/run.ts";

/** Control words: steps written, closed, abandoned, reader progress (only to wake the writer), then one cursor a reader. */
const WRITTEN = 0;
const CLOSED = 1;
const ABANDONED = 2;
const PROGRESS = 3;
const CURSORS = 4;

/** Numbers a slot holds beside θ. */
const META = 12;
/** A waiting writer looks this often whether it was abandoned, so that stop always works. */
const WAIT_MS = 50;
/** Readers are woken this often at most: each time costs the writer 15 µs. Of the last step before a pause they hear within {@link WAIT_MS}. */
const WAKE_MS = 4;
/** A reader that never has to wait still lets its thread hear messages this often. */
const YIELD_MS = 20;

export interface RingBuffers {
  readonly control: SharedArrayBuffer;
  readonly meta: SharedArrayBuffer;
  readonly theta: SharedArrayBuffer;
  readonly losses: SharedArrayBuffer;
  /** θ_{t−1} and P of each slot; empty where the ring does not carry them. */
  readonly previousTheta: SharedArrayBuffer;
  readonly preconditioner: SharedArrayBuffer;
  readonly slots: number;
  readonly parameterCount: number;
  /** Probe losses carried with each θ; 0 when training does not compute them. */
  readonly lossCount: number;
  readonly readers: number;
}

/** 64 slots, fewer when they would take more than 64 MiB, never fewer than 4. */
export function ringSlots(parameterCount: number): number {
  return Math.max(4, Math.min(64, Math.floor((64 * 1024 * 1024) / (4 * parameterCount))));
}

/** What a step has beside θ that only some streams need: as large as θ, so carried for those alone. */
export type Carried = "previousTheta" | "preconditioner";

export function createRing(options: {
  readonly slots: number;
  readonly parameterCount: number;
  readonly lossCount: number;
  readonly readers: number;
  readonly carries: readonly Carried[];
}): RingBuffers {
  const { carries, ...sizes } = options;
  const { slots, parameterCount, lossCount, readers } = sizes;
  const vectors = (what: Carried) =>
    new SharedArrayBuffer(carries.includes(what) ? 4 * parameterCount * slots : 0);
  return {
    ...sizes,
    previousTheta: vectors("previousTheta"),
    preconditioner: vectors("preconditioner"),
    control: new SharedArrayBuffer(4 * (CURSORS + readers)),
    meta: new SharedArrayBuffer(8 * META * slots),
    theta: new SharedArrayBuffer(4 * parameterCount * slots),
    losses: new SharedArrayBuffer(4 * lossCount * slots),
  };
}

/** Any thread: steps that are written and that some reader has not done with yet. */
export function unreadSteps(
  { control, readers }: RingBuffers,
  words: Int32Array = new Int32Array(control),
): number {
  let least = Number.POSITIVE_INFINITY;
  for (let reader = 0; reader < readers; reader++)
    least = Math.min(least, Atomics.load(words, CURSORS + reader));
  return Atomics.load(words, WRITTEN) - least;
}

/** Any thread: the writer's next push and the readers' next read end at once. */
export function abandonRing(ring: RingBuffers): void {
  const control = new Int32Array(ring.control);
  Atomics.store(control, ABANDONED, 1);
  Atomics.notify(control, WRITTEN);
  Atomics.notify(control, PROGRESS);
}

class Slots {
  readonly control: Int32Array;
  readonly #meta: Float64Array;
  readonly #theta: Float32Array;
  readonly #losses: Float32Array;
  readonly #previousTheta: Float32Array;
  readonly #preconditioner: Float32Array;
  readonly #ring: RingBuffers;

  constructor(ring: RingBuffers) {
    this.#ring = ring;
    this.control = new Int32Array(ring.control);
    this.#meta = new Float64Array(ring.meta);
    this.#theta = new Float32Array(ring.theta);
    this.#losses = new Float32Array(ring.losses);
    this.#previousTheta = new Float32Array(ring.previousTheta);
    this.#preconditioner = new Float32Array(ring.preconditioner);
  }

  theta(slot: number): Float32Array {
    return this.#vector(this.#theta, slot);
  }

  #vector(of: Float32Array, slot: number): Float32Array {
    const { parameterCount } = this.#ring;
    return of.subarray(slot * parameterCount, (slot + 1) * parameterCount);
  }

  /** False where the ring does not carry it, or the step has none. */
  #carry(into: Float32Array, slot: number, vector: () => Float32Array | null): boolean {
    const found = into.length === 0 ? null : vector();
    if (found !== null) this.#vector(into, slot).set(found);
    return found !== null;
  }

  losses(slot: number): Float32Array {
    const { lossCount } = this.#ring;
    return this.#losses.subarray(slot * lossCount, (slot + 1) * lossCount);
  }

  put(slot: number, step: Step): void {
    this.theta(slot).set(step.theta);
    if (step.probeLosses !== null) this.losses(slot).set(step.probeLosses);
    const { update } = step;
    this.#meta.set(
      [
        step.step,
        step.lastStep,
        step.learningRate,
        step.probeLosses === null ? 0 : 1,
        update === null ? 0 : 1,
        update?.loss ?? 0,
        update?.gradientNorm ?? 0,
        update?.updateNorm ?? 0,
        update?.learningRate ?? 0,
        step.demanded ?? -1,
        this.#carry(this.#previousTheta, slot, () => step.previousTheta) ? 1 : 0,
        this.#carry(this.#preconditioner, slot, step.preconditioner) ? 1 : 0,
      ],
      slot * META,
    );
  }

  get(slot: number): Step {
    const at = (word: number) => this.#meta[slot * META + word] as number;
    const theta = this.theta(slot);
    return {
      step: at(0),
      lastStep: at(1),
      theta,
      previousTheta: at(10) === 1 ? this.#vector(this.#previousTheta, slot) : null,
      learningRate: at(2),
      probeLosses: at(3) === 1 ? this.losses(slot) : null,
      update:
        at(4) === 1 ? { loss: at(5), gradientNorm: at(6), updateNorm: at(7), learningRate: at(8) } : null,
      demanded: at(9) < 0 ? null : at(9),
      retain: () => theta.slice(),
      preconditioner: () => (at(11) === 1 ? this.#vector(this.#preconditioner, slot).slice() : null),
      captureState: () => {
        throw new Error("captureState: only the training thread has the optimizer's state");
      },
    };
  }
}

export class RingWriter {
  readonly #slots: Slots;
  readonly #ring: RingBuffers;
  #wokeMs = Number.NEGATIVE_INFINITY;

  constructor(ring: RingBuffers) {
    this.#ring = ring;
    this.#slots = new Slots(ring);
  }

  /** Copies the step into the ring; blocks the thread while the slowest reader is a whole ring behind. False when abandoned. */
  push(step: Step): boolean {
    const { control } = this.#slots;
    for (;;) {
      const progress = Atomics.load(control, PROGRESS);
      if (Atomics.load(control, ABANDONED) === 1) return false;
      if (this.hasRoom()) break;
      Atomics.wait(control, PROGRESS, progress, WAIT_MS);
    }
    const written = Atomics.load(control, WRITTEN);
    this.#slots.put(written % this.#ring.slots, step);
    Atomics.store(control, WRITTEN, written + 1);
    const nowMs = performance.now();
    if (nowMs - this.#wokeMs >= WAKE_MS || !this.hasRoom()) {
      Atomics.notify(control, WRITTEN);
      this.#wokeMs = nowMs;
    }
    return true;
  }

  hasRoom(): boolean {
    return unreadSteps(this.#ring, this.#slots.control) < this.#ring.slots;
  }

  /** No more steps: readers complete once they have read what is there. */
  close(): void {
    const { control } = this.#slots;
    Atomics.store(control, CLOSED, 1);
    Atomics.notify(control, WRITTEN);
  }
}

/**
 * The steps as one lossless reader sees them. Each is borrowed: its slot is given back when `next` returns.
 * Completes when the ring is closed and drained, or abandoned.
 */
export function ringSteps(ring: RingBuffers, reader: number): Observable<Step> {
  return new Observable((subscriber) => {
    const slots = new Slots(ring);
    const { control } = slots;
    const read = async () => {
      let yieldedMs = performance.now();
      while (!subscriber.closed) {
        const written = Atomics.load(control, WRITTEN);
        const cursor = Atomics.load(control, CURSORS + reader);
        if (Atomics.load(control, ABANDONED) === 1) break;
        if (cursor < written) {
          subscriber.next(slots.get(cursor % ring.slots));
          Atomics.store(control, CURSORS + reader, cursor + 1);
          Atomics.add(control, PROGRESS, 1);
          Atomics.notify(control, PROGRESS);
          if (performance.now() - yieldedMs > YIELD_MS) {
            await new Promise((resolve) => setTimeout(resolve, 0));
            yieldedMs = performance.now();
          }
          continue;
        }
        if (Atomics.load(control, CLOSED) === 1 && Atomics.load(control, WRITTEN) === cursor) break;
        const woken = Atomics.waitAsync(control, WRITTEN, written, WAIT_MS);
        if (woken.async) await woken.value;
        yieldedMs = performance.now();
      }
      subscriber.complete();
    };
    read().catch((cause: unknown) => subscriber.error(cause));
  });
}
