/** Products of row-major float64 matrices: the only three that a network's derivatives are made of. Each adds to `out`. */

/** The rows that a kernel is multiplied with: a dense layer's inputs, a convolution's windows. */
export interface Rows {
  /** ‖row‖₂² of each. */
  readonly squares: Float64Array;
  /** out[rows × q] += rows · w, w[width × q] beginning at `wAt`. */
  addTimes(w: Float64Array, q: number, out: Float64Array, wAt?: number): void;
  /** out[width × q] += rowsᵀ · b for b[rows × q]; out beginning at `outAt`. */
  addTransposedTimes(b: Float64Array, q: number, out: Float64Array, outAt?: number): void;
}

/** Those of a matrix, [n × width]. */
export function matrixRows(a: Float64Array, width: number): Rows {
  const n = a.length / width;
  return {
    get squares() {
      return rowSquares(a, n, width);
    },
    addTimes: (w, q, out, wAt) => addProduct(a, w, [n, width, q], out, wAt),
    addTransposedTimes: (b, q, out, outAt) => addTransposedProduct(a, b, [n, width, q], out, outAt),
  };
}

/** Of the first n rows. */
export function rowSquares(a: Float64Array, n: number, width: number): Float64Array {
  const squares = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let at = i * width; at < (i + 1) * width; at++) sum += (a[at] as number) ** 2;
    squares[i] = sum;
  }
  return squares;
}

/** Row numbers and what each row is multiplied with. */
export interface Combination {
  readonly rows: Uint32Array;
  readonly factors: Float64Array;
}

/** out[n × q] += a[n × p] · w[p × q], w beginning at `wAt`. Zeros of `a`, of which relu makes many, cost nothing. */
export function addProduct(
  a: Float64Array,
  w: Float64Array,
  [n, p, q]: readonly [number, number, number],
  out: Float64Array,
  wAt = 0,
): void {
  const row = combination(p);
  for (let i = 0; i < n; i++) {
    const count = gather(a, i * p, 1, p, row);
    addRows(row, 0, count, w, wAt, q, out, i * q);
  }
}

/** out[p × q] += aᵀ · b for a[n × p] and b[n × q]; out beginning at `outAt`. */
export function addTransposedProduct(
  a: Float64Array,
  b: Float64Array,
  [n, p, q]: readonly [number, number, number],
  out: Float64Array,
  outAt = 0,
): void {
  const column = combination(n);
  for (let r = 0; r < p; r++) {
    const count = gather(a, r, p, n, column);
    addRows(column, 0, count, b, 0, q, out, outAt + r * q);
  }
}

/** out[n × p] += b[n × q] · wᵀ for w[p × q] beginning at `wAt`. */
export function addProductTransposed(
  b: Float64Array,
  w: Float64Array,
  [n, p, q]: readonly [number, number, number],
  out: Float64Array,
  wAt = 0,
): void {
  addProduct(b, transposed(w, wAt, p, q), [n, q, p], out);
}

/** wᵀ for w[p × q] beginning at `wAt`, new. */
export function transposed(w: Float64Array, wAt: number, p: number, q: number): Float64Array {
  const result = new Float64Array(p * q);
  for (let r = 0; r < p; r++) for (let c = 0; c < q; c++) result[c * p + r] = w[wAt + r * q + c] as number;
  return result;
}

function combination(most: number): Combination {
  return { rows: new Uint32Array(most), factors: new Float64Array(most) };
}

/** The elements a[from], a[from + stride], … that are not zero. @returns how many. */
function gather(a: Float64Array, from: number, stride: number, count: number, into: Combination): number {
  let found = 0;
  for (let r = 0; r < count; r++) {
    const value = a[from + r * stride] as number;
    if (value === 0) continue;
    into.rows[found] = r;
    into.factors[found++] = value;
  }
  return found;
}

/** out[outAt …] += Σ factors[k] · (row rows[k] of x), k from `from` to `to`; rows have q elements, the first begins at `xAt`. */
export function addRows(
  { rows, factors }: Combination,
  from: number,
  to: number,
  x: Float64Array,
  xAt: number,
  q: number,
  out: Float64Array,
  outAt: number,
): void {
  let k = from;
  // Eight at once: `out` is read and written an eighth as often.
  for (; k + 8 <= to; k += 8) {
    const f0 = factors[k] as number;
    const f1 = factors[k + 1] as number;
    const f2 = factors[k + 2] as number;
    const f3 = factors[k + 3] as number;
    const f4 = factors[k + 4] as number;
    const f5 = factors[k + 5] as number;
    const f6 = factors[k + 6] as number;
    const f7 = factors[k + 7] as number;
    const r0 = xAt + (rows[k] as number) * q;
    const r1 = xAt + (rows[k + 1] as number) * q;
    const r2 = xAt + (rows[k + 2] as number) * q;
    const r3 = xAt + (rows[k + 3] as number) * q;
    const r4 = xAt + (rows[k + 4] as number) * q;
    const r5 = xAt + (rows[k + 5] as number) * q;
    const r6 = xAt + (rows[k + 6] as number) * q;
    const r7 = xAt + (rows[k + 7] as number) * q;
    for (let c = 0; c < q; c++)
      out[outAt + c] =
        (out[outAt + c] as number) +
        (f0 * (x[r0 + c] as number) + f1 * (x[r1 + c] as number)) +
        (f2 * (x[r2 + c] as number) + f3 * (x[r3 + c] as number)) +
        (f4 * (x[r4 + c] as number) + f5 * (x[r5 + c] as number)) +
        (f6 * (x[r6 + c] as number) + f7 * (x[r7 + c] as number));
  }
  for (; k < to; k++) addScaled(factors[k] as number, x, xAt + (rows[k] as number) * q, out, outAt, q);
}

/** out[outAt …] += factor · x[xAt …], `count` elements. */
export function addScaled(
  factor: number,
  x: Float64Array,
  xAt: number,
  out: Float64Array,
  outAt: number,
  count: number,
): void {
  for (let c = 0; c < count; c++)
    out[outAt + c] = (out[outAt + c] as number) + factor * (x[xAt + c] as number);
}

/** Σ aᵢbᵢ. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** ‖a‖₂. */
export function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}
