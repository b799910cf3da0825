/** Orthonormal vectors stored in float32, worked on in float64: the inner loops of Lanczos. */

/** Elements of one pass: a float64 block of the working vector and four of the basis stay in the first-level cache. */
const BLOCK = 1024;
/** Rounding of products in float32, relative to ‖A‖: a β below it joins nothing but noise. */
export const CLOSED = 4 * 2 ** -24;

/**
 * w ← w − QQᵀw by classical Gram–Schmidt, once; adds Qᵀw to `coefficients`, and returns ‖Qᵀw‖₂.
 *
 * @param basis orthonormal, each [n]. @param w [n]. @param coefficients [basis.length].
 * @cost 4nk flops, 2k passes over the basis; four vectors at a time, which halves the time of one at a time.
 */
export function projectOut(
  basis: readonly Float32Array[],
  w: Float64Array,
  coefficients: Float64Array,
): number {
  const k = basis.length;
  const found = new Float64Array(k);
  for (let low = 0; low < w.length; low += BLOCK) {
    const high = Math.min(low + BLOCK, w.length);
    let i = 0;
    for (; i + 4 <= k; i += 4) addDots4(basis, i, w, low, high, found);
    for (; i < k; i++) found[i] = (found[i] as number) + dotRange(basis[i] as Float32Array, w, low, high);
  }
  for (let low = 0; low < w.length; low += BLOCK)
    subtract(basis, found, w, low, Math.min(low + BLOCK, w.length));

  let squares = 0;
  for (let i = 0; i < k; i++) {
    const c = found[i] as number;
    coefficients[i] = (coefficients[i] as number) + c;
    squares += c * c;
  }
  return Math.sqrt(squares);
}

/**
 * A step of Lanczos: makes w = Aq_k orthogonal to the basis, whose last vector is q_k.
 * @param beta β_{k−1}, which joins q_{k−1} and q_k; 0 where a fresh vector began.
 * @returns α_k, and the other coefficients that were met beyond T's.
 */
export function orthogonalise(basis: readonly Float32Array[], w: Float64Array, beta: number) {
  const last = basis.length - 1;
  const q = basis[last] as Float32Array;
  let alpha = 0;
  for (let i = 0; i < w.length; i++) alpha += (q[i] as number) * (w[i] as number);
  const before = basis[last - 1] ?? q;
  const fromBefore = last > 0 ? beta : 0;
  for (let i = 0; i < w.length; i++)
    w[i] = (w[i] as number) - alpha * (q[i] as number) - fromBefore * (before[i] as number);

  // The recurrence was the first pass. Each pass leaves about 1e-7 of what it removed (the basis is float32), so one that
  // removed little needs no successor. The bound on passes is for a w that is all rounding.
  const coefficients = new Float64Array(basis.length);
  for (let pass = 0; pass < 3; pass++) {
    const removed = projectOut(basis, w, coefficients);
    if (removed <= 0.1 * norm64(w)) break;
  }
  alpha += coefficients[last] as number;
  coefficients[last] = 0;
  return { alpha, coefficients };
}

/** Σᵢ weights[m][i]·basis[i] for each m, normalised. @returns one new [n] for each list of weights. */
export function combine(
  basis: readonly Float32Array[],
  weights: readonly Float64Array[],
  n: number,
): Float32Array[] {
  const out = weights.map(() => new Float32Array(n));
  const sums = weights.map(() => new Float64Array(BLOCK));
  const idle = { sum: new Float64Array(BLOCK), weights: new Float64Array(basis.length) };
  for (let low = 0; low < n; low += BLOCK) {
    const high = Math.min(low + BLOCK, n);
    for (const sum of sums) sum.fill(0);
    for (let i = 0; i < basis.length; i += 4)
      for (let m = 0; m < weights.length; m += 2)
        addTile(basis, i, low, high, [
          sums[m] as Float64Array,
          weights[m] as Float64Array,
          sums[m + 1] ?? idle.sum,
          weights[m + 1] ?? idle.weights,
        ]);
    for (const [m, sum] of sums.entries()) (out[m] as Float32Array).set(sum.subarray(0, high - low), low);
  }
  for (const vector of out) normalise(vector);
  return out;
}

/** Adds four vectors of the basis to two sums at once: each is read, and widened to float64, half as often. */
function addTile(
  basis: readonly Float32Array[],
  first: number,
  low: number,
  high: number,
  [a, wa, b, wb]: readonly [Float64Array, Float64Array, Float64Array, Float64Array],
): void {
  const q0 = basis[first] as Float32Array;
  const q1 = basis[first + 1] ?? q0;
  const q2 = basis[first + 2] ?? q0;
  const q3 = basis[first + 3] ?? q0;
  const a0 = wa[first] as number;
  const a1 = wa[first + 1] ?? 0;
  const a2 = wa[first + 2] ?? 0;
  const a3 = wa[first + 3] ?? 0;
  const b0 = wb[first] as number;
  const b1 = wb[first + 1] ?? 0;
  const b2 = wb[first + 2] ?? 0;
  const b3 = wb[first + 3] ?? 0;
  for (let j = low; j < high; j++) {
    const x0 = q0[j] as number;
    const x1 = q1[j] as number;
    const x2 = q2[j] as number;
    const x3 = q3[j] as number;
    a[j - low] = (a[j - low] as number) + (a0 * x0 + a1 * x1 + (a2 * x2 + a3 * x3));
    b[j - low] = (b[j - low] as number) + (b0 * x0 + b1 * x1 + (b2 * x2 + b3 * x3));
  }
}

/** ‖w‖₂. */
export function norm64(w: Float64Array): number {
  let squares = 0;
  for (let i = 0; i < w.length; i++) squares += (w[i] as number) * (w[i] as number);
  return Math.sqrt(squares);
}

/** w / length, rounded to float32. */
export function unit(w: Float64Array, length: number): Float32Array {
  const out = new Float32Array(w.length);
  for (let i = 0; i < w.length; i++) out[i] = (w[i] as number) / length;
  return out;
}

function normalise(vector: Float32Array): void {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += (vector[i] as number) * (vector[i] as number);
  const inverse = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) * inverse;
}

function addDots4(
  basis: readonly Float32Array[],
  first: number,
  w: Float64Array,
  low: number,
  high: number,
  out: Float64Array,
): void {
  const q0 = basis[first] as Float32Array;
  const q1 = basis[first + 1] as Float32Array;
  const q2 = basis[first + 2] as Float32Array;
  const q3 = basis[first + 3] as Float32Array;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let j = low; j < high; j++) {
    const x = w[j] as number;
    s0 += (q0[j] as number) * x;
    s1 += (q1[j] as number) * x;
    s2 += (q2[j] as number) * x;
    s3 += (q3[j] as number) * x;
  }
  out[first] = (out[first] as number) + s0;
  out[first + 1] = (out[first + 1] as number) + s1;
  out[first + 2] = (out[first + 2] as number) + s2;
  out[first + 3] = (out[first + 3] as number) + s3;
}

function dotRange(q: Float32Array, w: Float64Array, low: number, high: number): number {
  let sum = 0;
  for (let j = low; j < high; j++) sum += (q[j] as number) * (w[j] as number);
  return sum;
}

/** w[j] −= Σᵢ coefficients[i]·basis[i][j] for low ≤ j < high. */
function subtract(
  basis: readonly Float32Array[],
  coefficients: Float64Array,
  w: Float64Array,
  low: number,
  high: number,
): void {
  const k = basis.length;
  let i = 0;
  for (; i + 4 <= k; i += 4) {
    const q0 = basis[i] as Float32Array;
    const q1 = basis[i + 1] as Float32Array;
    const q2 = basis[i + 2] as Float32Array;
    const q3 = basis[i + 3] as Float32Array;
    const c0 = coefficients[i] as number;
    const c1 = coefficients[i + 1] as number;
    const c2 = coefficients[i + 2] as number;
    const c3 = coefficients[i + 3] as number;
    for (let j = low; j < high; j++)
      w[j] =
        (w[j] as number) -
        (c0 * (q0[j] as number) + c1 * (q1[j] as number) + (c2 * (q2[j] as number) + c3 * (q3[j] as number)));
  }
  for (; i < k; i++) {
    const q = basis[i] as Float32Array;
    const c = coefficients[i] as number;
    for (let j = low; j < high; j++) w[j] = (w[j] as number) - c * (q[j] as number);
  }
}
