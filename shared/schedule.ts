/** Which steps are measured: dense at first, when the landscape changes fastest, then every `every`. */

/**
 * Is a scheduled stream measured at this step? Due are 0, 1, 2, 4, 8, … below `every`, each multiple of `every`, and the last step.
 *
 * @param every  k ≥ 1, in steps.
 * @param lastStep  the run's last step.
 */
export function isDue(step: number, every: number, lastStep: number): boolean {
  if (step % every === 0 || step === lastStep) return true;
  return step < every && (step & (step - 1)) === 0;
}

/** Every `every`-th step, step 0 (a multiple) and the last: θ in the log, and what is too dear for a dense beginning. */
export function isLogged(step: number, every: number, lastStep: number): boolean {
  return step % every === 0 || step === lastStep;
}
