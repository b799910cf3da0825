import { updateNorms } from "./norms.ts";
import type { Optimizer } from "./optimizer.ts";

/** Kingma & Ba 2015 (arXiv:1412.6980), its own defaults, as torch.optim.Adam has them; tf.train.adam differs in ε (1e-7). */
export const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Adam with ε outside the root of the corrected moment. Weight decay is coupled (L2 in the gradient, not AdamW). */
export function adam(parameterCount: number, weightDecay: number): Optimizer {
  const first = new Float32Array(parameterCount);
  const second = new Float32Array(parameterCount);
  return {
    rule: "g = ∇L + λθ; m ← β₁m + (1−β₁)g; s ← β₂s + (1−β₂)g²; θ ← θ − η m̂/(√ŝ + ε), m̂ = m/(1−β₁ᵗ), ŝ = s/(1−β₂ᵗ)",
    constants: { beta1: BETA1, beta2: BETA2, epsilon: EPSILON },
    slots: { first, second },
    updateCount: 0,
    preconditioner() {
      if (this.updateCount === 0) return null;
      const firstCorrection = 1 - BETA1 ** this.updateCount;
      const secondCorrection = 1 - BETA2 ** this.updateCount;
      return second.map((value) => firstCorrection * (Math.sqrt(value / secondCorrection) + EPSILON));
    },
    update(theta, gradient, eta) {
      this.updateCount += 1;
      const firstCorrection = 1 - BETA1 ** this.updateCount;
      const secondCorrection = 1 - BETA2 ** this.updateCount;
      let gradientSquares = 0;
      let updateSquares = 0;
      for (let i = 0; i < theta.length; i += 1) {
        const before = theta[i] as number;
        const slope = gradient[i] as number;
        const force = slope + weightDecay * before;
        first[i] = BETA1 * (first[i] as number) + (1 - BETA1) * force;
        second[i] = BETA2 * (second[i] as number) + (1 - BETA2) * force * force;
        const spread = Math.sqrt((second[i] as number) / secondCorrection) + EPSILON;
        theta[i] = before - (eta * (first[i] as number)) / firstCorrection / spread;
        const moved = (theta[i] as number) - before;
        gradientSquares += slope * slope;
        updateSquares += moved * moved;
      }
      return updateNorms(gradientSquares, updateSquares);
    },
  };
}
