/** Copies of multiple eigenvalues, as many as are recorded: one start of Lanczos finds one vector of each eigenspace. */
import type { Random } from "../numerics/random.ts";
import type { Operator64, RecordedPair } from "./eigenpairs.ts";
import { lanczos64, noise, type RitzPair } from "./lanczos64.ts";
import { addScaled, dot, norm } from "./products.ts";

/**
 * @param operator  symmetric.
 * @param pairs  of one start, by value, descending.
 * @param top  as recorded, descending.
 * @param off  of float32 in a value.
 * @param most  products of one look.
 * @returns the pairs, and those that looks outside of the first `top.length` have found, while a recorded value lies above the one of its rank.
 */
export function withCopies(
  { apply, size }: Operator64,
  pairs: readonly RitzPair[],
  top: readonly RecordedPair[],
  off: number,
  random: Random,
  most: number,
): readonly RitzPair[] {
  let found = pairs;
  for (let look = 0; look < top.length && top.length < size; look++) {
    const lacking = top.find((recorded, i) => isAbove(recorded, found[i], off));
    if (lacking === undefined) break;
    const known = found.slice(0, top.length).map((pair) => pair.vector());
    const outside = (v: Float64Array<ArrayBuffer>) => {
      for (let pass = 0; pass < 2; pass++) for (const q of known) addScaled(-dot(q, v), q, 0, v, 0, v.length);
      return v;
    };
    const enough = lacking.residual + off;
    const { pairs: seen } = lanczos64(
      (v) => outside(apply(v)),
      outside(noise(size, random) as Float64Array<ArrayBuffer>),
      ([first]) => (first?.residual ?? Number.POSITIVE_INFINITY) <= enough,
      Math.min(most, size - known.length),
    );
    const [copy] = seen as [RitzPair];
    if (!isAbove(copy, found[top.length - 1], off)) break;
    found = [...found, onTheWhole(apply, copy)].sort((a, b) => b.value - a.value);
  }
  return found;
}

/** Does the one lie above the other, where there is one, by more than what both leave open? */
function isAbove(
  one: { readonly value: number; readonly residual: number },
  other: RitzPair | undefined,
  off: number,
): boolean {
  return other === undefined || one.value - one.residual > other.value + other.residual + off;
}

/** The residual in all of space, where it was the complement's. */
function onTheWhole(apply: Operator64["apply"], pair: RitzPair): RitzPair {
  const vector = pair.vector();
  const rest = apply(vector);
  addScaled(-pair.value, vector, 0, rest, 0, rest.length);
  return { ...pair, residual: norm(rest), vector: () => vector };
}
