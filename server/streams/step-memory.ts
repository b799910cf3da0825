import type { Step } from "../training/run.ts";

/** What one stream has found at a step, for the others that ask at the same one. Steps are reused, so their number is compared too. */
export class StepMemory<On extends object, V> {
  /** Only the newest step of an objective is remembered, and only as long as that step lives. */
  readonly #newest = new WeakMap<On, WeakMap<Step, { readonly step: number; readonly value: V }>>();

  /** null where nothing is known of this step yet. */
  get(objective: On, step: Step): V | null {
    const known = this.#newest.get(objective)?.get(step);
    return known !== undefined && known.step === step.step ? known.value : null;
  }

  /** @returns `value`. */
  set(objective: On, step: Step, value: V): V {
    this.#newest.set(objective, new WeakMap([[step, { step: step.step, value }]]));
    return value;
  }
}
