/** A loop's wake-up call: however often it rings while the loop is busy, it wakes it once. */
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
}
