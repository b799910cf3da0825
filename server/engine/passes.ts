/** Layer rules composed: forward, backward, and along a direction in θ; on whatever {@link Ops} work with. */
import type { Parameter } from "../../shared/header.ts";
import type { CompiledModel } from "./compile.ts";
import type { Ops } from "./ops.ts";
import type { BackwardRule, LinearisedRule } from "./rules/rule.ts";

/** Of each rule, its parameters in order. */
export type Weights<T> = readonly (readonly T[])[];

export function weightsOf<T>({ rules, parameters }: CompiledModel, make: (of: Parameter) => T): Weights<T> {
  let index = 0;
  return rules.map((rule) => rule.parameters.map(() => make(parameters[index++] as Parameter)));
}

/** The net's outputs, [n, outputs]. */
export function forwardPass<T>(ops: Ops<T>, { rules }: CompiledModel, x: T, weights: Weights<T>): T {
  return rules.reduce((h, rule, i) => rule.forward(ops, h, weights[i] ?? []), x);
}

export interface Differentiated<T> {
  /** [n, 1]. */
  readonly exampleLosses: T;
  /** ∇L, as the parameters are ordered. */
  readonly gradient: readonly T[];
  /** Hv by the R-operator, and Gv of the Gauss–Newton matrix; products as the parameters are ordered. */
  hessianVectorProduct(v: Weights<T>): readonly T[];
  gaussNewtonProduct(v: Weights<T>): readonly T[];
}

/** One pass forward, one backward; what they leave behind is what every Hv at this θ shares. */
export function differentiate<T>(
  ops: Ops<T>,
  { rules, loss }: CompiledModel,
  x: T,
  y: T,
  weights: Weights<T>,
): Differentiated<T> {
  /** Rules before the first with parameters need no input gradients. */
  const first = Math.max(
    rules.findIndex((rule) => rule.parameters.length > 0),
    0,
  );
  const forward: LinearisedRule<T>[] = [];
  let h = x;
  rules.forEach((rule, i) => {
    const linearised = rule.linearise(ops, h, weights[i] ?? []);
    forward.push(linearised);
    h = linearised.output;
  });
  const atOutput = loss.linearise(ops, h, y);

  const backpropagate = (zBar: T): readonly BackwardRule<T>[] => {
    const backward: BackwardRule<T>[] = new Array(rules.length);
    let bar: T | null = zBar;
    for (let i = rules.length - 1; i >= first; i--) {
      const rule = (forward[i] as LinearisedRule<T>).backward(bar as T, i > first);
      backward[i] = rule;
      bar = rule.xBar;
    }
    return backward;
  };
  const backward = backpropagate(atOutput.zBar);

  /** Derivatives of every layer's output along v. */
  const pushForward = (v: Weights<T>) => {
    let hDot: T | null = null;
    const tangents = rules.map((_, i) => {
      if (i < first) return null;
      const tangent = (backward[i] as BackwardRule<T>).tangent(hDot, v[i] ?? []);
      hDot = tangent.yDot;
      return tangent;
    });
    return { tangents, zDot: hDot as T | null };
  };

  return {
    exampleLosses: atOutput.exampleLosses,
    gradient: backward.flatMap((rule) => rule.wBar),
    hessianVectorProduct(v) {
      const { tangents, zDot } = pushForward(v);
      let barDot: T | null = zDot === null ? null : atOutput.tangent(zDot);
      const wBarDots: (readonly T[])[] = new Array(rules.length);
      for (let i = rules.length - 1; i >= first; i--) {
        const result = tangents[i]?.backward(barDot);
        wBarDots[i] = result?.wBarDot ?? [];
        barDot = result?.xBarDot ?? null;
      }
      return wBarDots.flat();
    },
    gaussNewtonProduct(v) {
      const { zDot } = pushForward(v);
      return zDot === null ? [] : backpropagate(atOutput.tangent(zDot)).flatMap((rule) => rule.wBar);
    },
  };
}
