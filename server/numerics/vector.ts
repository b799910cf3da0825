/** Vectors of float32, summed in float64. */

/** Σ aᵢbᵢ. @throws {RangeError} if the lengths differ. @cost one pass; four sums, so that additions overlap. */
export function dot(a: Float32Array, b: Float32Array): number {
  sameLength(a, b);
  const n = a.length;
  const unrolled = n - (n % 4);
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < unrolled; i += 4) {
    s0 += (a[i] as number) * (b[i] as number);
    s1 += (a[i + 1] as number) * (b[i + 1] as number);
    s2 += (a[i + 2] as number) * (b[i + 2] as number);
    s3 += (a[i + 3] as number) * (b[i + 3] as number);
  }
  for (let i = unrolled; i < n; i++) s0 += (a[i] as number) * (b[i] as number);
  return s0 + s1 + (s2 + s3);
}

/** ‖a‖₂. No float32 overflows its square in float64: the norm is finite exactly when every element is. */
export function norm(a: Float32Array): number {
  return Math.sqrt(dot(a, a));
}

/** ‖a − b‖₂. @throws {RangeError} if the lengths differ. */
export function distance(a: Float32Array, b: Float32Array): number {
  sameLength(a, b);
  const n = a.length;
  const unrolled = n - (n % 2);
  let s0 = 0;
  let s1 = 0;
  for (let i = 0; i < unrolled; i += 2) {
    const d0 = (a[i] as number) - (b[i] as number);
    const d1 = (a[i + 1] as number) - (b[i + 1] as number);
    s0 += d0 * d0;
    s1 += d1 * d1;
  }
  for (let i = unrolled; i < n; i++) s0 += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(s0 + s1);
}

/** y ← y + αx, in place; returns y. @throws {RangeError} if the lengths differ. */
export function axpy(alpha: number, x: Float32Array, y: Float32Array): Float32Array {
  sameLength(x, y);
  for (let i = 0; i < y.length; i++) y[i] = (y[i] as number) + alpha * (x[i] as number);
  return y;
}

/** a ← αa, in place; returns a. */
export function scale(alpha: number, a: Float32Array): Float32Array {
  for (let i = 0; i < a.length; i++) a[i] = alpha * (a[i] as number);
  return a;
}

/** out ← (1 − α)a + αb; returns out, which may be a or b. At α = 0 and 1 the ends are met bit for bit. */
export function interpolate(
  a: Float32Array,
  b: Float32Array,
  alpha: number,
  out: Float32Array = new Float32Array(a.length),
): Float32Array {
  sameLength(a, b);
  sameLength(a, out);
  for (let i = 0; i < out.length; i++) out[i] = (1 - alpha) * (a[i] as number) + alpha * (b[i] as number);
  return out;
}

/** Is every element finite? */
export function isFiniteVector(a: Float32Array): boolean {
  // 0·x is 0 for every finite x and NaN for the others: one sum, no branch.
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += 0 * (a[i] as number);
  return sum === 0;
}

function sameLength(a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length)
    throw new RangeError(`length: expected two vectors of one length, got ${a.length} and ${b.length}`);
}
