/** A loop's wake-up call: however often it rings while the loop is busy, it wakes it once. */
import type { Clock } from "./clock.ts";

export class Bell {
  #isRinging = false;
  #wake: (() => void) | null = null;

  ring(): void {
    this.#isRinging = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, at once if it has rung since the last answer. For one listener. */
  async rung(): Promise<void> {
    if (!this.#isRinging) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = null;
    this.#isRinging = false;
  }

  /** The same, but no later than in `ms`; Infinity: whenever. */
  async rungWithin(ms: number, clock: Clock): Promise<void> {
    const cancel = Number.isFinite(ms) ? clock.after(ms, () => this.ring()) : null;
    await this.rung();
    cancel?.();
  }
}
