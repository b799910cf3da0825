/** Both ends of a symmetric operator's spectrum, by Lanczos with full re-orthogonalisation. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

export interface Eigenpair {
  readonly value: number;
  /** Bound on ‖Av − λv‖₂: some eigenvalue lies this near. It does not say which one, nor that none was missed. */
  readonly residual: number;
  readonly converged: boolean;
  /** [n], unit norm. */
  readonly vector: Float32Array;
}

export interface ExtremalOptions {
  readonly n: number;
  /** How many of the algebraically largest and smallest. */
  readonly top: number;
  readonly bottom: number;
  /** [n], non-zero. The caller draws it, so the result depends on no hidden seed. */
  readonly start: ArrayLike<number>;
  /** Converged means residual ≤ tolerance·|λ₁|; of the bottom ones ≤ bottomTolerance·|λ_min| (default: the same number). */
  readonly tolerance: number;
  readonly bottomTolerance?: number;
  readonly maxApplications: number;
}

export interface Extremal {
  /** Descending. */
  readonly top: readonly Eigenpair[];
  /** Ascending. */
  readonly bottom: readonly Eigenpair[];
  readonly applications: number;
  /** False when A gave NaN or ±∞: every value is then NaN. */
  readonly finite: boolean;
}

/** T's eigenvalues are looked at this often: each look costs O(m³), a product costs far more. */
const LOOK_EVERY = 4;
/** β below this share of ‖T‖ means that the Krylov space has closed: float32 products carry about this much noise. */
const CLOSED = 1e-6;

/**
 * Lanczos with two-pass re-orthogonalisation against all earlier vectors (float64 accumulation): without it, products in float32 bring
 * λ₁ back as "ghosts" after some twenty steps. Stops when all wanted pairs are converged by the bound β_m|s_mi|, or at `maxApplications`.
 * When the Krylov space closes early, what it holds is exact and returned; eigenvectors orthogonal to `start` are then missing, as is
 * every second copy of a multiple eigenvalue.
 *
 * @param apply  v ↦ Av, [n] → [n], A symmetric and the same on every call. The argument is borrowed.
 * @returns at most `top` and `bottom` pairs; fewer when n or the Krylov space is smaller. The same pair may stand in both when n is small.
 * @unit that of A.
 * @cost `applications` products, 8·n·m² flop, n·m float32 of memory for m products.
 * @throws {RangeError} on a zero start or sizes below 1.
 * @source Golub & Van Loan 2013, §10.1–10.3; two passes suffice: Giraud et al. 2005, doi:10.1007/s00211-005-0615-4.
 * @checked test/numerics/lanczos.test.ts against dense eigenvalues.
 */
export function extremalEigenpairs(
  apply: (v: Float32Array) => Float32Array,
  options: ExtremalOptions,
): Extremal {
  const { n, top, bottom, tolerance, bottomTolerance = tolerance } = options;
  if (n < 1 || top < 0 || bottom < 0 || top + bottom < 1) {
    throw new RangeError(
      `extremalEigenpairs: expected n, top + bottom ≥ 1, got n = ${n}, top = ${top}, bottom = ${bottom}`,
    );
  }
  const steps = Math.min(n, options.maxApplications);
  const basis: Float32Array[] = [normalised(options.start, n)];
  const alphas: number[] = [];
  const betas: number[] = [];
  const work = new Float64Array(n);
  let ritz: Ritz | null = null;

  while (alphas.length < steps) {
    const m = alphas.length;
    const v = basis[m] as Float32Array;
    const product = apply(v);
    let alpha = 0;
    for (let i = 0; i < n; i++) {
      const entry = product[i] as number;
      work[i] = entry;
      alpha += entry * (v[i] as number);
    }
    if (!Number.isFinite(alpha)) return notFinite(options, m + 1);
    alphas.push(alpha);
    // The first pass removes α·v and β·v_{m−1} with everything else.
    orthogonalise(work, basis);
    orthogonalise(work, basis);
    const beta = norm64(work);
    if (!Number.isFinite(beta)) return notFinite(options, m + 1);
    const scale = Math.max(...alphas.map(Math.abs), ...betas);
    const closed = beta <= CLOSED * scale || alphas.length === n;
    const last = closed || alphas.length === steps;
    if (last || alphas.length % LOOK_EVERY === 0) {
      ritz = lookAt(alphas, betas, closed ? 0 : beta);
      if (last || wantedConverged(ritz, options)) break;
    }
    betas.push(beta);
    const next = new Float32Array(n);
    for (let i = 0; i < n; i++) next[i] = (work[i] as number) / beta;
    basis.push(next);
  }
  const found = ritz as Ritz;
  const m = found.values.length;
  const lambda1 = Math.abs(found.values[m - 1] as number);
  const lambdaMin = Math.abs(found.values[0] as number);
  const pair = (index: number, bound: number): Eigenpair => {
    const residual = found.residuals[index] as number;
    return {
      value: found.values[index] as number,
      residual,
      converged: residual <= bound,
      vector: combine(basis, found.coordinates, index, n),
    };
  };
  return {
    top: Array.from({ length: Math.min(top, m) }, (_, i) => pair(m - 1 - i, tolerance * lambda1)),
    bottom: Array.from({ length: Math.min(bottom, m) }, (_, i) => pair(i, bottomTolerance * lambdaMin)),
    applications: alphas.length,
    finite: true,
  };
}

/** Eigenpairs of T, ascending, with the residual bounds β_m|s_mi|. */
interface Ritz {
  readonly values: readonly number[];
  readonly residuals: readonly number[];
  readonly coordinates: Matrix;
}

function lookAt(alphas: readonly number[], betas: readonly number[], beta: number): Ritz {
  const m = alphas.length;
  const t = Matrix.zeros(m, m);
  for (let i = 0; i < m; i++) {
    t.set(i, i, alphas[i] as number);
    if (i + 1 < m) {
      t.set(i, i + 1, betas[i] as number);
      t.set(i + 1, i, betas[i] as number);
    }
  }
  const evd = new EigenvalueDecomposition(t, { assumeSymmetric: true });
  const order = evd.realEigenvalues.map((_, i) => i).sort((a, b) => value(a) - value(b));
  function value(index: number): number {
    return evd.realEigenvalues[index] as number;
  }
  const coordinates = Matrix.zeros(m, m);
  order.forEach((from, to) => {
    for (let row = 0; row < m; row++) coordinates.set(row, to, evd.eigenvectorMatrix.get(row, from));
  });
  return {
    values: order.map(value),
    residuals: order.map((_, i) => beta * Math.abs(coordinates.get(m - 1, i))),
    coordinates,
  };
}

function wantedConverged(ritz: Ritz, options: ExtremalOptions): boolean {
  const { top, bottom, tolerance, bottomTolerance = tolerance } = options;
  const { values, residuals } = ritz;
  const m = values.length;
  if (m < top + bottom) return false;
  const topBound = tolerance * Math.abs(values[m - 1] as number);
  const bottomBound = bottomTolerance * Math.abs(values[0] as number);
  for (let i = 0; i < top; i++) if ((residuals[m - 1 - i] as number) > topBound) return false;
  for (let i = 0; i < bottom; i++) if ((residuals[i] as number) > bottomBound) return false;
  return true;
}

/** work −= Σ ⟨work, q⟩ q, four basis vectors at a time so that `work` is read from memory a quarter as often. */
function orthogonalise(work: Float64Array, basis: readonly Float32Array[]): void {
  const n = work.length;
  for (let from = 0; from < basis.length; from += 4) {
    const [q0, q1, q2, q3] = basis.slice(from, from + 4);
    if (q0 === undefined) return;
    if (q1 !== undefined && q2 !== undefined && q3 !== undefined) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let i = 0; i < n; i++) {
        const w = work[i] as number;
        s0 += w * (q0[i] as number);
        s1 += w * (q1[i] as number);
        s2 += w * (q2[i] as number);
        s3 += w * (q3[i] as number);
      }
      for (let i = 0; i < n; i++) {
        work[i] =
          (work[i] as number) -
          s0 * (q0[i] as number) -
          s1 * (q1[i] as number) -
          s2 * (q2[i] as number) -
          s3 * (q3[i] as number);
      }
      continue;
    }
    for (const q of [q0, q1, q2]) {
      if (q === undefined) break;
      let s = 0;
      for (let i = 0; i < n; i++) s += (work[i] as number) * (q[i] as number);
      for (let i = 0; i < n; i++) work[i] = (work[i] as number) - s * (q[i] as number);
    }
  }
}

function combine(
  basis: readonly Float32Array[],
  coordinates: Matrix,
  column: number,
  n: number,
): Float32Array {
  const sum = new Float64Array(n);
  for (let j = 0; j < coordinates.rows; j++) {
    const q = basis[j] as Float32Array;
    const share = coordinates.get(j, column);
    for (let i = 0; i < n; i++) sum[i] = (sum[i] as number) + share * (q[i] as number);
  }
  return normalised(sum, n);
}

function normalised(start: ArrayLike<number>, n: number): Float32Array {
  if (start.length !== n)
    throw new RangeError(`extremalEigenpairs: expected a start of length ${n}, got ${start.length}`);
  const length = norm64(start);
  if (!(length > 0))
    throw new RangeError(`extremalEigenpairs: expected a non-zero, finite start, got norm ${length}`);
  const out = new Float32Array(n);
  for (let i = 0; i < n; i++) out[i] = (start[i] as number) / length;
  return out;
}

function norm64(v: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += (v[i] as number) ** 2;
  return Math.sqrt(sum);
}

function notFinite(options: ExtremalOptions, applications: number): Extremal {
  const pair: Eigenpair = {
    value: Number.NaN,
    residual: Number.NaN,
    converged: false,
    vector: new Float32Array(options.n),
  };
  return {
    top: Array.from({ length: Math.min(options.top, options.n) }, () => pair),
    bottom: Array.from({ length: Math.min(options.bottom, options.n) }, () => pair),
    applications,
    finite: false,
  };
}
