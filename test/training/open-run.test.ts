import { expect, test } from "vitest";
import { openBackend } from "../../server/backends/select.ts";
import { createBlueprint } from "../../server/training/blueprint.ts";
import { openRun } from "../../server/training/open-run.ts";
import { resolveSettings } from "../../server/training/resolve.ts";

test("minibatches gathered into the same memory do not disturb each other", async () => {
  const resolved = resolveSettings({ preset: "spirals", batchSize: 8, backend: "cpu" });
  if (!resolved.ok) throw new Error(resolved.problems.join("; "));
  const run = openRun(
    await createBlueprint(resolved.config),
    await openBackend("cpu", { allowNative: false }),
  );
  const [a, b] = [Uint32Array.of(0, 1, 2), Uint32Array.of(7, 5, 6)];
  const alone = [a, b].map((indices) => {
    const objective = run.batchObjective(indices);
    const found = { ...objective.gradient(run.initial), accuracy: objective.accuracy(run.initial) };
    objective.dispose();
    return found;
  });
  const together = [a, b].map((indices) => run.batchObjective(indices));
  expect(together.map((on) => ({ ...on.gradient(run.initial), accuracy: on.accuracy(run.initial) }))).toEqual(
    alone,
  );
  expect(alone[0]?.loss).not.toBe(alone[1]?.loss);
  for (const objective of together) objective.dispose();
  run.dispose();
});
