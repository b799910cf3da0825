import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { openBackend } from "../../server/backends/select.ts";
import { gatherStream, type Streamed, streamedFrom } from "../../server/training/own-stream.ts";

beforeAll(() => openBackend("cpu", { allowNative: false }));

const gather = (value: unknown, outputs = 2, most?: number) =>
  gatherStream(streamedFrom(value) as Streamed, "data.train", [2], outputs, most);

/** The part of tf.data.Dataset that hands over elements. */
function tfData(elements: readonly unknown[]) {
  return {
    async iterator() {
      const values = elements.values();
      return {
        async next() {
          const { value, done = false } = values.next();
          return { value, done };
        },
      };
    },
    async forEachAsync() {},
  };
}

describe("a stream of examples", () => {
  it("may be a generator, async or not, of single examples and of batches", async () => {
    async function* later() {
      yield { inputs: [1, 2], labels: 1 };
      yield {
        inputs: [
          [3, 4],
          [5, 6],
        ],
        labels: [0, 1],
      };
      yield [Float32Array.of(7, 8), [0.25, 0.75]];
    }
    const examples = await gather(later());
    expect(examples).toMatchObject({ size: 4, outputs: 2, inputShape: [2] });
    expect([...examples.inputs]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...examples.targets]).toEqual([0, 1, 1, 0, 0, 1, 0.25, 0.75]);
    expect([...(await gather([{ xs: [1, 2], ys: 0.5 }], 1)).targets]).toEqual([0.5]);
  });

  it("may be a tf.data set, whose tensors are freed", async () => {
    const before = tf.memory().numTensors;
    const batch = (offset: number) => ({
      xs: tf.tensor2d([offset, 1, 2, 3], [2, 2]),
      ys: tf.tensor1d([1, 0]),
    });
    const examples = await gather(tfData([batch(0), batch(9)]));
    expect([...examples.inputs]).toEqual([0, 1, 2, 3, 9, 1, 2, 3]);
    expect([...examples.targets]).toEqual([0, 1, 1, 0, 0, 1, 1, 0]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("that does not end is left once it has brought too much", async () => {
    let wasLeft = false;
    function* endless() {
      try {
        for (;;) yield { inputs: [1, 2], labels: 0 };
      } finally {
        wasLeft = true;
      }
    }
    await expect(gather(endless(), 2, 10_000)).rejects.toThrow(
      "data.train: expected at most 10000 numbers, got more; does it end?",
    );
    expect(wasLeft).toBe(true);
  });

  it.each([
    [
      [{ inputs: [1, 2, 3], labels: 0 }],
      "data.train, element 0: expected inputs of shape [2] or several such",
    ],
    [[{ inputs: [1, 2], labels: 2 }], "data.train, element 0: expected a class from 0 to 1"],
    [
      [{ inputs: [1, 2], targets: [1] }],
      "element 0: expected 1 targets of 2 numbers each (the model's outputs), got 1",
    ],
    [
      [{ inputs: [1, 2], labels: 0 }, { image: [1] }],
      "element 1: expected { inputs, targets }, { inputs, labels }",
    ],
    [[{ inputs: [1, Number.NaN], labels: 0 }], "data.train: expected finite numbers, got NaN"],
    [[], "data.train: expected examples, got none"],
  ])("%j is refused", async (elements, message) => {
    await expect(gather(elements)).rejects.toThrow(message);
  });
});
