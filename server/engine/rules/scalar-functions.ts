/** The activations of tfjs-layers: φ, φ′ and φ″. */
import type { Ops } from "../ops.ts";

/** φ(z), φ′(z) and φ″(z); null stands for 1 in `first` and for 0 in `second`. */
interface Derivatives<T> {
  readonly value: T;
  readonly first: T | null;
  readonly second: T | null;
}

export interface Activation {
  value<T>(ops: Ops<T>, z: T): T;
  derivatives<T>(ops: Ops<T>, z: T): Derivatives<T>;
}

/** One whose value is not cheaper than its derivatives. */
function together(derivatives: Activation["derivatives"]): Activation {
  return { value: (ops, z) => derivatives(ops, z).value, derivatives };
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
    const first = ops.tanhSlope(z);
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

/** α(eᶻ − 1) below 0, times a scale. */
function elu(alpha: number, scale: number): Activation {
  return together((ops, z) => {
    const above = ops.positive(z);
    const below = ops.shift(ops.scale(above, -1), 1);
    const power = ops.exp(ops.scale(ops.relu(ops.scale(z, -1)), -1));
    const bent = ops.scale(ops.mul(below, power), alpha * scale);
    return {
      value: ops.add(ops.scale(ops.relu(z), scale), ops.scale(ops.shift(power, -1), alpha * scale)),
      first: ops.add(ops.scale(above, scale), bent),
      second: bent,
    };
  });
}

/** αz below 0. */
export function leakyRelu(alpha: number): Activation {
  return together((ops, z) => {
    const first = ops.shift(ops.scale(ops.positive(z), 1 - alpha), alpha);
    return { value: ops.mul(z, first), first, second: null };
  });
}

/** slope·z + offset where that is between 0 and `high`, constant beyond. */
function clipped(slope: number, offset: number, high: number): Activation {
  const line = <T>(ops: Ops<T>, z: T): T => (slope === 1 ? z : ops.shift(ops.scale(z, slope), offset));
  return {
    value: (ops, z) => ops.clip(line(ops, z), 0, high),
    derivatives(ops, z) {
      const y = line(ops, z);
      const inside = ops.mul(ops.positive(y), ops.positive(ops.shift(ops.scale(y, -1), high)));
      return { value: ops.clip(y, 0, high), first: ops.scale(inside, slope), second: null };
    },
  };
}

export function cappedRelu(high: number): Activation {
  return clipped(1, 0, high);
}

/** z above θ, else 0. */
export function thresholdedRelu(theta: number): Activation {
  return together((ops, z) => {
    const above = ops.positive(ops.shift(z, -theta));
    return { value: ops.mul(z, above), first: above, second: null };
  });
}

/** z/(1 + |z|). */
const softsign = together((ops, z) => {
  const magnitude = ops.add(ops.relu(z), ops.relu(ops.scale(z, -1)));
  const below = ops.shift(magnitude, 1);
  const first = ops.div(ops.constant(Float32Array.of(1), [1]), ops.mul(below, below));
  const sign = ops.sub(ops.positive(z), ops.positive(ops.scale(z, -1)));
  return { value: ops.div(z, below), first, second: ops.scale(ops.mul(sign, ops.div(first, below)), -2) };
});

/** z σ(z). */
const swish = together((ops, z) => {
  const s = ops.sigmoid(z);
  const other = ops.sigmoid(ops.scale(z, -1));
  const slope = ops.mul(s, other);
  const bend = ops.mul(slope, ops.sub(other, s));
  return {
    value: ops.mul(z, s),
    first: ops.add(s, ops.mul(z, slope)),
    second: ops.add(ops.scale(slope, 2), ops.mul(z, bend)),
  };
});

/** z tanh(softplus z). */
const mish = together((ops, z) => {
  const soft = ops.softplus(z);
  const t = ops.tanh(soft);
  const s = ops.sigmoid(z);
  const other = ops.sigmoid(ops.scale(z, -1));
  // t′ = (1 − t²)σ, t″ = t′(1 − σ − 2tσ).
  const slope = ops.mul(ops.tanhSlope(soft), s);
  const bend = ops.mul(slope, ops.sub(other, ops.scale(ops.mul(t, s), 2)));
  return {
    value: ops.mul(z, t),
    first: ops.add(t, ops.mul(z, slope)),
    second: ops.add(ops.scale(slope, 2), ops.mul(z, bend)),
  };
});

/** ½z(1 + tanh u), u = √(2/π)(z + 0.044715 z³): the approximation of gelu. */
const geluNew = together((ops, z) => {
  const root = Math.sqrt(2 / Math.PI);
  const square = ops.mul(z, z);
  const u = ops.scale(ops.mul(z, ops.shift(ops.scale(square, 0.044715), 1)), root);
  const t = ops.tanh(u);
  const uSlope = ops.scale(ops.shift(ops.scale(square, 3 * 0.044715), 1), root);
  const outer = ops.tanhSlope(u);
  const slope = ops.mul(outer, uSlope);
  const bend = ops.sub(
    ops.mul(outer, ops.scale(z, 6 * 0.044715 * root)),
    ops.scale(ops.mul(ops.mul(t, slope), uSlope), 2),
  );
  return {
    value: ops.scale(ops.mul(z, ops.shift(t, 1)), 0.5),
    first: ops.scale(ops.add(ops.shift(t, 1), ops.mul(z, slope)), 0.5),
    second: ops.add(slope, ops.scale(ops.mul(z, bend), 0.5)),
  };
});

/** By tfjs-layers' names. `gelu` is z·Φ(z) with the exact Φ. */
export const activations: Readonly<Record<string, Activation>> = {
  linear,
  relu,
  relu6: cappedRelu(6),
  elu: elu(1, 1),
  // Klambauer et al. 2017, arXiv:1706.02515.
  selu: elu(1.6732632423543772, 1.0507009873554805),
  sigmoid,
  hardSigmoid: clipped(0.2, 0.5, 1),
  softplus,
  softsign,
  tanh,
  swish,
  mish,
  gelu,
  gelu_new: geluNew,
};
