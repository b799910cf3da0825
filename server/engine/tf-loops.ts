/** Operations that no tfjs backend has, or has right, as loops over its memory. */
import * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "./engine-error.ts";
import { normalDensity, normalDistribution } from "./normal-distribution.ts";
import type { Rearrangement } from "./ops.ts";

/** What the wasm backend has beyond the others: its memory. */
interface HeapBackend {
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array;
  makeOutput(shape: readonly number[], dtype: "float32"): tf.TensorInfo;
}

function heap(): HeapBackend | null {
  const backend = tf.backend() as unknown as Partial<HeapBackend>;
  return backend.typedArrayFromHeap === undefined ? null : (backend as HeapBackend);
}

/** The tensor's numbers, without a copy where that can be: not to be written to, and valid until the next tensor is made. */
function values(a: tf.Tensor): Float32Array {
  return heap()?.typedArrayFromHeap(a) ?? (a.dataSync() as Float32Array);
}

/** A tensor whose numbers `write` writes: all of them, for they begin as anything. Reads {@link values} only inside, since memory may have moved. */
function make(shape: readonly number[], write: (out: Float32Array) => void): tf.Tensor {
  const backend = heap();
  if (backend === null) {
    const out = new Float32Array(shape.reduce((product, length) => product * length, 1));
    write(out);
    return tf.tensor(out, shape as number[]);
  }
  const info = backend.makeOutput(shape, "float32");
  const tensor = tf.engine().makeTensorFromTensorInfo(info);
  write(backend.typedArrayFromHeap(info));
  return tensor;
}

/** Tile by tile, so that both sides stay in the cache: on wasm two to three times as fast as tfjs's. */
export function transpose(a: tf.Tensor): tf.Tensor {
  const [rows, columns] = a.shape as [number, number];
  const tile = 32;
  return make([columns, rows], (out) => {
    const x = values(a);
    for (let top = 0; top < rows; top += tile)
      for (let left = 0; left < columns; left += tile) {
        const bottom = Math.min(top + tile, rows);
        const right = Math.min(left + tile, columns);
        for (let j = left; j < right; j++)
          for (let i = top; i < bottom; i++) out[j * rows + i] = x[i * columns + j] as number;
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

/** tfjs's max-pooling disagrees with itself: ties go to the first on cpu, the last on wasm, where values below 0 are lost as well. */
export function firstMaximum(a: tf.Tensor): { value: tf.Tensor; mask: tf.Tensor } {
  const [rows, columns] = a.shape as [number, number];
  const best = new Int32Array(rows);
  const value = make([rows, 1], (out) => {
    const x = values(a);
    for (let i = 0; i < rows; i++) {
      const first = i * columns;
      let at = first;
      let top = x[first] as number;
      for (let j = first + 1; j < first + columns; j++) {
        const entry = x[j] as number;
        // Not "entry > top": NaN has to win.
        if (!(entry <= top) && !Number.isNaN(top)) {
          top = entry;
          at = j;
        }
      }
      out[i] = top;
      best[i] = at;
    }
  });
  const mask = make([rows, columns], (out) => {
    out.fill(0);
    for (let i = 0; i < rows; i++) out[best[i] as number] = 1;
  });
  return { value, mask };
}

/** Entries that follow each other both before and after: [to, from, length] of each, from −1 where they have no source. */
function runsOf(sources: Int32Array): Int32Array {
  const known = runs.get(sources);
  if (known !== undefined) return known;
  const found: number[] = [];
  for (let to = 0; to < sources.length; ) {
    const from = sources[to] as number;
    let length = 1;
    while (sources[to + length] === (from < 0 ? from : from + length)) length++;
    found.push(to, from, length);
    to += length;
  }
  const made = Int32Array.from(found);
  runs.set(sources, made);
  return made;
}

const runs = new WeakMap<Int32Array, Int32Array>();

export function rearrange(a: tf.Tensor, { size, sources }: Rearrangement, fill = 0): tf.Tensor {
  const width = sources.length;
  const n = a.size / size;
  const moves = runsOf(sources);
  return make([n, width], (out) => {
    const x = values(a);
    for (let i = 0; i < n; i++)
      for (let r = 0; r < moves.length; r += 3) {
        const to = i * width + (moves[r] as number);
        const from = moves[r + 1] as number;
        const length = moves[r + 2] as number;
        if (from < 0) out.fill(fill, to, to + length);
        else {
          const start = i * size + from;
          for (let k = 0; k < length; k++) out[to + k] = x[start + k] as number;
        }
      }
  });
}

export function rearrangeBack(a: tf.Tensor, { size, sources }: Rearrangement): tf.Tensor {
  const width = sources.length;
  const n = a.size / width;
  const moves = runsOf(sources);
  return make([n, size], (sums) => {
    const y = values(a);
    sums.fill(0);
    for (let i = 0; i < n; i++)
      for (let r = 0; r < moves.length; r += 3) {
        const from = moves[r + 1] as number;
        if (from < 0) continue;
        const start = i * width + (moves[r] as number);
        const to = i * size + from;
        const length = moves[r + 2] as number;
        for (let k = 0; k < length; k++) sums[to + k] = (sums[to + k] as number) + (y[start + k] as number);
      }
  });
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
