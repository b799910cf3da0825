/** Examples as a user's module may write them: typed arrays, nested arrays or tensors. */
import { sharedFloats } from "./data/examples.ts";
import type { Examples } from "./run.ts";

interface Numbers {
  readonly values: ArrayLike<number>;
  /** null where it does not say: a flat typed array. */
  readonly shape: readonly number[] | null;
}

/** What is wrong, as "data.train.inputs: expected …, got …". */
export class DataProblem extends Error {}

/**
 * @param where  how messages call it: "data.train".
 * @throws {DataProblem}
 */
export function readOwnExamples(
  value: unknown,
  where: string,
  inputShape: readonly number[],
  outputs: number,
): Examples {
  if (!isRecord(value)) {
    throw new DataProblem(`${where}: expected { inputs, targets } or { inputs, labels }, got ${kind(value)}`);
  }
  const stride = product(inputShape);
  const inputs = readNumbers(value["inputs"], `${where}.inputs`);
  const size = countOf(inputs, stride, `${where}.inputs`, `examples of shape [${inputShape.join(", ")}]`);
  const hasLabels = value["labels"] !== undefined;
  if (hasLabels && value["targets"] !== undefined) {
    throw new DataProblem(`${where}: expected either targets or labels, got both`);
  }
  const targets = hasLabels
    ? oneHot(readNumbers(value["labels"], `${where}.labels`), `${where}.labels`, size, outputs)
    : sharedCopy(readNumbers(value["targets"], `${where}.targets`).values, `${where}.targets`);
  if (targets.length !== size * outputs) {
    throw new DataProblem(
      `${where}.targets: expected ${size} examples of ${outputs} numbers (the model's outputs), got ${targets.length} numbers`,
    );
  }
  return { inputs: sharedCopy(inputs.values, `${where}.inputs`), inputShape, targets, outputs, size };
}

function countOf(numbers: Numbers, stride: number, where: string, expected: string): number {
  const { length } = numbers.values;
  const size = numbers.shape?.[0] ?? length / stride;
  if (length === 0 || size * stride !== length || !Number.isInteger(size)) {
    const got = numbers.shape === null ? `${length} numbers` : `shape [${numbers.shape.join(", ")}]`;
    throw new DataProblem(`${where}: expected ${expected} (the model's input), got ${got}`);
  }
  return size;
}

function oneHot(labels: Numbers, where: string, size: number, outputs: number): Float32Array {
  if (labels.values.length !== size) {
    throw new DataProblem(`${where}: expected ${size} (one for each example), got ${labels.values.length}`);
  }
  const targets = sharedFloats(size * outputs);
  for (let i = 0; i < size; i += 1) {
    const label = labels.values[i] as number;
    if (!Number.isInteger(label) || label < 0 || label >= outputs) {
      throw new DataProblem(
        `${where}[${i}]: expected a class from 0 to ${outputs - 1} (the model has ${outputs} outputs), got ${label}`,
      );
    }
    targets[i * outputs + label] = 1;
  }
  return targets;
}

function sharedCopy(values: ArrayLike<number>, where: string): Float32Array {
  const copy = sharedFloats(values.length);
  copy.set(values);
  const bad = copy.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new DataProblem(`${where}: expected finite numbers, got ${values[bad]} at index ${bad}`);
  return copy;
}

/** @throws {DataProblem} */
export function readNumbers(value: unknown, where: string): Numbers {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const values = value as unknown as ArrayLike<number | bigint>;
    if (typeof values[0] !== "bigint") return { values: values as ArrayLike<number>, shape: null };
  }
  if (isTensor(value)) return { values: value.dataSync(), shape: value.shape };
  if (Array.isArray(value)) return readNested(value, where);
  throw new DataProblem(`${where}: expected a typed array, nested arrays or a tensor, got ${kind(value)}`);
}

function readNested(value: readonly unknown[], where: string): Numbers {
  const shape: number[] = [];
  for (let level: unknown = value; isList(level); level = level[0]) shape.push(level.length);
  const values: number[] = [];
  const visit = (part: unknown, depth: number, at: string) => {
    if (depth === shape.length) {
      if (typeof part !== "number") throw new DataProblem(`${at}: expected a number, got ${kind(part)}`);
      values.push(part);
      return;
    }
    if (!isList(part) || part.length !== shape[depth]) {
      const got = isList(part) ? `${part.length}` : kind(part);
      throw new DataProblem(`${at}: expected ${shape[depth]} entries as in the first, got ${got}`);
    }
    for (let i = 0; i < part.length; i += 1) visit(part[i], depth + 1, `${at}[${i}]`);
  };
  visit(value, 0, where);
  return { values, shape };
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function isTensor(value: unknown): value is { dataSync(): ArrayLike<number>; shape: readonly number[] } {
  return isRecord(value) && typeof value["dataSync"] === "function" && Array.isArray(value["shape"]);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** A value's kind, as it may stand in a sentence. */
export function kind(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object" && typeof value !== "function") return JSON.stringify(value) ?? typeof value;
  return value.constructor?.name ?? typeof value;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((result, size) => result * size, 1);
}
