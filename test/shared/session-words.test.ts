import { expect, it } from "vitest";
import { changesInWords } from "../../shared/session-words.ts";

it("a fork's changes are in the field's terms", () => {
  const origin = { session: "0".repeat(32), name: "edge", step: 500, thetaSha256: "", pathLength: null };
  const changed = {
    learningRate: { from: 0.2, to: 0.1 },
    lrSchedule: { from: "constant", to: "cosine" },
    steps: { from: 1500, to: 12_000 },
    batchSize: { from: "full", to: 128 },
    epochs: { from: null, to: 2 },
  };
  expect(changesInWords({ ...origin, changed })).toBe(
    "learning rate 0.1 in place of 0.2, learning rate schedule cosine in place of constant, " +
      "steps 12,000 in place of 1,500, batch size 128 in place of full, epochs 2 in place of none",
  );
  expect(changesInWords({ ...origin, changed: {} })).toBe("");
});
