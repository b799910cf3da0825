/** {@link Ops} on tfjs, whatever backend is active. */
import * as tf from "@tensorflow/tfjs-core";
import type { Ops } from "./ops.ts";
import { pullBack, pushForward } from "./tape.ts";
import { make } from "./tensor-memory.ts";
import { addIntoRows, clip, gelu, sumOverRows, takeRows, transpose, transposedProducts } from "./tf-loops.ts";
import { firstMaximum, pick, place, rearrange, rearrangeBack } from "./tf-rearrange.ts";

/**
 * Products never use tfjs's transpose flags: on wasm these leave the fast kernel for a loop ten times slower.
 * Typed arrays never pass through tf.tidy, which would look at every element.
 */
export const tfOps: Ops<tf.Tensor> = {
  constant: (values, shape) => make(shape, (out) => out.set(values)),
  shape: (a) => a.shape,
  reshape: (a, shape) => tf.reshape(a, shape as number[]),
  matMul: (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
  transposedProducts,
  transpose,
  add: (a, b) => tf.add(a, b),
  sub: (a, b) => tf.sub(a, b),
  mul: (a, b) => tf.mul(a, b),
  div: (a, b) => tf.div(a, b),
  scale: (a, factor) => tf.mul(a, factor),
  shift: (a, by) => tf.add(a, by),
  clip,
  sqrt: (a) => tf.sqrt(a),
  exp: (a) => tf.exp(a),
  log: (a) => tf.log(a),
  tanh: (a) => tf.tanh(a),
  tanhSlope(a) {
    const e = tf.exp(tf.mul(tf.abs(a), -2));
    return tf.div(tf.mul(e, 4), tf.square(tf.add(e, 1)));
  },
  sigmoid: (a) => tf.sigmoid(a),
  softplus: (a) => tf.add(tf.relu(a), tf.log(tf.add(1, tf.exp(tf.neg(tf.abs(a)))))),
  relu: (a) => tf.relu(a),
  positive: (a) => tf.step(a),
  gelu,
  sumOverRows,
  sumOverColumns: (a) => tf.sum(a, 1, true),
  maxOverColumns: (a) => tf.max(a, 1, true),
  firstMaximum,
  pick,
  place,
  rearrange,
  rearrangeBack,
  takeRows,
  addIntoRows,
  onTape: (f, x) => ({
    value: () => f(x),
    pullBack: (yBar) => pullBack(f, x, yBar),
    pushForward: (xDot, yBar) => pushForward(f, x, xDot, yBar),
  }),
};
