import type { Linearised, Objective } from "./objective.ts";

/** What `use` finds of the objective linearised at θ, [D], which lives for this call. */
export function withLinearised<R>(
  objective: Objective,
  theta: Float32Array,
  use: (linearised: Linearised) => R,
): R {
  const linearised = objective.linearise(theta);
  try {
    return use(linearised);
  } finally {
    linearised.dispose();
  }
}
