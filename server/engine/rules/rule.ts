/** What the engine must know of a layer: its value, its derivatives, and how these change along a direction in θ. */
import type { Ops } from "../ops.ts";

export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Dots (ẋ, ẏ, ẇ) are derivatives along the direction v in θ; null is zero. Bars (x̄, ȳ, w̄) are derivatives of L. */
export interface Rule {
  /** The layer's name, for messages. */
  readonly layer: string;
  readonly parameters: readonly ParameterShape[];
  /** Shape of one example after this layer. */
  readonly outputShape: readonly number[];
  forward<T>(ops: Ops<T>, x: T, w: readonly T[]): T;
  linearise<T>(ops: Ops<T>, x: T, w: readonly T[]): LinearisedRule<T>;
  /** Of a rule without parameters that gives the numbers that it is given, in their order. */
  readonly keepsOrder?: true;
  /** The same on so many numbers an example, where each has a row of its own in the first parameter. */
  withInputs?(inputs: number): Rule;
}

export interface LinearisedRule<T> {
  readonly output: T;
  /** @param needsInput  false where nothing before this layer has parameters: x̄ is then null. */
  backward(yBar: T, needsInput: boolean): BackwardRule<T>;
}

export interface BackwardRule<T> {
  readonly wBar: readonly T[];
  readonly xBar: T | null;
  /** Everything Hv needs of this layer, from one ẋ and ẇ. */
  tangent(xDot: T | null, wDot: readonly T[]): TangentRule<T>;
}

export interface TangentRule<T> {
  readonly yDot: T | null;
  /** Derivatives of w̄ and x̄ along v, from that of ȳ. */
  backward(yBarDot: T | null): { readonly wBarDot: readonly T[]; readonly xBarDot: T | null };
}

/** Sum where null is zero. */
export function addMaybe<T>(ops: Ops<T>, a: T | null, b: T | null): T | null {
  if (a === null) return b;
  return b === null ? a : ops.add(a, b);
}
