/** A tensor's numbers where they lie: on wasm nothing is copied. */
import * as tf from "@tensorflow/tfjs-core";

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
