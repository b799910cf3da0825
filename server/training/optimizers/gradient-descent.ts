import { Descent } from "../../numerics/descent.ts";
import { updateNorms } from "./norms.ts";
import type { Optimizer } from "./optimizer.ts";

/** θ ← θ − η(∇L + λθ). */
export function gradientDescent(weightDecay: number): Optimizer {
  const descent = new Descent();
  return {
    rule: "g = ∇L + λθ; θ ← θ − η g",
    constants: {},
    slots: {},
    updateCount: 0,
    preconditioner: () => null,
    update(theta, gradient, eta) {
      const { gradientSquares, updateSquares } = descent.update(theta, gradient, eta, weightDecay);
      this.updateCount += 1;
      return updateNorms(gradientSquares, updateSquares);
    },
  };
}
