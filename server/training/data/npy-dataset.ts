/** `npy:<x.npy>,<y.npy>[,<test x>,<test y>]`: examples along the first axis, and what is to be learned of each. */
import { basename } from "node:path";
import { UserError } from "../user-error.ts";
import type { Dataset, Split } from "./dataset.ts";
import { type NpyArray, readNpy } from "./npy.ts";
import { MOST_CLASSES, MOST_VALUES, type TargetKind } from "./own-targets.ts";

interface Pair {
  readonly size: number;
  readonly x: NpyArray;
  readonly y: NpyArray;
  readonly yName: string;
}

/**
 * x of type u1 is taken for pictures and divided by 255, other types are as they are. y in whole numbers are classes from 0, [n] or [n, 1];
 * y with fractions are numbers to be learned, [n] or [n, outputs], or one-hot classes.
 * @param targets  what y is where its type shall not decide.
 * @throws {UserError} `dataset-missing`, `dataset-foreign`, `dataset-size`, `dataset-unknown`.
 */
export async function readNpyDataset(name: string, targets: TargetKind | null): Promise<Dataset> {
  const paths = name.slice("npy:".length).split(",");
  if ((paths.length !== 2 && paths.length !== 4) || paths.includes("")) {
    throw new UserError(
      "dataset-unknown",
      `dataset: expected npy:<x.npy>,<y.npy> or npy:<x>,<y>,<test x>,<test y>, got ${JSON.stringify(name)}`,
    );
  }
  const train = await readPair(paths[0] as string, paths[1] as string);
  const test = paths.length === 2 ? null : await readPair(paths[2] as string, paths[3] as string);
  const exampleShape = shapeOf(train.x);
  if (test !== null && shapeOf(test.x).join() !== exampleShape.join()) {
    throw foreign(
      paths[2] as string,
      `expected examples of shape [${exampleShape}], found [${shapeOf(test.x)}]`,
    );
  }
  const kind = targets ?? kindOf(train.y);
  const outputs = kind === "classes" ? classesOf(train) : widthOf(train.y);
  const isScaled = train.x.dtype === "|u1";
  const splitOf = (pair: Pair) => split(pair, kind, outputs);
  return {
    name,
    outputs,
    exampleShape,
    scaling: `${isScaled ? "bytes / 255" : `${train.x.dtype} as they are`}, ${kind === "classes" ? `${outputs} classes` : `${outputs} numbers to learn`}`,
    train: splitOf(train),
    test: test === null ? null : splitOf(test),
  };
}

async function readPair(xPath: string, yPath: string): Promise<Pair> {
  const options = { mostValues: MOST_VALUES, kind: "dataset" } as const;
  const [x, y] = [await readNpy(xPath, options), await readNpy(yPath, options)];
  const size = x.shape[0] ?? 0;
  if (size === 0 || x.values.length === 0)
    throw foreign(xPath, `expected examples along the first axis, found shape (${x.shape.join(", ")})`);
  if (y.shape[0] !== size || y.shape.length > 2) {
    throw foreign(
      yPath,
      `expected shape (${size}) or (${size}, outputs), as many as in ${basename(xPath)}, found (${y.shape.join(", ")})`,
    );
  }
  for (const [path, { values }] of [
    [xPath, x],
    [yPath, y],
  ] as const) {
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(Math.fround(values[i] as number))) {
        throw foreign(path, `expected finite numbers, found ${values[i]} at index ${i}`);
      }
    }
  }
  return { size, x, y, yName: yPath };
}

function shapeOf({ shape }: NpyArray): readonly number[] {
  return shape.length === 1 ? [1] : shape.slice(1);
}

function widthOf({ shape }: NpyArray): number {
  return shape[1] ?? 1;
}

function kindOf(y: NpyArray): TargetKind {
  const isWhole = !y.dtype.startsWith("<f");
  if (widthOf(y) === 1) return isWhole ? "classes" : "numbers";
  return isOneHot(y) ? "classes" : "numbers";
}

function isOneHot(y: NpyArray): boolean {
  const width = widthOf(y);
  for (let i = 0; i < y.values.length; i += width) {
    let ones = 0;
    for (let k = 0; k < width; k++) {
      if (y.values[i + k] === 1) ones += 1;
      else if (y.values[i + k] !== 0) return false;
    }
    if (ones !== 1) return false;
  }
  return true;
}

function labelAt({ y, yName }: Pair, example: number): number {
  const width = widthOf(y);
  if (width > 1) {
    for (let k = 0; k < width; k++) if (y.values[example * width + k] === 1) return k;
    throw foreign(yName, `expected one-hot rows, found none 1 in row ${example}`);
  }
  const label = y.values[example] as number;
  if (Number.isInteger(label) && label >= 0 && label < MOST_CLASSES) return label;
  throw foreign(
    yName,
    `expected classes from 0 to ${MOST_CLASSES - 1} at most, found ${label} at index ${example}; with --targets numbers they are numbers to be learned`,
  );
}

function classesOf(pair: Pair): number {
  if (widthOf(pair.y) > 1) return widthOf(pair.y);
  let most = 0;
  for (let i = 0; i < pair.size; i++) most = Math.max(most, labelAt(pair, i));
  if (most === 0) throw foreign(pair.yName, "expected two classes or more, found only 0");
  return most + 1;
}

function split(pair: Pair, kind: TargetKind, outputs: number): Split {
  const { size, x, y, yName } = pair;
  if (kind === "numbers" && widthOf(y) !== outputs) {
    throw foreign(yName, `expected ${outputs} numbers of each example, found ${widthOf(y)}`);
  }
  const labels = kind === "numbers" ? null : new Uint16Array(size);
  labels?.forEach((_, i) => {
    const label = labelAt(pair, i);
    if (label >= outputs)
      throw foreign(yName, `expected classes from 0 to ${outputs - 1}, found ${label} at index ${i}`);
    labels[i] = label;
  });
  const stride = x.values.length / size;
  const scale = x.dtype === "|u1" ? 255 : 1;
  return {
    size,
    labels,
    targets: kind === "numbers" ? Float32Array.from(y.values) : null,
    write(example, out, offset) {
      for (let i = 0; i < stride; i++) out[offset + i] = (x.values[example * stride + i] as number) / scale;
    },
  };
}

function foreign(path: string, message: string): UserError {
  return new UserError("dataset-foreign", `${path}: ${message}`);
}
