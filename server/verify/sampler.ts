/** Random samples of streams that pass by once, in bounded memory. */
import { createRandom, type Random } from "../numerics/random.ts";

export interface Drawn<T> {
  readonly step: number;
  readonly item: T;
}

/**
 * Each step has one random priority, whatever the stream: streams with the same steps then draw the same ones, and θ is decoded and
 * evaluated once for all of them.
 */
export class Sampler {
  readonly #random: Random;
  readonly #given: number | null;

  /** @param given  how many samples somebody asked for, of whatever is drawn. */
  constructor(seed: number, given: number | null) {
    this.#random = createRandom(seed).stream("verify");
    this.#given = given;
  }

  /** For Lanczos and the like. */
  random(label: string): Random {
    return this.#random.stream(label);
  }

  /** Keeps the first item, the last, and those of lowest priority, `count` in all, where nobody asked for another number. */
  reservoir<T>(count: number): Reservoir<T> {
    return new Reservoir(this.#given ?? count, (step) => this.#random.stream(step).uniform());
  }
}

interface Kept<T> extends Drawn<T> {
  readonly priority: number;
}

export class Reservoir<T> {
  readonly #count: number;
  readonly #priorityOf: (step: number) => number;
  #first: Kept<T> | null = null;
  #last: Kept<T> | null = null;
  /** By priority, ascending. */
  readonly #kept: Kept<T>[] = [];
  offered = 0;

  constructor(count: number, priorityOf: (step: number) => number) {
    this.#count = count;
    this.#priorityOf = priorityOf;
  }

  /** @param by  the step whose priority counts. */
  offer(step: number, item: T, by = step): void {
    this.offered++;
    const entry = { step, item, priority: this.#priorityOf(by) };
    this.#first ??= entry;
    this.#last = entry;
    if (this.#kept.length >= this.#count && entry.priority >= (this.#kept.at(-1)?.priority ?? 0)) return;
    this.#kept.push(entry);
    this.#kept.sort((a, b) => a.priority - b.priority);
    if (this.#kept.length > this.#count) this.#kept.pop();
  }

  /** In order of steps. */
  drawn(): Drawn<T>[] {
    const wanted = [this.#first, this.#last, ...this.#kept].filter((entry) => entry !== null);
    return [...new Set(wanted)].slice(0, this.#count).sort((a, b) => a.step - b.step);
  }
}
