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
  /** Elementwise, with broadcasting of a row or a column. */
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  scale(a: T, factor: number): T;
  /** 1 − a². */
  oneMinusSquare(a: T): T;
  exp(a: T): T;
  log(a: T): T;
  tanh(a: T): T;
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
}
