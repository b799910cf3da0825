/** Who frees tensors: everything made in a scope goes with it. */
import * as tf from "@tensorflow/tfjs-core";

/** Runs with every tensor made inside disposed at the end, also when it throws. Unlike tf.tidy it does not walk through what is returned. */
export function inScope<R>(work: () => R): R {
  tf.engine().startScope("objective");
  try {
    return work();
  } finally {
    tf.engine().endScope();
  }
}

export interface Held<R> {
  readonly value: R;
  dispose(): void;
}

/** Like {@link inScope}, but what was made lives until disposed. */
export function holdScope<R>(work: () => R): Held<R> {
  const kept: tf.Tensor[] = [];
  const dispose = () => tf.dispose(kept.splice(0));
  try {
    const value = inScope(() => {
      const result = work();
      for (const tensor of tf.engine().state.activeScope.track) kept.push(tf.keep(tensor));
      return result;
    });
    return { value, dispose };
  } catch (cause) {
    dispose();
    throw cause;
  }
}
