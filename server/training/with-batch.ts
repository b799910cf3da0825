import type { Objective } from "../engine/objective.ts";
import type { Run } from "./run.ts";

/** What `use` finds of the objective on these training examples, which lives for this call. */
export function withBatch<R>(
  run: Pick<Run, "batchObjective">,
  indices: Uint32Array,
  use: (objective: Objective) => R,
): R {
  const objective = run.batchObjective(indices);
  try {
    return use(objective);
  } finally {
    objective.dispose();
  }
}
