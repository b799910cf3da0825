/** Extremal eigenvalues of a symmetric operator that can only be applied. */
import { CLOSED, KrylovBasis, norm64 } from "./krylov-basis.ts";
import { createRandom } from "./random.ts";
import { tridiagonalEigen } from "./tridiagonal.ts";

export interface Eigenpair {
  readonly value: number;
  /** ‖Av − λv‖₂ for the operator as applied: some eigenvalue lies this near `value`. It does not say which one. */
  readonly residual: number;
  readonly converged: boolean;
  /** Unit vector, [n]. */
  readonly vector: Float32Array;
}

export interface ExtremalOptions {
  readonly n: number;
  /** How many of the largest and of the smallest eigenvalues, algebraically; fewer come back when n or the applications do not suffice. */
  readonly top: number;
  readonly bottom: number;
  /** [n], non-zero. What it is orthogonal to can stay unseen: see {@link extremalEigenpairs}. */
  readonly start: ArrayLike<number>;
  /** A pair has converged when its residual is at most this times |λ₁| (top) or |λ_min| (bottom). */
  readonly tolerance: number;
  readonly maxApplications: number;
  /** For the bottom, where it differs. */
  readonly bottomTolerance?: number;
}

export interface ExtremalEigenpairs {
  /** Descending. */
  readonly top: readonly Eigenpair[];
  /** Ascending. Overlaps with `top` when n < top + bottom. */
  readonly bottom: readonly Eigenpair[];
  readonly applications: number;
  /** False when A gave NaN or ±∞: every value is then NaN. Divergence is a reading, not an exception. */
  readonly finite: boolean;
}

/** A β so small, relative to ‖A‖, that what comes after it has hardly been seen by what came before. */
const NEARLY_CLOSED = 1e-5;
/**
 * Iteration ends when the top's residuals are this share of what counts as converged, and no more than {@link COMPLETE} of |λ₁|. Two eigenvalues
 * whose distance is about a residual can pass for one, and then the next takes the second's place, converged and all. Of 300 starts on a
 * network's outliers, the fourth and the fifth 0.3 % of λ₁ apart, 206 missed one of five at residuals of 1e-2 λ₁, 29 at 1e-3 λ₁ and 4 at
 * 1e-4 λ₁, one product later at most; in another such experiment 1 of 400 did at 1e-5 λ₁. That one has next to nothing of an eigenvector,
 * which no residual shows.
 */
const MARGIN = 0.01;
const COMPLETE = 1e-4;
/** Of |λ₁|. Eigenvalues below it are rounding: asking for residuals relative to them would never end. */
const RESOLUTION = 1e-6;

/**
 * Lanczos with full re-orthogonalisation. Without it, float32 products bring copies of λ₁ ("ghosts") in place of λ₂, λ₃, ….
 *
 * A start vector orthogonal to an eigenvector never shows it, and every residual is small all the same: start with noise
 * in it. One Krylov space holds one vector of each eigenspace; when the space closes early, the search goes on from a fresh
 * orthogonal vector until that changes none of the values asked for. Where it does not close, copies of a multiple eigenvalue
 * come from rounding alone, and some are missed: {@link import("./complement.ts").completeTop} finds those.
 *
 * @param apply v ↦ Av, A symmetric; [n] → [n]. The result is read before the next call.
 * @returns Residuals are computed from the recurrence, ‖(H − T)s‖ and β|s_k| together, H the coefficients that
 * orthogonalisation met; they hold what asymmetry A's rounding has, and cost no application.
 * @cost k ≤ maxApplications applications; 4nk bytes; 4nk² flops, doubled where orthogonality asks for a second pass.
 * @throws {RangeError} on sizes that do not fit, or a zero or non-finite start.
 * @source Golub & Van Loan 2013, §10.1 and §10.3; re-orthogonalisation: Daniel, Gragg, Kaufman & Stewart 1976.
 * @checked test/numerics/lanczos.test.ts, against dense decompositions.
 */
export function extremalEigenpairs(
  apply: (v: Float32Array) => Float32Array,
  options: ExtremalOptions,
): ExtremalEigenpairs {
  const wanted = checked(options);
  const limit = Math.min(options.n, options.maxApplications);
  const basis = new KrylovBasis(options.n, limit);
  const { w } = basis;
  const alphas: number[] = [];
  /** β of T; 0 where a fresh vector begins. */
  const betas: number[] = [];
  /** β as met, 0 where T has it: what T leaves out. */
  const dropped: number[] = [];
  /** Column j of H − T above the diagonal. */
  const drift: Float64Array[] = [];
  w.set(options.start);
  let length = basis.norm();
  let previous: number[] | null = null;
  let blockStart = 0;
  let scale = 0;

  while (alphas.length < limit) {
    const j = alphas.length;
    const product = apply(basis.append(length));
    if (product.length !== options.n)
      throw new RangeError(`apply: expected ${options.n} elements, got ${product.length}`);
    w.set(product);
    const { alpha, beta, coefficients } = basis.orthogonalise(betas[j - 1] ?? 0);
    if (!Number.isFinite(alpha) || !Number.isFinite(beta)) {
      basis.dispose();
      return notFinite(options.n, j + 1, wanted);
    }
    alphas.push(alpha);
    drift.push(coefficients);
    scale = Math.max(scale, Math.abs(alpha) + beta + (betas[j - 1] ?? 0));

    betas.push(beta);
    dropped.push(0);
    const isFirstBlock = blockStart === 0;
    const settled = isSettled(alphas, betas, wanted, null);
    const nearlyClosed = beta <= NEARLY_CLOSED * scale;
    if (isFirstBlock && settled && !nearlyClosed) break;
    const blockSettled =
      !isFirstBlock &&
      settled &&
      isSettled(alphas.slice(blockStart), betas.slice(blockStart), ONE_EACH, scale * wanted.tolerance);
    if (nearlyClosed || blockSettled) {
      const values = extremes(alphas, betas, wanted);
      if (previous !== null && unchanged(values, previous, wanted.tolerance * scale)) break;
      previous = values;
      blockStart = j + 1;
    }
    if (j + 1 === options.n) break;
    if (blockSettled || beta <= CLOSED * scale) {
      dropped[j] = beta;
      betas[j] = 0;
      drawFresh(basis);
      length = basis.norm();
    } else {
      length = beta;
    }
  }
  const pairs = ritzPairs(basis, alphas, betas, dropped, drift, wanted);
  basis.dispose();
  return pairs;
}

interface Wanted {
  readonly top: number;
  readonly bottom: number;
  readonly tolerance: number;
  readonly bottomTolerance: number;
}

const ONE_EACH: Wanted = { top: 1, bottom: 1, tolerance: 0, bottomTolerance: 0 };

function checked(options: ExtremalOptions): Wanted {
  const { n, top, bottom, start, tolerance, maxApplications, bottomTolerance = tolerance } = options;
  for (const [name, value, least] of [
    ["n", n, 1],
    ["top", top, 0],
    ["bottom", bottom, 0],
    ["top + bottom", top + bottom, 1],
    ["maxApplications", maxApplications, 1],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw new RangeError(`${name}: expected an integer ≥ ${least}, got ${value}`);
  if (start.length !== n) throw new RangeError(`start: expected ${n} elements, got ${start.length}`);
  const length = norm64(start);
  if (!(length > 0 && Number.isFinite(length)))
    throw new RangeError(`start: expected a finite vector other than zero, got norm ${length}`);
  if (!(tolerance > 0 && bottomTolerance > 0))
    throw new RangeError(`tolerance: expected above 0, got ${Math.min(tolerance, bottomTolerance)}`);
  return { top: Math.min(top, n), bottom: Math.min(bottom, n), tolerance, bottomTolerance };
}

/**
 * Have all wanted values of T converged, by β|s_k|? `allowed` replaces both tolerances. Of the top more is asked than convergence:
 * {@link MARGIN}.
 */
function isSettled(alphas: number[], betas: number[], wanted: Wanted, allowed: number | null): boolean {
  const k = alphas.length;
  if (k < wanted.top + wanted.bottom) return false;
  const { values, rows } = tridiagonalEigen(alphas, betas, [k - 1]);
  const last = rows[0] as Float64Array;
  const beta = betas[k - 1] as number;
  const tolerance = Math.min(MARGIN * wanted.tolerance, COMPLETE);
  const limits = limitsFor(values, { ...wanted, tolerance });
  for (let i = 0; i < wanted.top; i++)
    if (!(beta * Math.abs(last[k - 1 - i] as number) <= (allowed ?? limits.top))) return false;
  for (let i = 0; i < wanted.bottom; i++)
    if (!(beta * Math.abs(last[i] as number) <= (allowed ?? limits.bottom))) return false;
  return true;
}

/** The residuals that count as converged. */
function limitsFor(values: Float64Array, wanted: Wanted) {
  const first = Math.abs(values[values.length - 1] as number);
  const least = Math.abs(values[0] as number);
  const floor = RESOLUTION * Math.max(first, least);
  return {
    top: Math.max(wanted.tolerance * first, floor),
    bottom: Math.max(wanted.bottomTolerance * least, floor),
  };
}

function notFinite(n: number, applications: number, { top, bottom }: Wanted): ExtremalEigenpairs {
  const vector = new Float32Array(n);
  const pair: Eigenpair = { value: Number.NaN, residual: Number.NaN, converged: false, vector };
  return {
    top: new Array(top).fill(pair),
    bottom: new Array(bottom).fill(pair),
    applications,
    finite: false,
  };
}

function extremes(alphas: number[], betas: number[], wanted: Wanted): number[] {
  const { values } = tridiagonalEigen(alphas, betas, []);
  return [...values.subarray(Math.max(0, values.length - wanted.top)), ...values.subarray(0, wanted.bottom)];
}

function unchanged(a: number[], b: number[], allowed: number): boolean {
  return a.length === b.length && a.every((value, i) => Math.abs(value - (b[i] as number)) <= allowed);
}

/** Makes w a random vector orthogonal to the basis, which has fewer than n. */
function drawFresh(basis: KrylovBasis): void {
  const { w } = basis;
  const random = createRandom(basis.length);
  for (let i = 0; i < w.length; i++) w[i] = random.normal();
  const scratch = new Float64Array(basis.length);
  for (let pass = 0; pass < 3; pass++) basis.projectOut(scratch);
}

function ritzPairs(
  basis: KrylovBasis,
  alphas: number[],
  betas: number[],
  dropped: number[],
  drift: readonly Float64Array[],
  wanted: Wanted,
): ExtremalEigenpairs {
  const k = alphas.length;
  const { values, rows } = tridiagonalEigen(alphas, betas);
  const limits = limitsFor(values, wanted);
  const topCount = Math.min(wanted.top, k);
  const indices = [
    ...Array.from({ length: topCount }, (_, i) => k - 1 - i),
    ...Array.from({ length: Math.min(wanted.bottom, k) }, (_, i) => i),
  ];
  const weights = indices.map((index) => Float64Array.from(rows, (row) => row[index] as number));
  const vectors = basis.combine(weights);
  const pairs = indices.map((index, i): Eigenpair => {
    const s = weights[i] as Float64Array;
    let squares = ((betas[k - 1] as number) * (s[k - 1] as number)) ** 2;
    const off = new Float64Array(k);
    for (let j = 0; j < k; j++) {
      const sj = s[j] as number;
      squares += ((dropped[j] as number) * sj) ** 2;
      const column = drift[j] as Float64Array;
      for (let m = 0; m < column.length; m++) off[m] = (off[m] as number) + (column[m] as number) * sj;
    }
    for (const component of off) squares += component * component;
    const residual = Math.sqrt(squares);
    const limit = i < topCount ? limits.top : limits.bottom;
    return {
      value: values[index] as number,
      residual,
      converged: residual <= limit,
      vector: vectors[i] as Float32Array,
    };
  });
  return { top: pairs.slice(0, topCount), bottom: pairs.slice(topCount), applications: k, finite: true };
}
