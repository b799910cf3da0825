/** A folder with the four files of MNIST (or Fashion-MNIST, KMNIST, …) as a data set. */
import { join } from "node:path";
import { UserError } from "../user-error.ts";
import type { Dataset, Split } from "./dataset.ts";
import { findIdx, readIdx } from "./idx.ts";

export const IDX_FILES = {
  train: { images: "train-images-idx3-ubyte", labels: "train-labels-idx1-ubyte" },
  test: { images: "t10k-images-idx3-ubyte", labels: "t10k-labels-idx1-ubyte" },
} as const;

/** @throws {UserError} `dataset-missing`, unless all four files are there. Nothing of them is read. */
export async function expectIdxFolder(folder: string): Promise<void> {
  for (const { images, labels } of Object.values(IDX_FILES)) {
    for (const file of [images, labels]) {
      const found = await findIdx(join(folder, file));
      if (!found.ok) throw new UserError(found.code, found.message);
    }
  }
}

/** @throws {UserError} `dataset-missing`, `dataset-cut`, `dataset-foreign`. */
export async function readIdxFolder(name: string, folder: string): Promise<Dataset> {
  const train = await readSplit(folder, IDX_FILES.train);
  const test = await readSplit(folder, IDX_FILES.test);
  if (train.shape.join() !== test.shape.join()) {
    throw new UserError(
      "dataset-foreign",
      `${IDX_FILES.test.images}: expected images of ${train.shape.join(" × ")} as in ${IDX_FILES.train.images}, found ${test.shape.join(" × ")} (${folder})`,
    );
  }
  const classes = 1 + Math.max(largest(train.labels), largest(test.labels));
  if (classes < 2) {
    throw new UserError(
      "dataset-foreign",
      `${IDX_FILES.train.labels}: expected two classes or more, found only 0 (${folder})`,
    );
  }
  return {
    name,
    outputs: classes,
    exampleShape: [...train.shape, 1],
    scaling: "pixels / 255",
    train: train.split,
    test: test.split,
  };
}

async function readSplit(
  folder: string,
  files: { readonly images: string; readonly labels: string },
): Promise<{ readonly shape: readonly number[]; readonly labels: Uint8Array; readonly split: Split }> {
  const images = await read(join(folder, files.images), 3);
  const labels = await read(join(folder, files.labels), 1);
  const [size = 0, ...shape] = images.shape;
  if (size === 0 || labels.shape[0] !== size) {
    throw new UserError(
      "dataset-foreign",
      `${files.labels}: expected a label for each of ${size} images, found ${labels.shape[0]} (${folder})`,
    );
  }
  const stride = shape.reduce((product, length) => product * length, 1);
  return {
    shape,
    labels: labels.bytes,
    split: {
      size,
      labels: labels.bytes,
      targets: null,
      write(example, out, offset) {
        const from = example * stride;
        for (let i = 0; i < stride; i += 1) out[offset + i] = (images.bytes[from + i] as number) / 255;
      },
    },
  };
}

async function read(path: string, rank: 1 | 3) {
  const result = await readIdx(path, rank);
  if (!result.ok) throw new UserError(result.code, result.message);
  return result;
}

function largest(labels: Uint8Array): number {
  return labels.reduce((most, label) => Math.max(most, label), 0);
}
