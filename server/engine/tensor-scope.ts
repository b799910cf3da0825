/** Who frees tensors: everything made in a scope goes with it. */
import * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "./engine-error.ts";

/** wasm's memory ends at 4 GiB, past which tfjs writes to address 0 without an exception; so we stop well before. */
const MAX_BYTES = 3 * 1024 ** 3;

/** Runs with every tensor made inside disposed at the end, also when it throws. Unlike tf.tidy it does not walk through what is returned. */
export function inScope<R>(work: () => R): R {
  tf.engine().startScope("objective");
  try {
    const result = work();
    guardMemory(); // while everything is still alive: the peak
    return result;
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

function guardMemory(): void {
  const { numBytes } = tf.memory();
  if (numBytes > MAX_BYTES) {
    throw new EngineError(
      "out-of-memory",
      `tensors take ${Math.round(numBytes / 2 ** 20)} MiB, expected at most ${MAX_BYTES / 2 ** 20}; use a smaller probe or model`,
    );
  }
}
