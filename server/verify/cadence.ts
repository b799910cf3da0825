/** Has a stream its samples at the steps at which its descriptor says it has? */
import type { SessionHeader } from "../../shared/header.ts";
import { isDue, isLogged } from "../../shared/schedule.ts";
import type { StreamDescriptor } from "../../shared/stream.ts";
import type { Happenings } from "./happenings.ts";
import type { Tally } from "./tally.ts";

/** Follows the steps of one stream, in the order of the log; {@link CadenceCheck.finish} says what is wrong with them. */
export class CadenceCheck {
  readonly #descriptor: StreamDescriptor;
  readonly #header: SessionHeader;
  readonly #since: number;
  #last: number | null = null;
  /** The first of each kind. */
  #missing: number | null = null;
  #extra: number | null = null;
  #backwards: number | null = null;

  /** @param since  the first step that can have a sample, counted from where the run begins. */
  constructor(descriptor: StreamDescriptor, header: SessionHeader, since: number) {
    this.#descriptor = descriptor;
    this.#header = header;
    this.#since = since + (header.fork?.step ?? 0);
  }

  observe(step: number): void {
    const { kind } = this.#descriptor.cadence;
    const last = this.#last;
    if (last !== null && step < last) this.#backwards ??= step;
    this.#last = step;
    if (kind === "event" || kind === "interval") return;
    if (step === last || !this.#isExpected(step)) this.#extra ??= step;
    // Before its first sample a stream of every step may have to wait for something.
    else if (last !== null || kind !== "step") this.#lookBetween(last ?? this.#since - 1, step);
  }

  /** @param lastStep  of a run that was not cut off, whose last measurements must be there; null of any other. */
  finish(tally: Tally, { demanded, failed }: Happenings, lastStep: number | null): void {
    const { name, cadence } = this.#descriptor;
    const mayLack = this.#header.schedule.bestEffort || failed.has(name);
    const isTimed = cadence.kind === "event" || cadence.kind === "interval";
    // Of a fork, what a stream of every step waits for may not come before the end.
    const neverBegan = this.#header.fork !== undefined && cadence.kind === "step" && this.#last === null;
    if (lastStep !== null && !isTimed && !neverBegan)
      this.#lookBetween(this.#last ?? this.#since - 1, lastStep + 1);
    if (this.#backwards !== null)
      tally.expect(this.#backwards, false, "comes after a sample of a later step");
    if (this.#extra !== null && !demanded.has(name))
      tally.expect(this.#extra, false, "there is a sample, although none is due");
    if (this.#missing !== null && !mayLack)
      tally.expect(this.#missing, false, "a sample is due and not there");
  }

  #isExpected(step: number): boolean {
    const { cadence } = this.#descriptor;
    const { steps, fork } = this.#header;
    switch (cadence.kind) {
      case "scheduled":
        return isDue(step, cadence.every, steps);
      case "sparse":
        return isLogged(step, cadence.every, steps);
      case "logged":
        return step === fork?.step || isLogged(step, cadence.every, steps, cadence.dense);
      default:
        return true;
    }
  }

  #lookBetween(last: number, step: number): void {
    for (let t = last + 1; t < step && this.#missing === null; t++)
      if (this.#isExpected(t)) this.#missing = t;
  }
}
