/** y = φ(z), elementwise. */
import type { Ops } from "../ops.ts";
import { addMaybe, type Rule } from "./rule.ts";

/** φ(z), φ′(z) and φ″(z); null stands for 1 in `first` and for 0 in `second`. */
interface Derivatives<T> {
  readonly value: T;
  readonly first: T | null;
  readonly second: T | null;
}

interface Activation {
  value<T>(ops: Ops<T>, z: T): T;
  derivatives<T>(ops: Ops<T>, z: T): Derivatives<T>;
}

const linear: Activation = {
  value: (_ops, z) => z,
  derivatives: (_ops, z) => ({ value: z, first: null, second: null }),
};

const relu: Activation = {
  value: (ops, z) => ops.relu(z),
  /** The kink at 0 counts as curvature 0, as in every framework. */
  derivatives: (ops, z) => ({ value: ops.relu(z), first: ops.positive(z), second: null }),
};

const tanh: Activation = {
  value: (ops, z) => ops.tanh(z),
  derivatives(ops, z) {
    const value = ops.tanh(z);
    const first = ops.oneMinusSquare(value);
    return { value, first, second: ops.scale(ops.mul(value, first), -2) };
  },
};

const sigmoid: Activation = {
  value: (ops, z) => ops.sigmoid(z),
  derivatives(ops, z) {
    const value = ops.sigmoid(z);
    const other = ops.sigmoid(ops.scale(z, -1)); // 1 − σ(z) without cancellation
    const first = ops.mul(value, other);
    return { value, first, second: ops.mul(first, ops.sub(other, value)) };
  },
};

const softplus: Activation = {
  value: (ops, z) => ops.softplus(z),
  derivatives(ops, z) {
    const first = ops.sigmoid(z);
    return { value: ops.softplus(z), first, second: ops.mul(first, ops.sigmoid(ops.scale(z, -1))) };
  },
};

const gelu: Activation = {
  value: (ops, z) => ops.gelu(z).value,
  derivatives: (ops, z) => ops.gelu(z),
};

/** By tfjs-layers' names. `gelu` is x·Φ(x) with the exact Φ, not the tanh approximation (tfjs's `gelu_new`). */
export const activations: Readonly<Record<string, Activation>> = {
  linear,
  relu,
  tanh,
  sigmoid,
  softplus,
  gelu,
};

export function activationRule(layer: string, name: string, outputShape: readonly number[]): Rule {
  const activation = activations[name];
  if (activation === undefined)
    throw new RangeError(`activation: expected one of ${Object.keys(activations)}, got ${name}`);
  return {
    layer,
    parameters: [],
    outputShape,
    forward: (ops, z) => activation.value(ops, z),
    linearise(ops, z) {
      const { value, first, second } = activation.derivatives(ops, z);
      const along = (a: typeof z) => (first === null ? a : ops.mul(a, first));
      return {
        output: value,
        backward(yBar) {
          const bend = second === null ? null : ops.mul(yBar, second);
          return {
            wBar: [],
            xBar: along(yBar),
            tangent(zDot) {
              return {
                yDot: zDot === null ? null : along(zDot),
                backward(yBarDot) {
                  return {
                    wBarDot: [],
                    xBarDot: addMaybe(
                      ops,
                      yBarDot === null ? null : along(yBarDot),
                      bend === null || zDot === null ? null : ops.mul(bend, zDot),
                    ),
                  };
                },
              };
            },
          };
        },
      };
    },
  };
}
