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

/**
 * Every `every`-th step, step 0 (a multiple) and the last: what is logged, and what is too dear for a dense beginning.
 *
 * @param dense  each power of two as well, where the scheduled streams begin, every one up to an interval of its own: θ in the log.
 */
export function isLogged(step: number, every: number, lastStep: number, dense = false): boolean {
  return step % every === 0 || step === lastStep || (dense && (step & (step - 1)) === 0);
}
