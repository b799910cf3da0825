/** How many examples a network gets right. Where an output is not finite nobody knows, and the share is NaN. */

/** Is every row one 1 among zeros? */
export function targetsAreClasses(targets: Float32Array, outputs: number): boolean {
  if (outputs < 2) return false;
  for (let at = 0; at < targets.length; at += outputs) {
    let ones = 0;
    for (let k = 0; k < outputs; k++) {
      const value = targets[at + k];
      if (value === 1) ones++;
      else if (value !== 0) return false;
    }
    if (ones !== 1) return false;
  }
  return true;
}

/** Share of rows whose largest entry is where the target's is. */
export function shareRight(z: Float32Array, targets: Float32Array, outputs: number): number {
  if (!z.every(Number.isFinite)) return Number.NaN;
  const n = z.length / outputs;
  let right = 0;
  for (let i = 0; i < n; i++) {
    const at = i * outputs;
    if (largest(z, at, outputs) === largest(targets, at, outputs)) right++;
  }
  return right / n;
}

/** A logit above 0 says 1. */
export function shareOnSide(z: Float32Array, targets: Float32Array): number {
  if (!z.every(Number.isFinite)) return Number.NaN;
  return z.filter((value, i) => value > 0 === (targets[i] === 1)).length / z.length;
}

function largest(values: Float32Array, at: number, count: number): number {
  let best = 0;
  for (let k = 1; k < count; k++) if ((values[at + k] as number) > (values[at + best] as number)) best = k;
  return best;
}
