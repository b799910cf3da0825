/** A tensor's numbers where they lie: on wasm nothing is copied. */
import * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "./engine-error.ts";

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
export function values(a: tf.Tensor): Float32Array {
  return heap()?.typedArrayFromHeap(a) ?? (a.dataSync() as Float32Array);
}

/** A tensor whose numbers `write` writes: all of them, for they begin as anything. Reads {@link values} only inside, since memory may have moved. */
export function make(shape: readonly number[], write: (out: Float32Array) => void): tf.Tensor {
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

/** What the wasm backend allocates with: emscripten's module. */
interface Heap {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
}

/**
 * wasm's memory ends at 4 GiB. Past that, malloc returns 0, to which tfjs writes without an exception, or, where the sum of sizes wraps around
 * at 32 bits, a place beyond the memory and never anything else again. Not all of 4 GiB is tensors'.
 */
const MOST_BYTES = 3 * 2 ** 30;

const ownMalloc = new WeakMap<Heap, Heap["_malloc"]>();

/**
 * From now on an allocation of the active backend that would go beyond its memory throws before anything has been written; what was there
 * stays right. Does nothing on backends other than wasm.
 * @throws {EngineError} `out-of-memory`, later, from whatever allocates.
 */
export function boundMemory(mostBytes: number = MOST_BYTES): void {
  const heap = (tf.backend() as unknown as { readonly wasm?: Heap }).wasm;
  if (heap === undefined) return;
  // emscripten's first call replaces the function by the real one.
  if (!ownMalloc.has(heap)) heap._free(heap._malloc(4));
  const malloc = ownMalloc.get(heap) ?? heap._malloc;
  ownMalloc.set(heap, malloc);
  heap._malloc = (bytes) => {
    const wanted = tf.engine().state.numBytes + bytes;
    const pointer = wanted > mostBytes ? 0 : malloc(bytes);
    const isInside = pointer !== 0 && (pointer >>> 0) + bytes <= heap.HEAPU8.length;
    if (isInside || bytes === 0) return pointer;
    throw new EngineError(
      "out-of-memory",
      `tensors would take ${mebibytes(wanted)} MiB of wasm's memory, expected at most ${mebibytes(mostBytes)}; use a smaller probe, batch or model, or the backend onnx`,
    );
  };
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
