/**
 * tfjs-layers draws orthogonal matrices, which recurrent layers start from, with methods of tensors that only the union package gives them:
 * without these, a GRU cannot even be made.
 */
import * as tf from "@tensorflow/tfjs-core";

const methods = {
  flatten(this: tf.Tensor) {
    return tf.reshape(this, [this.size]);
  },
  reshape(this: tf.Tensor, shape: number[]) {
    return tf.reshape(this, shape);
  },
  sign(this: tf.Tensor) {
    return tf.sign(this);
  },
  stridedSlice(this: tf.Tensor, begin: number[], end: number[], strides: number[]) {
    return tf.stridedSlice(this, begin, end, strides);
  },
  transpose(this: tf.Tensor) {
    return tf.transpose(this);
  },
};

/** Where somebody has registered them already, these stay. */
export function registerTensorMethods(): void {
  const prototype = tf.Tensor.prototype as unknown as Record<string, unknown>;
  for (const [name, method] of Object.entries(methods)) prototype[name] ??= method;
}
