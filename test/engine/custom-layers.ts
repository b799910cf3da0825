/** Layers of one's own, for those who have no rule: one that can be differentiated twice, and some that cannot. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";

/** y = x·(σ(ax + b) + tanh(ax + b)): both of them are wrong in second order on tfjs's own tape. */
export class Gate extends tfl.layers.Layer {
  static className = "Gate";
  #scale: tfl.LayerVariable | null = null;
  #shift: tfl.LayerVariable | null = null;

  override build(inputShape: tfl.Shape): void {
    const width = inputShape.at(-1) as number;
    const initializer = tfl.initializers.randomNormal({ stddev: 0.5, seed: 3 });
    this.#scale = this.addWeight("scale", [width], "float32", initializer);
    this.#shift = this.addWeight("shift", [width], "float32", initializer);
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor;
      const scale = this.#scale as tfl.LayerVariable;
      const shift = this.#shift as tfl.LayerVariable;
      const z = tf.add(tf.mul(x, scale.read()), shift.read());
      return tf.mul(x, tf.add(tf.sigmoid(z), tf.tanh(z)));
    });
  }
}

/** A function of x without weights. */
export class Apply extends tfl.layers.Layer {
  static className = "Apply";
  readonly #f: (x: tf.Tensor) => tf.Tensor;

  constructor(args: { readonly name?: string; readonly f?: (x: tf.Tensor) => tf.Tensor }) {
    super(args);
    this.#f = args.f ?? ((x) => x);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.#f((Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), f: this.#f as never };
  }
}

tf.serialization.registerClass(Gate);
tf.serialization.registerClass(Apply);
