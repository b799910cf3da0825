/**
 * Numbers that carry their own derivatives, in float64: the value, its gradient in θ, its slope along v, and the gradient of that slope.
 * With one of them for a loss, L.gradient is ∇L and L.bend is Hv. Only the functions below know a derivative; everything else is algebra.
 * Memory and time grow with D for each operation: for small networks.
 */
import { erf } from "./float64-net.ts";

export class HyperDual {
  readonly value: number;
  /** Along v. */
  readonly slope: number;
  /** [D]; null is zero. */
  readonly gradient: Float64Array | null;
  readonly bend: Float64Array | null;

  constructor(
    value: number,
    slope = 0,
    gradient: Float64Array | null = null,
    bend: Float64Array | null = null,
  ) {
    this.value = value;
    this.slope = slope;
    this.gradient = gradient;
    this.bend = bend;
  }

  plus(other: HyperDual | number): HyperDual {
    if (typeof other === "number")
      return new HyperDual(this.value + other, this.slope, this.gradient, this.bend);
    return new HyperDual(
      this.value + other.value,
      this.slope + other.slope,
      combine([1, this.gradient], [1, other.gradient]),
      combine([1, this.bend], [1, other.bend]),
    );
  }

  times(other: HyperDual | number): HyperDual {
    if (typeof other === "number") {
      return new HyperDual(
        this.value * other,
        this.slope * other,
        combine([other, this.gradient]),
        combine([other, this.bend]),
      );
    }
    return new HyperDual(
      this.value * other.value,
      this.value * other.slope + this.slope * other.value,
      combine([this.value, other.gradient], [other.value, this.gradient]),
      combine(
        [this.value, other.bend],
        [other.value, this.bend],
        [this.slope, other.gradient],
        [other.slope, this.gradient],
      ),
    );
  }

  minus(other: HyperDual | number): HyperDual {
    return this.plus(typeof other === "number" ? -other : other.times(-1));
  }

  over(other: HyperDual): HyperDual {
    const x = other.value;
    return this.times(other.chain(1 / x, -1 / x ** 2, 2 / x ** 3));
  }

  exp(): HyperDual {
    const power = Math.exp(this.value);
    return this.chain(power, power, power);
  }

  log(): HyperDual {
    const x = this.value;
    return this.chain(Math.log(x), 1 / x, -1 / x ** 2);
  }

  sqrt(): HyperDual {
    const root = Math.sqrt(this.value);
    return this.chain(root, 0.5 / root, -0.25 / root ** 3);
  }

  erf(): HyperDual {
    const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-(this.value ** 2));
    return this.chain(erf(this.value), slope, -2 * this.value * slope);
  }

  /** f, f′ and f″ at the value. */
  private chain(f: number, first: number, second: number): HyperDual {
    return new HyperDual(
      f,
      first * this.slope,
      combine([first, this.gradient]),
      combine([first, this.bend], [second * this.slope, this.gradient]),
    );
  }
}

/** θ as numbers that know to be θ, and to move along v. */
export function parameters64(theta: ArrayLike<number>, v: ArrayLike<number>): HyperDual[] {
  return Array.from({ length: theta.length }, (_, i) => {
    const unit = new Float64Array(theta.length);
    unit[i] = 1;
    return new HyperDual(theta[i] as number, v[i] as number, unit, null);
  });
}

export function sum64(terms: readonly HyperDual[]): HyperDual {
  return terms.reduce((total, term) => total.plus(term), new HyperDual(0));
}

function combine(...terms: readonly (readonly [number, Float64Array | null])[]): Float64Array | null {
  let total: Float64Array | null = null;
  for (const [factor, vector] of terms) {
    if (vector === null || factor === 0) continue;
    total ??= new Float64Array(vector.length);
    for (let i = 0; i < vector.length; i++) total[i] = (total[i] as number) + factor * (vector[i] as number);
  }
  return total;
}
