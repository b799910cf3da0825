import { updateNorms } from "./norms.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Heavy ball (Polyak 1964), in the convention of torch.optim.SGD and tf.train.momentum: the velocity sums undamped gradients,
 * so that η multiplies what β has accumulated. Stable on a quadratic while λ₁ < (2 + 2β)/η.
 */
export function heavyBall(parameterCount: number, beta: number, weightDecay: number): Optimizer {
  return withVelocity(parameterCount, beta, weightDecay, false);
}

/** Nesterov's look-ahead in the same convention (Sutskever et al. 2013). Stable while λ₁ < (2 + 2β)/((1 + 2β)η). */
export function nesterov(parameterCount: number, beta: number, weightDecay: number): Optimizer {
  return withVelocity(parameterCount, beta, weightDecay, true);
}

function withVelocity(
  parameterCount: number,
  beta: number,
  weightDecay: number,
  looksAhead: boolean,
): Optimizer {
  const velocity = new Float32Array(parameterCount);
  return {
    rule: looksAhead
      ? "g = ∇L + λθ; v ← β v + g; θ ← θ − η (g + β v)"
      : "g = ∇L + λθ; v ← β v + g; θ ← θ − η v",
    constants: { momentum: beta, dampening: 0 },
    slots: { velocity },
    updateCount: 0,
    preconditioner: () => null,
    update(theta, gradient, eta) {
      let gradientSquares = 0;
      let updateSquares = 0;
      for (let i = 0; i < theta.length; i += 1) {
        const before = theta[i] as number;
        const slope = gradient[i] as number;
        const force = slope + weightDecay * before;
        velocity[i] = beta * (velocity[i] as number) + force;
        const speed = velocity[i] as number;
        theta[i] = before - eta * (looksAhead ? force + beta * speed : speed);
        const moved = (theta[i] as number) - before;
        gradientSquares += slope * slope;
        updateSquares += moved * moved;
      }
      this.updateCount += 1;
      return updateNorms(gradientSquares, updateSquares);
    },
  };
}
