/** One kind of maltreatment, counted and seeded: what `npm run torture` runs, and a line of its table. */

export interface Check {
  readonly name: string;
  /** What is counted: "kills", "files". */
  readonly unit: string;
  /** How many by default, and how many with --full. */
  readonly fast: number;
  readonly full: number;
  /** What must hold, in a few words. */
  readonly must: string;
  /** All chance comes from `seed`: what failed can be run again. */
  run(count: number, seed: number): Promise<Outcome>;
}

export interface Outcome {
  /** How many were done; fewer than asked for only if going on made no sense, which is then a failure. */
  readonly count: number;
  /** One sentence each, with what is needed to see it again. Empty: what must hold did. */
  readonly failures: readonly string[];
  /** By name and unit, "p99 ms": what was measured on the way. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Collects what went wrong; after many sentences it only counts. */
export class Failures {
  readonly #sentences: string[] = [];
  #count = 0;

  get sentences(): readonly string[] {
    const untold = this.#count - this.#sentences.length;
    return untold === 0 ? this.#sentences : [...this.#sentences, `and ${untold} more`];
  }

  add(sentence: string): void {
    this.#count++;
    if (this.#sentences.length < MOST_SENTENCES) this.#sentences.push(sentence);
  }

  expect(holds: boolean, sentence: () => string): void {
    if (!holds) this.add(sentence());
  }
}

const MOST_SENTENCES = 20;

/** The value below which a share of the values lies, as near as one of them comes; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
