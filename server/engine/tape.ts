/** Derivatives of a function that is written in tfjs itself, by its tape: gradients, and gradients of gradients. */
import * as tf from "@tensorflow/tfjs-core";
import { repairTape } from "./tape-repair.ts";

/** Of tensors, to a tensor; made of tfjs operations that it can differentiate. */
export type TapeFunction = (x: readonly tf.Tensor[]) => tf.Tensor;

/** x̄ = ∂⟨ȳ, f⟩/∂x, for each x. */
export function pullBack(f: TapeFunction, x: readonly tf.Tensor[], yBar: tf.Tensor): tf.Tensor[] {
  repairTape();
  return gradients(() => f(x), x, yBar);
}

export interface Pushed {
  /** ẏ = ∂f/∂x ẋ. */
  readonly yDot: tf.Tensor;
  /** How x̄ changes along ẋ with ȳ held: ∇⟨x̄, ẋ⟩. */
  readonly bends: readonly tf.Tensor[];
}

/** ⟨x̄, ẋ⟩ is linear in ȳ: its gradient there is ẏ, and that in x is what the curvature of f does. @cost about four times f. */
export function pushForward(
  f: TapeFunction,
  x: readonly tf.Tensor[],
  xDot: readonly tf.Tensor[],
  yBar: tf.Tensor,
): Pushed {
  repairTape();
  const along = () => {
    const bars = gradients(() => f(x), x, yBar);
    return bars
      .map((bar, i) => tf.sum(tf.mul(bar, xDot[i] as tf.Tensor)))
      .reduce((sum, each) => tf.add(sum, each));
  };
  const [yDot, ...bends] = gradients(along, [yBar, ...x], null);
  return { yDot: yDot as tf.Tensor, bends };
}

/** Where the result does not depend on one of them tfjs has none: zero. */
function gradients(f: () => tf.Tensor, x: readonly tf.Tensor[], yBar: tf.Tensor | null): tf.Tensor[] {
  const { grads } = tf.engine().gradients(f, x as tf.Tensor[], yBar as tf.Tensor, true);
  return x.map((tensor, i) => grads[i] ?? tf.zeros(tensor.shape));
}
