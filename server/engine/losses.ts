/** The losses, by name: the value of each example, and the derivatives of the mean with respect to the outputs. */
import type { Ops } from "./ops.ts";

export type LossName = NamedLoss | "own";

type NamedLoss = "cross-entropy" | "mse" | "half-sum-mse" | "sigmoid-cross-entropy" | "huber";

export interface LinearisedLoss<T> {
  /** [n, 1]. */
  readonly exampleLosses: T;
  /** ∂L/∂z, [n, k], of the mean over examples. */
  readonly zBar: T;
  /** Its derivative along ż. */
  tangent(zDot: T): T;
}

export interface Loss {
  readonly name: LossName;
  /** For the header: reduction and factors decide every eigenvalue's scale. */
  readonly formula: string;
  /** The activation that it applies to the outputs itself; null for none. */
  readonly folds: "softmax" | "sigmoid" | null;
  exampleLosses<T>(ops: Ops<T>, z: T, y: T): T;
  linearise<T>(ops: Ops<T>, z: T, y: T): LinearisedLoss<T>;
}

const crossEntropy: Loss = {
  name: "cross-entropy",
  formula: "L = −(1/n) Σ_i Σ_k y_ik log softmax(z_i)_k",
  folds: "softmax",
  exampleLosses: (ops, z, y) => shifted(ops, z, y).exampleLosses,
  linearise(ops, z, y) {
    const { exampleLosses, softmax } = shifted(ops, z, y);
    const perExample = 1 / (ops.shape(z)[0] ?? 1);
    return {
      exampleLosses,
      zBar: ops.scale(ops.sub(softmax, y), perExample),
      tangent(zDot) {
        const weighted = ops.mul(softmax, zDot);
        return ops.scale(ops.sub(weighted, ops.mul(softmax, ops.sumOverColumns(weighted))), perExample);
      },
    };
  },
};

/** softmax and its log from z − max z, so that nothing overflows. */
function shifted<T>(ops: Ops<T>, z: T, y: T): { exampleLosses: T; softmax: T } {
  const down = ops.sub(z, ops.maxOverColumns(z));
  const powers = ops.exp(down);
  const total = ops.sumOverColumns(powers);
  const logSoftmax = ops.sub(down, ops.log(total));
  return {
    exampleLosses: ops.scale(ops.sumOverColumns(ops.mul(y, logSoftmax)), -1),
    softmax: ops.div(powers, total),
  };
}

/** `example(k)` and `slope(k)`: factors of Σ_k (z − y)² in one example's loss, and of (z − y) in its derivative. */
function squared(
  name: LossName,
  formula: string,
  example: (outputs: number) => number,
  slope: (outputs: number) => number,
): Loss {
  const losses = <T>(ops: Ops<T>, difference: T): T =>
    ops.scale(ops.sumOverColumns(ops.mul(difference, difference)), example(ops.shape(difference)[1] ?? 1));
  return {
    name,
    formula,
    folds: null,
    exampleLosses: (ops, z, y) => losses(ops, ops.sub(z, y)),
    linearise(ops, z, y) {
      const [n = 1, outputs = 1] = ops.shape(z);
      const difference = ops.sub(z, y);
      return {
        exampleLosses: losses(ops, difference),
        zBar: ops.scale(difference, slope(outputs) / n),
        tangent: (zDot) => ops.scale(zDot, slope(outputs) / n),
      };
    },
  };
}

/** log(1 + eᶻ) − yz, which is −y log σ(z) − (1 − y) log(1 − σ(z)). */
const sigmoidCrossEntropy: Loss = {
  name: "sigmoid-cross-entropy",
  formula: "L = −(1/(nK)) Σ_i Σ_k [y_ik log σ(z_ik) + (1 − y_ik) log(1 − σ(z_ik))]",
  folds: "sigmoid",
  exampleLosses: (ops, z, y) =>
    ops.scale(ops.sumOverColumns(ops.sub(ops.softplus(z), ops.mul(y, z))), 1 / (ops.shape(z)[1] ?? 1)),
  linearise(ops, z, y) {
    const [n = 1, outputs = 1] = ops.shape(z);
    const p = ops.sigmoid(z);
    const slope = ops.mul(p, ops.sigmoid(ops.scale(z, -1)));
    return {
      exampleLosses: sigmoidCrossEntropy.exampleLosses(ops, z, y),
      zBar: ops.scale(ops.sub(p, y), 1 / (n * outputs)),
      tangent: (zDot) => ops.scale(ops.mul(slope, zDot), 1 / (n * outputs)),
    };
  },
};

/** h(d) = ½d² up to |d| = 1, |d| − ½ beyond: with c = d cut to ±1, h = c(d − ½c) and h′ = c. */
const huber: Loss = {
  name: "huber",
  formula: "L = (1/(nK)) Σ_i Σ_k h(z_ik − y_ik), h(d) = ½d² for |d| ≤ 1, else |d| − ½",
  folds: null,
  exampleLosses(ops, z, y) {
    const d = ops.sub(z, y);
    const cut = ops.clip(d, -1, 1);
    const h = ops.mul(cut, ops.sub(d, ops.scale(cut, 0.5)));
    return ops.scale(ops.sumOverColumns(h), 1 / (ops.shape(z)[1] ?? 1));
  },
  linearise(ops, z, y) {
    const [n = 1, outputs = 1] = ops.shape(z);
    const d = ops.sub(z, y);
    const cut = ops.clip(d, -1, 1);
    // 1 inside, where |d| < 1; 0 outside, and on the kink of h′.
    const inside = ops.positive(ops.shift(ops.scale(ops.mul(d, d), -1), 1));
    return {
      exampleLosses: huber.exampleLosses(ops, z, y),
      zBar: ops.scale(cut, 1 / (n * outputs)),
      tangent: (zDot) => ops.scale(ops.mul(inside, zDot), 1 / (n * outputs)),
    };
  },
};

export const losses: Readonly<Record<NamedLoss, Loss>> = {
  "cross-entropy": crossEntropy,
  mse: squared(
    "mse",
    "L = (1/(nK)) Σ_i Σ_k (z_ik − y_ik)²",
    (outputs) => 1 / outputs,
    (outputs) => 2 / outputs,
  ),
  "half-sum-mse": squared(
    "half-sum-mse",
    "L = (1/(2n)) Σ_i Σ_k (z_ik − y_ik)²",
    () => 0.5,
    () => 1,
  ),
  "sigmoid-cross-entropy": sigmoidCrossEntropy,
  huber,
};
