/** The spectrum as one vector sees it: Gauss quadrature by Lanczos. */
import { CLOSED, KrylovBasis, norm64 } from "./krylov-basis.ts";
import { tridiagonalEigen } from "./tridiagonal.ts";

export interface Quadrature {
  /** Ritz values, ascending. */
  readonly nodes: Float64Array;
  /** Squared first components of T's eigenvectors: positive, with sum 1. */
  readonly weights: Float64Array;
  /** β|s_k| of each node: some eigenvalue of A lies this near. */
  readonly residuals: Float64Array;
  /** T's diagonal, and what joins each vector to the next, [steps] both: the last β leads to a vector that A was not applied to. */
  readonly alphas: readonly number[];
  readonly betas: readonly number[];
  readonly applications: number;
  /** False when A gave NaN or ±∞: there are then no nodes. */
  readonly finite: boolean;
}

/**
 * Σᵢ wᵢ f(nodeᵢ) for uᵀf(A)u, u the unit vector along `start`: exact for polynomials up to degree 2·steps − 1. Over random starts its mean
 * is tr f(A) / n.
 *
 * Full re-orthogonalisation, as in {@link import("./lanczos.ts").extremalEigenpairs}: without it, copies of the outliers would take their
 * share of the weights. A space that closes early is the whole of what `start` can see, and its quadrature is exact for every f.
 *
 * @param apply v ↦ Av, A symmetric; [n] → [n].
 * @param options.start [n], non-zero. @param options.steps most applications of A.
 * @cost `steps` applications; 4n·steps bytes; 4n·steps² flops.
 * @throws {RangeError} on a zero or non-finite start, and on a number of steps that is no positive integer.
 * @source Golub & Meurant 2010, *Matrices, Moments and Quadrature*, §6; on networks: Ghorbani et al. 2019, arXiv:1901.10159.
 * @checked test/numerics/lanczos-quadrature.test.ts, moments against dense powers.
 */
export function lanczosQuadrature(
  apply: (v: Float32Array) => Float32Array,
  { start, steps }: { readonly start: Float32Array; readonly steps: number },
): Quadrature {
  if (!Number.isInteger(steps) || steps < 1)
    throw new RangeError(`steps: expected a positive integer, got ${steps}`);
  const n = start.length;
  let length = norm64(start);
  if (!(length > 0 && Number.isFinite(length)))
    throw new RangeError(`start: expected a finite vector other than zero, got norm ${length}`);
  const limit = Math.min(steps, n);
  const basis = new KrylovBasis(n, limit);
  const { w } = basis;
  w.set(start);
  const alphas: number[] = [];
  const betas: number[] = [];
  let scale = 0;
  while (alphas.length < limit) {
    w.set(apply(basis.append(length)));
    const before = betas.at(-1) ?? 0;
    const { alpha, beta } = basis.orthogonalise(before);
    if (!Number.isFinite(alpha) || !Number.isFinite(beta)) {
      basis.dispose();
      return notFinite(alphas.length + 1);
    }
    alphas.push(alpha);
    betas.push(beta);
    scale = Math.max(scale, Math.abs(alpha) + beta + before);
    if (beta <= CLOSED * scale) break;
    length = beta;
  }
  basis.dispose();
  const k = alphas.length;
  const { values, rows } = tridiagonalEigen(alphas, betas, [0, k - 1]);
  const [first, last] = rows as readonly [Float64Array, Float64Array];
  return {
    nodes: values,
    weights: first.map((component) => component * component),
    residuals: last.map((component) => (betas[k - 1] as number) * Math.abs(component)),
    alphas,
    betas,
    applications: k,
    finite: true,
  };
}

function notFinite(applications: number): Quadrature {
  const nothing = new Float64Array();
  return {
    nodes: nothing,
    weights: nothing,
    residuals: nothing,
    alphas: [],
    betas: [],
    applications,
    finite: false,
  };
}
