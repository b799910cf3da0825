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

const TILE = 64;

function copyTransposed(x: Float32Array, out: Float32Array, rows: number, columns: number): void {
  for (let top = 0; top < rows; top += TILE)
    for (let left = 0; left < columns; left += TILE) {
      const count = Math.min(TILE, rows - top);
      const right = Math.min(left + TILE, columns);
      for (let j = left; j < right; j++) {
        let from = top * columns + j;
        const to = j * rows + top;
        for (let at = to; at < to + count; at++, from += columns) out[at] = x[from] as number;
      }
    }
}

/** On wasm, tfjs's makes a bound of NaN. */
export function clip(a: tf.Tensor, low: number, high: number): tf.Tensor {
  return make(a.shape, (out) => {
    const x = values(a);
    for (let i = 0; i < out.length; i++) {
      const value = x[i] as number;
      out[i] = value > high ? high : value < low ? low : value;
    }
  });
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

/** In float64, as in {@link transposedProducts}. */
export function sumOverRows(a: tf.Tensor): tf.Tensor {
  const [rows, columns] = a.shape as [number, number];
  const sums = new Float64Array(columns);
  const x = values(a);
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < columns; j++, at++) sums[j] = (sums[j] as number) + (x[at] as number);
  return tf.tensor(Float32Array.from(sums), [1, columns]);
}

/** Rows whose products are summed in float32 without a break, and that are transposed at a time: they fit into the cache. */
const ROWS_AT_ONCE = 2048;

/** Sums between the parts are float64: over a hundred thousand rows, which convolutions have, float32 would lose two digits. */
export function transposedProducts(a: tf.Tensor): (b: tf.Tensor) => tf.Tensor {
  const [rows, left] = a.shape as [number, number];
  const partsT: tf.Tensor[] = [];
  for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
    const count = Math.min(ROWS_AT_ONCE, rows - from);
    partsT.push(
      make([left, count], (out) =>
        copyTransposed(values(a).subarray(from * left, (from + count) * left), out, count, left),
      ),
    );
  }
  return (b) => {
    const right = b.shape[1] as number;
    const total = new Float64Array(left * right);
    partsT.forEach((partT, index) => {
      const from = index * ROWS_AT_ONCE * right;
      const count = partT.shape[1] as number;
      const part = make([count, right], (out) => out.set(values(b).subarray(from, from + out.length)));
      const product = tf.matMul(partT as tf.Tensor2D, part as tf.Tensor2D);
      addTo(total, values(product));
      tf.dispose([part, product]);
    });
    return tf.tensor(Float32Array.from(total), [left, right]);
  };
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
