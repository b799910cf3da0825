/** Eigenvalues of symmetric tridiagonal matrices, with as much of the eigenvectors as is asked for. */

export interface TridiagonalEigen {
  /** Ascending. */
  readonly values: Float64Array;
  /** For each of the rows asked for, that row of the orthogonal matrix whose columns are the eigenvectors, in the order of `values`. */
  readonly rows: readonly Float64Array[];
}

/**
 * Implicit QL with Wilkinson's shift.
 *
 * @param diagonal [k].
 * @param offDiagonal [k − 1] or longer; element i joins i and i + 1, and zeros split the matrix.
 * @param rows indices of the eigenvector matrix's rows to compute; "all" gives the whole matrix.
 * @cost O(k²) and O(k²) for each row: the last row, which Lanczos's residuals need, is k times cheaper than all.
 * @throws {RangeError} on non-finite input, for which no iteration ends.
 * @source EISPACK tql2 (Bowdler, Martin, Reinsch and Wilkinson 1968); ml-matrix has it for dense matrices only, at O(k³).
 * @checked test/numerics/tridiagonal.test.ts, against ml-matrix and the closed form of the second difference.
 */
export function tridiagonalEigen(
  diagonal: ArrayLike<number>,
  offDiagonal: ArrayLike<number>,
  rows: readonly number[] | "all" = "all",
): TridiagonalEigen {
  const k = diagonal.length;
  if (offDiagonal.length < k - 1)
    throw new RangeError(`offDiagonal: expected at least ${k - 1} elements, got ${offDiagonal.length}`);
  const d = Float64Array.from(diagonal);
  const e = new Float64Array(k);
  for (let i = 0; i < k - 1; i++) e[i] = offDiagonal[i] as number;
  if (!d.every(Number.isFinite) || !e.every(Number.isFinite))
    throw new RangeError("diagonal, offDiagonal: expected finite numbers");

  const indices = rows === "all" ? Array.from(d, (_, i) => i) : rows;
  const z = indices.map((row) => {
    const unit = new Float64Array(k);
    unit[row] = 1;
    return unit;
  });
  // What is lost in rounding anyway; not relative to neighbours, which may be zero. The floor keeps denormal numbers out.
  const negligible =
    Number.EPSILON *
      d.reduce((most, value, i) => Math.max(most, Math.abs(value) + Math.abs(e[i] as number)), 0) +
    2 ** -960;
  for (let l = 0; l < k; l++) isolate(d, e, z, l, negligible);

  const order = Array.from(d, (_, i) => i).sort((a, b) => (d[a] as number) - (d[b] as number));
  const sorted = (a: Float64Array) => Float64Array.from(order, (i) => a[i] as number);
  return { values: sorted(d), rows: z.map(sorted) };
}

/** QL sweeps until e[l] is negligible: d[l] is then an eigenvalue. */
function isolate(
  d: Float64Array,
  e: Float64Array,
  z: readonly Float64Array[],
  l: number,
  negligible: number,
): void {
  for (let sweep = 0; ; sweep++) {
    let m = l;
    while (m < d.length - 1 && Math.abs(e[m] as number) > negligible) m++;
    if (m === l) return;
    // Wilkinson's shift converges cubically: about two sweeps for each eigenvalue, thirty in no known case.
    if (sweep === 60) throw new RangeError("tridiagonalEigen: no convergence in 60 sweeps");
    sweepQL(d, e, z, l, m);
  }
}

function sweepQL(d: Float64Array, e: Float64Array, z: readonly Float64Array[], l: number, m: number): void {
  const dl = d[l] as number;
  const el = e[l] as number;
  let g = ((d[l + 1] as number) - dl) / (2 * el);
  let r = Math.hypot(g, 1);
  g = (d[m] as number) - dl + el / (g + (g >= 0 ? r : -r));
  let s = 1;
  let c = 1;
  let p = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * (e[i] as number);
    const b = c * (e[i] as number);
    r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      // Underflow split the matrix in mid-sweep.
      d[i + 1] = (d[i + 1] as number) - p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = (d[i + 1] as number) - p;
    r = ((d[i] as number) - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    for (const row of z) {
      const right = row[i + 1] as number;
      const left = row[i] as number;
      row[i + 1] = s * left + c * right;
      row[i] = c * left - s * right;
    }
  }
  d[l] = (d[l] as number) - p;
  e[l] = g;
  e[m] = 0;
}
