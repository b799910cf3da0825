import { updateNorms } from "./norms.ts";
import type { Optimizer } from "./optimizer.ts";

/** θ ← θ − η(∇L + λθ). */
export function gradientDescent(weightDecay: number): Optimizer {
  return {
    rule: "g = ∇L + λθ; θ ← θ − η g",
    constants: {},
    slots: {},
    updateCount: 0,
    preconditioner: () => null,
    update(theta, gradient, eta) {
      let gradientSquares = 0;
      let updateSquares = 0;
      for (let i = 0; i < theta.length; i += 1) {
        const before = theta[i] as number;
        const slope = gradient[i] as number;
        theta[i] = before - eta * (slope + weightDecay * before);
        const moved = (theta[i] as number) - before;
        gradientSquares += slope * slope;
        updateSquares += moved * moved;
      }
      this.updateCount += 1;
      return updateNorms(gradientSquares, updateSquares);
    },
  };
}
