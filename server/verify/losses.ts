/** The losses in float64: of each example, ∂ℓ/∂z, and how that changes along ż. */
import type { LossName } from "./network.ts";

export interface OutputLoss {
  /** ℓ_i, [n]. */
  readonly losses: Float64Array;
  /** ∂ℓ_i/∂z, [n × k]. */
  readonly bars: Float64Array;
  /** Adds (∂²ℓ_i/∂z²)ż to `out`, both [n × k]. */
  addTangent(zDot: Float64Array, out: Float64Array): void;
  /** At most so much does ∂ℓ_i/∂z move with z. */
  stiffness(i: number): number;
}

/** @param z  outputs, [n × k]. @param y  targets, [n × k]. */
export function outputLoss(name: LossName, z: Float64Array, y: Float32Array, k: number): OutputLoss {
  if (name === "cross-entropy") return crossEntropy(z, y, k);
  return squared(z, y, k, name === "mse" ? 1 / k : 0.5);
}

/** ℓ = −Σ_k y_k log softmax(z)_k. */
function crossEntropy(z: Float64Array, y: Float32Array, k: number): OutputLoss {
  const n = z.length / k;
  const losses = new Float64Array(n);
  const shares = new Float64Array(z.length);
  for (let i = 0; i < n; i++) {
    let highest = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < k; c++) highest = Math.max(highest, z[i * k + c] as number);
    let total = 0;
    for (let c = 0; c < k; c++) total += Math.exp((z[i * k + c] as number) - highest);
    for (let c = 0; c < k; c++) {
      const logShare = (z[i * k + c] as number) - highest - Math.log(total);
      shares[i * k + c] = Math.exp(logShare);
      losses[i] = (losses[i] as number) - (y[i * k + c] as number) * logShare;
    }
  }
  const bars = shares.map((share, at) => share - (y[at] as number));
  return {
    losses,
    bars,
    // p(1 − p) is at most the larger of the two |p − y|, and ½ for the whole matrix.
    stiffness: (i) =>
      Math.min(
        0.5,
        2 * bars.subarray(i * k, (i + 1) * k).reduce((most, bar) => Math.max(most, Math.abs(bar)), 0),
      ),
    addTangent(zDot, out) {
      for (let i = 0; i < n; i++) {
        let mean = 0;
        for (let c = 0; c < k; c++) mean += (shares[i * k + c] as number) * (zDot[i * k + c] as number);
        for (let c = 0; c < k; c++) {
          const at = i * k + c;
          out[at] = (out[at] as number) + (shares[at] as number) * ((zDot[at] as number) - mean);
        }
      }
    },
  };
}

/** ℓ = factor · Σ_k (z_k − y_k)². */
function squared(z: Float64Array, y: Float32Array, k: number, factor: number): OutputLoss {
  const losses = new Float64Array(z.length / k);
  const bars = new Float64Array(z.length);
  for (let at = 0; at < z.length; at++) {
    const difference = (z[at] as number) - (y[at] as number);
    const i = Math.floor(at / k);
    losses[i] = (losses[i] as number) + factor * difference * difference;
    bars[at] = 2 * factor * difference;
  }
  return {
    losses,
    bars,
    stiffness: () => 2 * factor,
    addTangent(zDot, out) {
      for (let at = 0; at < z.length; at++) out[at] = (out[at] as number) + 2 * factor * (zDot[at] as number);
    },
  };
}
