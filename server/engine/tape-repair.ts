/** What tfjs's tape needs so that gradients of gradients are right. Installed once, when the first layer asks for it. */
import * as tf from "@tensorflow/tfjs-core";

type AddTapeNode = (
  name: string,
  inputs: object,
  outputs: readonly tf.Tensor[],
  gradient: unknown,
  saved: readonly tf.Tensor[],
  attributes: object,
) => void;

interface TapeNode {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
}

/** Kernels whose output does not move with their inputs, and which tfjs has no gradient for; with the names of these inputs. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  Equal: ["a", "b"],
  Greater: ["a", "b"],
  GreaterEqual: ["a", "b"],
  Less: ["a", "b"],
  LessEqual: ["a", "b"],
  LogicalAnd: ["a", "b"],
  LogicalNot: ["x"],
  LogicalOr: ["a", "b"],
  NotEqual: ["a", "b"],
};

let isRepaired = false;

export function repairTape(): void {
  if (isRepaired) return;
  isRepaired = true;
  orderSavedOutputs();
  for (const [kernelName, names] of Object.entries(STEPS)) {
    if (tf.getGradient(kernelName) !== undefined) continue;
    tf.registerGradient({
      kernelName,
      inputsToSave: [...names],
      gradFunc: (_dy, saved) =>
        Object.fromEntries(names.map((name, i) => [name, () => tf.zeros(saved[i]?.shape ?? [])])),
    });
  }
  registerGradientsOfGradients();
  registerProductGradients();
}

/** Of kernels that only gradients are made of, and that tfjs has no gradient for. */
function registerGradientsOfGradients(): void {
  tf.registerGradient({
    kernelName: "EluGrad",
    inputsToSave: ["dy", "y"],
    gradFunc(ddx, saved) {
      const [dy, y] = saved as [tf.Tensor, tf.Tensor];
      const below = tf.sub(1, tf.step(y));
      return {
        dy: () => tf.mul(ddx as tf.Tensor, tf.add(1, tf.mul(below, y))),
        y: () => tf.mul(tf.mul(ddx as tf.Tensor, dy), below),
      };
    },
  });
  tf.registerGradient({
    kernelName: "AvgPoolGrad",
    inputsToSave: ["input"],
    gradFunc(ddx, saved, attributes) {
      const { filterSize, strides, pad } = attributes as unknown as PoolAttributes;
      return {
        dy: () => tf.avgPool(ddx as tf.Tensor4D, filterSize, strides, pad),
        input: () => tf.zerosLike(saved[0] as tf.Tensor),
      };
    },
  });
  tf.registerGradient({
    kernelName: "Conv2DBackpropFilter",
    inputsToSave: ["x", "dy"],
    gradFunc(ddw, saved, attributes) {
      const [x, dy] = saved as [tf.Tensor4D, tf.Tensor4D];
      const { strides, pad } = attributes as unknown as PoolAttributes;
      return {
        x: () => tf.conv2dTranspose(dy, ddw as tf.Tensor4D, x.shape, strides, pad),
        dy: () => tf.conv2d(x, ddw as tf.Tensor4D, strides, pad),
      };
    },
  });
}

interface PoolAttributes {
  readonly filterSize: [number, number];
  readonly strides: [number, number];
  readonly pad: "valid" | "same" | number;
}

/**
 * tfjs notes the copies of outputs that a gradient will need before the operation itself. In the sweep back what reaches a copy then comes
 * too late, and is lost without a word: second derivatives of tanh, sigmoid, exp and softmax are wrong (tfjs#3252). Here these copies are
 * moved behind their operation.
 */
function orderSavedOutputs(): void {
  const engine = tf.engine() as unknown as {
    addTapeNode: AddTapeNode;
    readonly state: { readonly activeTape: TapeNode[] };
  };
  const original = engine.addTapeNode.bind(engine);
  engine.addTapeNode = (name, inputs, outputs, gradient, saved, attributes) => {
    original(name, inputs, outputs, gradient, saved, attributes);
    const tape = engine.state.activeTape;
    const node = tape.at(-1) as TapeNode;
    const made = new Set(outputs.map(({ id }) => id));
    const copies = tape.slice(-1 - saved.length, -1);
    const isOfOutput = (copy: TapeNode) => Object.values(copy.inputs).some(({ id }) => made.has(id));
    if (!copies.some(isOfOutput)) return;
    tape.length -= copies.length + 1;
    tape.push(...copies.filter((copy) => !isOfOutput(copy)), node, ...copies.filter(isOfOutput));
  };
}

/**
 * The gradient of a product, by transposes written out: on wasm tfjs's transpose flags leave the fast kernel for a loop ten times slower.
 */
function registerProductGradients(): void {
  const swapped = (a: tf.Tensor) => {
    const axes = a.shape.map((_, axis) => axis);
    axes.push(...axes.splice(-2).reverse());
    return tf.transpose(a, axes);
  };
  tf.unregisterGradient("BatchMatMul");
  tf.registerGradient({
    kernelName: "BatchMatMul",
    inputsToSave: ["a", "b"],
    gradFunc(dy, saved, attributes) {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      const { transposeA, transposeB } = attributes as unknown as {
        transposeA: boolean;
        transposeB: boolean;
      };
      const [left, right] = [transposeA ? swapped(a) : a, transposeB ? swapped(b) : b];
      const back = (product: tf.Tensor, isTransposed: boolean) => (isTransposed ? swapped(product) : product);
      return {
        a: () => back(tf.matMul(dy as tf.Tensor, swapped(right)), transposeA),
        b: () => back(tf.matMul(swapped(left), dy as tf.Tensor), transposeB),
      };
    },
  });
}
