/** A layer of tfjs-layers where it stands in a network, and what is said when it has no rule there. */
import type * as tf from "@tensorflow/tfjs-layers";
import { EngineError } from "./engine-error.ts";

type Layer = tf.layers.Layer;

/** As `getConfig` gives it. */
export type Config = Readonly<Record<string, unknown>>;

/** A layer where it stands in a network. */
export interface Placed {
  readonly layer: Layer;
  /** Of one example. */
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  /** Is it, or a layer above it, `trainable: false`? */
  readonly isFrozen: boolean;
  /** The activation that the loss applies itself, where this layer's is the network's last; else null. */
  readonly folded: string | null;
  readonly batchNorm: "examples" | "moving";
}

export function unsupported(layer: Layer, why: string): EngineError {
  return new EngineError(
    "unsupported-layer",
    `layer "${layer.name}" (${layer.getClassName()}): no derivative rule, because ${why}`,
  );
}

export const valuesOf = (weight: tf.LayerVariable) => new Float32Array(weight.read().dataSync());
