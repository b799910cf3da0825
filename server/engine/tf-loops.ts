/** Operations that no tfjs backend has, or has right, as loops over its memory. */
import * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "./engine-error.ts";
import { normalDensity, normalDistribution } from "./normal-distribution.ts";
import type { Rearrangement } from "./ops.ts";

/** What the wasm backend has beyond the others. */
interface HeapBackend {
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array;
}

/** The tensor's numbers, without a copy where that can be: not to be written to, and valid until the next tensor is made. */
function values(a: tf.Tensor): Float32Array {
  const backend = tf.backend() as unknown as Partial<HeapBackend>;
  return backend.typedArrayFromHeap === undefined
    ? (a.dataSync() as Float32Array)
    : backend.typedArrayFromHeap(a);
}

export function gelu(a: tf.Tensor): { value: tf.Tensor; first: tf.Tensor; second: tf.Tensor } {
  const x = values(a);
  const value = new Float32Array(x.length);
  const first = new Float32Array(x.length);
  const second = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const z = x[i] as number;
    const below = normalDistribution(z);
    const density = normalDensity(z);
    value[i] = z * below;
    first[i] = below + z * density;
    second[i] = density * (2 - z * z);
  }
  return {
    value: tf.tensor(value, a.shape),
    first: tf.tensor(first, a.shape),
    second: tf.tensor(second, a.shape),
  };
}

/** tfjs's max-pooling disagrees with itself: ties go to the first on cpu, the last on wasm, where values below 0 are lost as well. */
export function firstMaximum(a: tf.Tensor): { value: tf.Tensor; mask: tf.Tensor } {
  const [rows, columns] = a.shape as [number, number];
  const x = values(a);
  const value = new Float32Array(rows);
  const mask = new Float32Array(x.length);
  for (let i = 0; i < rows; i++) {
    let best = i * columns;
    for (let at = best + 1; at < (i + 1) * columns; at++) {
      const [entry, top] = [x[at] as number, x[best] as number];
      if (entry > top || (Number.isNaN(entry) && !Number.isNaN(top))) best = at;
    }
    value[i] = x[best] as number;
    mask[best] = 1;
  }
  return { value: tf.tensor(value, [rows, 1]), mask: tf.tensor(mask, [rows, columns]) };
}

export function rearrange(a: tf.Tensor, { size, sources }: Rearrangement, fill = 0): tf.Tensor {
  const x = values(a);
  const n = a.shape[0] ?? 0;
  const width = sources.length;
  const moved = new Float32Array(n * width);
  for (let i = 0; i < n; i++) {
    const from = i * size;
    const to = i * width;
    for (let j = 0; j < width; j++) {
      const source = sources[j] as number;
      moved[to + j] = source < 0 ? fill : (x[from + source] as number);
    }
  }
  return tf.tensor(moved, [n, width]);
}

export function rearrangeBack(a: tf.Tensor, { size, sources }: Rearrangement): tf.Tensor {
  const y = values(a);
  const width = sources.length;
  const n = y.length / width;
  const sums = new Float32Array(n * size);
  for (let i = 0; i < n; i++) {
    const to = i * size;
    const from = i * width;
    for (let j = 0; j < width; j++) {
      const source = sources[j] as number;
      if (source >= 0) sums[to + source] = (sums[to + source] as number) + (y[from + j] as number);
    }
  }
  return tf.tensor(sums, [n, size]);
}

export function takeRows(a: tf.Tensor, rows: tf.Tensor): tf.Tensor {
  const [count, width] = a.shape as [number, number];
  const table = values(a);
  const numbers = values(rows);
  const taken = new Float32Array(numbers.length * width);
  for (let i = 0; i < numbers.length; i++) {
    const row = rowNumber(numbers[i] as number, count);
    taken.set(table.subarray(row * width, (row + 1) * width), i * width);
  }
  return tf.tensor(taken, [numbers.length, width]);
}

export function addIntoRows(a: tf.Tensor, rows: tf.Tensor, count: number): tf.Tensor {
  const y = values(a);
  const numbers = values(rows);
  const width = y.length / numbers.length;
  const sums = new Float32Array(count * width);
  for (let i = 0; i < numbers.length; i++) {
    const to = rowNumber(numbers[i] as number, count) * width;
    for (let j = 0; j < width; j++) {
      sums[to + j] = (sums[to + j] as number) + (y[i * width + j] as number);
    }
  }
  return tf.tensor(sums, [count, width]);
}

function rowNumber(value: number, count: number): number {
  // As tfjs does, which casts to int32.
  const row = Math.trunc(value);
  if (row >= 0 && row < count) return row;
  throw new EngineError(
    "shape-mismatch",
    `inputs: expected numbers from 0 to ${count - 1} before an embedding, got ${value}`,
  );
}
