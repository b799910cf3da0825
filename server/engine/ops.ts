import type { TapeFunction } from "./tape.ts";

/** Where the entries of a rearranged example come from: its entry j is the example's entry `sources[j]`; a negative source stands for none. */
export interface Rearrangement {
  /** Entries of one example before. */
  readonly size: number;
  readonly sources: Int32Array;
}

/** A function on tfjs's tape, at one point; see tape.ts. */
export interface Taped<T> {
  value(): T;
  pullBack(yBar: T): readonly T[];
  pushForward(xDot: readonly T[], yBar: T): { readonly yDot: T; readonly bends: readonly T[] };
}

/**
 * The few operations that layer rules are written in. `T` is whatever holds a matrix: a tfjs tensor today, the name of a node when the same
 * rules are printed as a graph.
 */
export interface Ops<T> {
  /** Takes a copy. */
  constant(values: Float32Array, shape: readonly number[]): T;
  shape(a: T): readonly number[];
  reshape(a: T, shape: readonly number[]): T;
  /** [m, k] · [k, n]. */
  matMul(a: T, b: T): T;
  transpose(a: T): T;
  /** b ↦ aᵀb, for many rows and several b: [m, i], [m, j] → [i, j]. */
  transposedProducts(a: T): (b: T) => T;
  /** Elementwise, with broadcasting of a row or a column. */
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  scale(a: T, factor: number): T;
  /** a + by. */
  shift(a: T, by: number): T;
  /** min(max(a, low), high). */
  clip(a: T, low: number, high: number): T;
  sqrt(a: T): T;
  exp(a: T): T;
  log(a: T): T;
  tanh(a: T): T;
  /** 1 − tanh² a, to the last digits also where tanh a rounds to ±1: 4e/(1 + e)², e = exp(−2|a|). */
  tanhSlope(a: T): T;
  sigmoid(a: T): T;
  softplus(a: T): T;
  relu(a: T): T;
  /** 1 where a > 0, else 0. */
  positive(a: T): T;
  /** x·Φ(x) with the exact normal distribution function, and its first and second derivatives. */
  gelu(a: T): { readonly value: T; readonly first: T; readonly second: T };
  /** [n, k] → [1, k] and [n, 1]. */
  sumOverRows(a: T): T;
  sumOverColumns(a: T): T;
  maxOverColumns(a: T): T;
  /** [n, …] → [n, sources.length]; 0 where there is no source. */
  rearrange(a: T, by: Rearrangement): T;
  /** The adjoint of {@link rearrange}: [n, …] → [n, size]; entries that came from one place are added up there. */
  rearrangeBack(a: T, by: Rearrangement): T;
  /**
   * The first maximum among every `taps` entries of {@link rearrange}'s result, those without a source not counted: [n, sources.length / taps],
   * and where in its example each was found, for {@link pick} and {@link place}. NaN counts as the largest.
   */
  firstMaximum(a: T, by: Rearrangement, taps: number): { readonly value: T; readonly at: T };
  /** The entries of each example at its own places: [n, size], [n, m] → [n, m]. */
  pick(a: T, at: T): T;
  /** The adjoint: [n, m], [n, m] → [n, size], entries at one place added up. */
  place(a: T, at: T, size: number): T;
  /** Rows of a [v, k] by their numbers, any shape of m entries: [m, k]. @throws {EngineError} for a number that names no row. */
  takeRows(a: T, rows: T): T;
  /** The adjoint of {@link takeRows}: [m, k] → [count, k]. */
  addIntoRows(a: T, rows: T, count: number): T;
  /** What is written in tfjs itself; only tfjs has it. */
  onTape(f: TapeFunction, x: readonly T[]): Taped<T>;
}
