/** What a Lanczos run has missed of the top: a look at the complement of what it has found. */
import { KrylovBasis } from "./krylov-basis.ts";
import { type Eigenpair, extremalEigenpairs } from "./lanczos.ts";
import { dot } from "./vector.ts";

type Apply = (v: Float32Array) => Float32Array;

export interface CompletionOptions {
  /** [n], random, another for each look. */
  readonly start: (look: number) => Float32Array;
  /** Residual at which a pair counts as converged, relative to |λ₁|. */
  readonly tolerance: number;
  /** Of one look. */
  readonly maxApplications: number;
}

/** Two λ that differ by less than this, relative to λ₁, are the same to Lanczos in float32. */
const SAME = 1e-5;
/** What is left of a unit vector is rounding below this. */
const NOTHING = 1e-3;

/**
 * The largest eigenvalues with those that are missing among them: copies of a multiple one, of which a Krylov space holds a single vector, and
 * whatever the start was orthogonal to. Lanczos finds the largest eigenvalue of A on the complement of span(top); where that is larger than the
 * last of `top` it takes its place among them, and is looked for once more.
 *
 * A residual certifies that a pair is an eigenpair; nothing but a look elsewhere certifies that none is missing.
 *
 * @param top  descending, orthonormal. @returns as many, descending; `top` itself where it is not finite.
 * @cost up to `maxApplications` applications for each look: one more than are missing. Memory: 4n for each of `top`, and the look's own basis.
 * @source Deflation by the eigenvectors that are known: Parlett 1980, §5-1.
 * @checked test/numerics/complement.test.ts, against known spectra.
 */
export function completeTop(
  apply: Apply,
  top: readonly Eigenpair[],
  { start, tolerance, maxApplications }: CompletionOptions,
): readonly Eigenpair[] {
  const n = top[0]?.vector.length ?? 0;
  if (!Number.isFinite(top[0]?.value)) return top;
  let found = top;
  // There can be no more missing than there are.
  for (let look = 0; look < top.length && found.length < n; look++) {
    const size = Math.max(...found.map(({ value }) => Math.abs(value)));
    const last = found.at(-1)?.value as number;
    const elsewhere = complement(apply, found);
    const { top: seen } = extremalEigenpairs(elsewhere.apply, {
      n,
      top: 1,
      bottom: 0,
      start: elsewhere.project(start(look)),
      // Of its own largest eigenvalue, which is as large as the last at most if nothing is missing.
      tolerance: last === 0 ? 1 : Math.min(1, (tolerance * size) / Math.abs(last)),
      maxApplications: Math.min(maxApplications, n - found.length),
    });
    elsewhere.dispose();
    const [first] = seen as [Eigenpair];
    if (!(first.value > last + SAME * size)) break;
    const pair = asAppliedTo(apply, first, tolerance * Math.max(size, first.value));
    found = [...found.slice(0, -1), pair].sort((a, b) => b.value - a.value);
    if (!pair.converged) break;
  }
  return found;
}

/**
 * Has what was known a part outside span(top) along which A curves more than along the last of them that has converged? Then one is missing:
 * nothing outside the first k eigenvectors curves more than the k-th does.
 *
 * @param known  unit vectors, such as the eigenvectors of a moment before. @cost one application, 4n for each of `top`.
 * @source Courant & Fischer's principle: Parlett 1980, §10-2.
 */
export function hasLost(apply: Apply, top: readonly Eigenpair[], known: readonly Float32Array[]): boolean {
  const least = top.findLast(({ converged }) => converged)?.value;
  if (least === undefined) return false;
  const mix = new Float64Array(known[0]?.length ?? 0);
  // Their plain sum is what a warm start was made of: of copies it holds the one that was found, and no other.
  for (const [i, vector] of known.entries())
    for (let j = 0; j < mix.length; j++)
      mix[j] = (mix[j] as number) + (1 - 2 * (i % 2)) * (vector[j] as number);
  const basis = basisOf(top);
  basis.w.set(mix);
  const outside = projected(basis);
  const length = basis.norm();
  basis.dispose();
  if (length < NOTHING * Math.sqrt(known.length)) return false;
  const unit = outside.map((entry) => entry / length);
  return dot(unit, apply(unit)) > least + SAME * Math.abs(top[0]?.value as number);
}

/** A on the complement of span(top), which itself is given its last eigenvalue: none of it can look like something new. */
function complement(apply: Apply, top: readonly Eigenpair[]) {
  const basis = basisOf(top);
  const value = top.at(-1)?.value as number;
  const out = new Float32Array(basis.w.length);
  const project = (v: Float32Array): Float32Array => {
    basis.w.set(v);
    return projected(basis);
  };
  return {
    project,
    apply(v: Float32Array): Float32Array {
      const inside = project(v);
      const image = project(apply(inside));
      for (let i = 0; i < out.length; i++)
        out[i] = (image[i] as number) + value * ((v[i] as number) - (inside[i] as number));
      return out;
    },
    dispose: () => basis.dispose(),
  };
}

function basisOf(top: readonly Eigenpair[]): KrylovBasis {
  const basis = new KrylovBasis(top[0]?.vector.length ?? 0, top.length);
  for (const { vector } of top) {
    basis.w.set(vector);
    basis.append(1);
  }
  return basis;
}

/** w without its part in the basis. */
function projected(basis: KrylovBasis): Float32Array {
  const scratch = new Float64Array(basis.length);
  for (let pass = 0; pass < 2; pass++) basis.projectOut(scratch);
  return new Float32Array(basis.w);
}

/** An eigenpair of the complement, as one of A. */
function asAppliedTo(apply: Apply, { vector }: Eigenpair, limit: number): Eigenpair {
  const image = apply(vector);
  const value = dot(vector, image);
  let squares = 0;
  for (let i = 0; i < image.length; i++)
    squares += ((image[i] as number) - value * (vector[i] as number)) ** 2;
  const residual = Math.sqrt(squares);
  return { value, residual, converged: residual <= limit, vector };
}
