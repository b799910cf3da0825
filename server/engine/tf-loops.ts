/** Operations that no tfjs backend has, or has right, as loops over its memory. */
import * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "./engine-error.ts";
import { normalDensity, normalDistribution } from "./normal-distribution.ts";
import { make, values } from "./tensor-memory.ts";

/** Tile by tile, so that both sides stay in the cache. */
export function transpose(a: tf.Tensor): tf.Tensor {
  const [rows, columns] = a.shape as [number, number];
  return make([columns, rows], (out) => copyTransposed(values(a), out, rows, columns));
}

const TILE = 32;

function copyTransposed(x: Float32Array, out: Float32Array, rows: number, columns: number): void {
  for (let top = 0; top < rows; top += TILE)
    for (let left = 0; left < columns; left += TILE) {
      const bottom = Math.min(top + TILE, rows);
      const right = Math.min(left + TILE, columns);
      for (let j = left; j < right; j++)
        for (let i = top; i < bottom; i++) out[j * rows + i] = x[i * columns + j] as number;
    }
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

/** In float64: a column of a convolution has a hundred thousand terms, and float32 would lose two digits on the way. */
export function sumOverRows(a: tf.Tensor): tf.Tensor {
  const [rows, columns] = a.shape as [number, number];
  const sums = new Float64Array(columns);
  const x = values(a);
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < columns; j++, at++) sums[j] = (sums[j] as number) + (x[at] as number);
  return tf.tensor(Float32Array.from(sums), [1, columns]);
}

/** Terms of one inner product that are summed in float32 without a break. */
const LONGEST_SUM = 2048;

/** Never with tfjs's transpose flags: on wasm these leave the fast kernel for a loop ten times slower. Long sums are made in parts. */
export function matMul(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [rows, terms] = a.shape as [number, number];
  const columns = b.shape[1] as number;
  if (terms <= LONGEST_SUM) return tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D);
  const total = new Float64Array(rows * columns);
  for (let from = 0; from < terms; from += LONGEST_SUM) {
    const count = Math.min(LONGEST_SUM, terms - from);
    const left = make([rows, count], (out) => {
      const x = values(a);
      for (let i = 0; i < rows; i++)
        out.set(x.subarray(i * terms + from, i * terms + from + count), i * count);
    });
    const right = make([count, columns], (out) =>
      out.set(values(b).subarray(from * columns, (from + count) * columns)),
    );
    const part = tf.matMul(left as tf.Tensor2D, right as tf.Tensor2D);
    addTo(total, values(part));
    tf.dispose([left, right, part]);
  }
  return tf.tensor(Float32Array.from(total), [rows, columns]);
}

function addTo(total: Float64Array, part: Float32Array): void {
  for (let i = 0; i < total.length; i++) total[i] = (total[i] as number) + (part[i] as number);
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
