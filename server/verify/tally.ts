/** What was compared on one stream, how far apart it was, and what was left out and why. */

/** Why two numbers may differ at all. */
export type Because =
  | "exact"
  | "float64 rounding"
  | "float32 rounding"
  | "residual"
  | "residual and gap"
  | "retraced updates";

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
        `step ${step}: ${quantity} is ${shown(recorded)}, derived ${shown(derived)}: ${shown(deviation)} apart, ` +
          `tolerance ${shown(tolerance)} (${because})`,
      );
    }
    if (this.worst === null || rank(found) > rank(this.worst)) this.worst = found;
  }

  /** Something that must hold; the sentence goes on after "step n: ". */
  expect(step: number, holds: boolean, sentence: string): void {
    this.compared++;
    if (!holds) this.#fault(`step ${step}: ${sentence}`);
  }

  leave(reason: string): void {
    this.left.set(reason, (this.left.get(reason) ?? 0) + 1);
  }

  #fault(sentence: string): void {
    this.faultCount++;
    if (this.faults.length < LISTED) this.faults.push(sentence);
  }
}

function rank({ deviation, tolerance }: Deviation): number {
  const ratio = deviation / tolerance;
  return Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio;
}

export function shown(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(7))) : String(value);
}
