/** A loss of the user's own, as a function in tfjs, by double backprop on its tape. */
import * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "./engine-error.ts";
import type { Loss } from "./losses.ts";
import type { TapeFunction } from "./tape.ts";
import { tapeFault } from "./tape-check.ts";

/** Targets and outputs, both [n, outputs], to one loss for each example, [n] or [n, 1]. L is their mean. */
export type OwnLoss = (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor;

const EXAMPLES = 3;

/** @throws {EngineError} `unsupported-loss` where it cannot be differentiated twice, and why. */
export function ownLoss(f: OwnLoss, outputs: number): Loss {
  const each: TapeFunction = ([z, y]) => {
    const losses = f(y as tf.Tensor, z as tf.Tensor);
    const n = (z as tf.Tensor).shape[0] as number;
    // Of another size it is left as it is, for the check to refuse.
    return losses.size === n ? tf.reshape(losses, [n, 1]) : losses;
  };
  const why = tapeFault(each, [EXAMPLES, 1], (normal, attempt) => {
    const z = normal([EXAMPLES, outputs], 1);
    const classes = tf.oneHot(
      tf.tensor1d(
        [0, 1, 2].map((i) => i % outputs),
        "int32",
      ),
      outputs,
      1,
      0,
      "float32",
    );
    // Some losses are for probabilities.
    return [attempt % 2 === 0 ? z : tf.softmax(z), attempt < 2 ? classes : normal([EXAMPLES, outputs], 1)];
  });
  if (why !== null) throw new EngineError("unsupported-loss", `loss: ${why}`);
  return {
    name: "own",
    formula: "L = (1/n) Σ_i ℓ(y_i, z_i), ℓ the module's own loss, by double backprop",
    folds: null,
    exampleLosses: (ops, z, y) => ops.onTape(each, [z, y]).value(),
    linearise(ops, z, y) {
      const n = ops.shape(z)[0] ?? 1;
      const taped = ops.onTape(each, [z, y]);
      const share = ops.constant(new Float32Array(n).fill(1 / n), [n, 1]);
      const still = ops.scale(y, 0);
      return {
        exampleLosses: taped.value(),
        zBar: taped.pullBack(share)[0] as typeof z,
        tangent: (zDot) => taped.pushForward([zDot, still], share).bends[0] as typeof z,
      };
    },
  };
}
