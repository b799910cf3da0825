/** What was compared on one stream, how far apart it was, and what was left out and why. */
import { whole } from "../../shared/number-words.ts";
import type { Evaluation } from "./objective.ts";

/** Standard deviations of float32's rounding that are tolerated. */
export const SIGMAS = 4;
/** Relative rounding of a float64 sum of D positive terms is at most D times this. */
export const UNIT_ROUNDOFF_64 = 2 ** -53;

/** Why two numbers may differ at all. */
export type Because =
  | "exact"
  | "float64 rounding"
  | "float32 rounding"
  | "residual"
  | "residual and gap"
  | "retraced updates"
  | "disturbed products";

export interface Deviation {
  readonly quantity: string;
  readonly step: number;
  readonly recorded: number;
  readonly derived: number;
  readonly deviation: number;
  readonly tolerance: number;
  readonly because: Because;
}

const LISTED = 5;

export class Tally {
  /** Samples re-derived. */
  checked = 0;
  /** Numbers compared. */
  compared = 0;
  /** The deviation that is largest against its tolerance; exact agreements do not count. */
  worst: Deviation | null = null;
  faultCount = 0;
  /** The first few. */
  readonly faults: string[] = [];
  /** Reasons why something was not checked, with how often. */
  readonly left = new Map<string, number>();

  /** A number that was recorded, and the same derived anew. NaN agrees with NaN, an infinity with itself. */
  compare(
    step: number,
    quantity: string,
    recorded: number,
    derived: number,
    tolerance: number,
    because: Because,
  ): void {
    this.compared++;
    if (Object.is(recorded, derived) || recorded === derived) return;
    const deviation = Math.abs(recorded - derived);
    const found = { quantity, step, recorded, derived, deviation, tolerance, because };
    if (!(deviation <= tolerance)) {
      this.#fault(
        `step ${whole(step)}: ${quantity} is ${shown(recorded)}, derived ${shown(derived)}: ${shown(deviation)} apart, ` +
          `tolerance ${shown(tolerance)} (${because})`,
      );
    }
    if (this.worst === null || rank(found) > rank(this.worst)) this.worst = found;
  }

  /** A number that follows from recorded ones or from the header in a few operations; null where there is none. */
  follows(step: number, quantity: string, recorded: number | null, derived: number | null): void {
    if (recorded === null || derived === null) {
      this.expect(step, recorded === derived, `${quantity} is ${recorded}, expected ${derived}`);
      return;
    }
    const rounding = 8 * UNIT_ROUNDOFF_64 * Math.abs(derived);
    this.compare(step, quantity, recorded, derived, rounding, "float64 rounding");
  }

  /** Something that must hold; the sentence goes on after "step n: ". */
  expect(step: number, holds: boolean, sentence: string): void {
    this.compared++;
    if (!holds) this.#fault(`step ${whole(step)}: ${sentence}`);
  }

  leave(reason: string): void {
    this.left.set(reason, (this.left.get(reason) ?? 0) + 1);
  }

  #fault(sentence: string): void {
    this.faultCount++;
    if (this.faults.length < LISTED) this.faults.push(sentence);
  }
}

/** A mean loss, and the same derived anew. Where float32 overflows, a recorded one that is not finite agrees. */
export function compareLoss(
  tally: Tally,
  step: number,
  quantity: string,
  recorded: number,
  { loss, noise, overflows }: Omit<Evaluation, "losses">,
  moved = 0,
): void {
  if (overflows && !Number.isFinite(recorded)) return;
  const because = moved === 0 ? "float32 rounding" : "retraced updates";
  tally.compare(step, quantity, recorded, loss, SIGMAS * noise + moved, because);
}

function rank({ deviation, tolerance }: Deviation): number {
  const ratio = deviation / tolerance;
  return Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio;
}

export function shown(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(7))) : String(value);
}
