import { expect, it } from "vitest";
import { decodeTrainingState, encodeTrainingState } from "../../server/training/training-state.ts";

const position = {
  step: 7,
  learningRate: 0.2,
  updateCount: 7,
  slots: { first: Float32Array.of(1, -2.5), second: Float32Array.of(Number.MIN_VALUE, 3e38) },
};

it("comes back as it went", () => {
  expect(decodeTrainingState(encodeTrainingState(position))).toEqual(position);
});

it.each([
  ["nothing", new Uint8Array(0)],
  ["text that is no JSON", Uint8Array.of(4, 0, 0, 0, 1, 2, 3, 4)],
  ["a cut slot", encodeTrainingState(position).subarray(0, -1)],
])("refuses %s", (_case, bytes) => {
  expect(() => decodeTrainingState(bytes)).toThrow(
    "train/state: expected a training state of version 1, found",
  );
});
