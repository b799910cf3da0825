/** The layers' own regularizers as functions of θ: Σ l1·|w| + l2·w². At w = 0 the l1 part has slope 0. */
import type { Parameter } from "../../shared/header.ts";
import type { OwnedParameter } from "./network.ts";
import { unsupported } from "./placed-layer.ts";
import { sizeOf } from "./rules/linear.ts";

export interface Penalty {
  readonly name: string;
  /** Where its parameter lies in θ. */
  readonly from: number;
  readonly to: number;
  readonly l1: number;
  readonly l2: number;
}

type Config = Readonly<Record<string, unknown>>;

/** What a layer calls the regularizer of a parameter, where it does not have the parameter's own name. */
const keys: Readonly<Record<string, string>> = {
  depthwise_kernel: "depthwise",
  pointwise_kernel: "pointwise",
};

/** @param laid  the same parameters as they lie in θ. @throws {EngineError} for a regularizer of another kind. */
export function penaltiesOf(owned: readonly OwnedParameter[], laid: readonly Parameter[]): Penalty[] {
  return owned.flatMap(({ name, layer, shape }, index): Penalty[] => {
    const key = `${keys[name] ?? name}Regularizer`;
    const regularizer = (layer.getConfig() as Config)[key] as Regularizer | null | undefined;
    if (regularizer === null || regularizer === undefined) return [];
    if (regularizer.className !== "L1L2")
      throw unsupported(layer, `its ${key} is ${regularizer.className}, expected l1, l2 or l1l2`);
    const { offset, name: inTheta } = laid[index] as Parameter;
    const { l1, l2 } = regularizer.config;
    return [{ name: inTheta, from: offset, to: offset + sizeOf(shape), l1, l2 }];
  });
}

/** As `getConfig` writes it. */
interface Regularizer {
  readonly className: string;
  readonly config: { readonly l1: number; readonly l2: number };
}

/** For the header: " + 0.01·‖hidden/kernel‖² + …". */
export function penaltyFormula(penalties: readonly Penalty[]): string {
  return penalties
    .map(
      ({ name, l1, l2 }) =>
        `${l2 === 0 ? "" : ` + ${l2}·‖${name}‖²`}${l1 === 0 ? "" : ` + ${l1}·‖${name}‖₁`}`,
    )
    .join("");
}

export function penaltyAt(penalties: readonly Penalty[], theta: Float32Array): number {
  let total = 0;
  for (const { from, to, l1, l2 } of penalties)
    for (let i = from; i < to; i++) {
      const w = theta[i] as number;
      total += l1 * Math.abs(w) + l2 * w * w;
    }
  return total;
}

/** Adds to the gradient at θ. */
export function addPenaltyGradient(
  penalties: readonly Penalty[],
  theta: Float32Array,
  gradient: Float32Array,
): void {
  for (const { from, to, l1, l2 } of penalties)
    for (let i = from; i < to; i++) {
      const w = theta[i] as number;
      gradient[i] = (gradient[i] as number) + l1 * Math.sign(w) + 2 * l2 * w;
    }
}

/** Adds to a product with the Hessian, or with its Gauss–Newton part: the penalty's Hessian is 2·l2 on the diagonal. */
export function addPenaltyCurvature(
  penalties: readonly Penalty[],
  v: Float32Array,
  product: Float32Array,
): void {
  for (const { from, to, l2 } of penalties)
    for (let i = from; i < to; i++) product[i] = (product[i] as number) + 2 * l2 * (v[i] as number);
}
