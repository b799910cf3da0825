/** φ, φ′ and φ″ in float64, by tfjs-layers' names. */

export interface Activation {
  /** Writes the three at z. */
  at(z: number, into: Curve): void;
  /** Has it a kink at 0, where float32 may stand on the other side? */
  readonly kinked: boolean;
}

/** A point of φ and its derivatives. */
export interface Curve {
  value: number;
  first: number;
  second: number;
}

function set(into: Curve, value: number, first: number, second: number): void {
  into.value = value;
  into.first = first;
  into.second = second;
}

export const activations: Readonly<Record<string, Activation>> = {
  linear: { kinked: false, at: (z, into) => set(into, z, 1, 0) },
  relu: { kinked: true, at: (z, into) => (z > 0 ? set(into, z, 1, 0) : set(into, 0, 0, 0)) },
  tanh: {
    kinked: false,
    at(z, into) {
      const t = Math.tanh(z);
      const first = 1 - t * t;
      set(into, t, first, -2 * t * first);
    },
  },
  sigmoid: {
    kinked: false,
    at(z, into) {
      const s = logistic(z);
      const first = s * logistic(-z);
      set(into, s, first, first * (1 - 2 * s));
    },
  },
  softplus: {
    kinked: false,
    at(z, into) {
      const s = logistic(z);
      set(into, Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), s, s * logistic(-z));
    },
  },
  /** z·Φ(z). */
  gelu: {
    kinked: false,
    at(z, into) {
      const below = normalDistribution(z);
      const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
      set(into, z * below, below + z * density, (2 - z * z) * density);
    },
  },
};

function logistic(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/**
 * Φ(z): near 0 by the series of erf, farther out by Lentz's continued fraction of erfc, where the series would cancel.
 * @source Abramowitz & Stegun 1964, 7.1.5 and 7.1.14.
 */
export function normalDistribution(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  if (x > 6) return z > 0 ? 1 : 0;
  const tail = x < 2 ? (1 - erfSeries(x)) / 2 : erfcFraction(x) / 2;
  return z > 0 ? 1 - tail : tail;
}

function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 1; Math.abs(term) > 1e-18 * sum; k++) {
    term *= -(x * x) / k;
    sum += term / (2 * k + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function erfcFraction(x: number): number {
  let below = x;
  for (let k = 80; k >= 1; k--) below = x + k / 2 / below;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * below);
}
