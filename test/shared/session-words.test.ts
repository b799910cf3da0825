import { expect, it } from "vitest";
import { changesInWords, standing } from "../../shared/session-words.ts";

it("a run that was stopped after its last step has not stopped training", () => {
  const ended = { state: "ended", reason: "stopped", steps: 1500 } as const;
  expect(standing({ ...ended, step: 1499 })).toBe("stopped");
  expect(standing({ ...ended, step: 1500 })).toBe("measuring stopped");
  expect(standing({ ...ended, step: 1500, reason: "finished" })).toBe("finished");
  expect(standing({ ...ended, step: 1500, reason: null, state: "running" })).toBe("running");
});

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
