/** {@link Objective} by layer rules on tfjs, whatever backend is active. */
import type * as tf from "@tensorflow/tfjs-core";
import type { Parameter } from "../../shared/header.ts";
import type { CompiledModel } from "./compile.ts";
import { type Evaluator, objectiveOn } from "./evaluator.ts";
import type { Objective } from "./objective.ts";
import type { ObjectiveData } from "./objective-data.ts";
import { differentiate, forwardPass, type Weights, weightsOf } from "./passes.ts";
import { values } from "./tensor-memory.ts";
import { holdScope, inScope } from "./tensor-scope.ts";
import { tfOps as ops } from "./tf-ops.ts";

/** @throws {EngineError} when the data does not fit the model. */
export function createObjective(compiled: CompiledModel, data: ObjectiveData): Objective {
  return objectiveOn(compiled, data, () => createEvaluator(compiled, data));
}

function createEvaluator(compiled: CompiledModel, data: ObjectiveData): Evaluator {
  const { loss } = compiled;
  const x = ops.constant(data.inputs, [data.size, ...compiled.inputShape]);
  const y = ops.constant(data.targets, [data.size, compiled.outputs]);

  const split = (vector: Float32Array): Weights<tf.Tensor> =>
    weightsOf(compiled, ({ offset, shape }) =>
      ops.constant(vector.subarray(offset, offset + sizeOf(shape)), shape),
    );

  const flatten = (tensors: readonly tf.Tensor[], out: Float32Array): Float32Array => {
    tensors.forEach((tensor, index) => {
      out.set(values(tensor), (compiled.parameters[index] as Parameter).offset);
    });
    return out;
  };

  const read = (tensor: tf.Tensor): Float32Array => values(tensor).slice();
  const forward = (theta: Float32Array) => forwardPass(ops, compiled, x, split(theta));
  const slopeAt = (theta: Float32Array, out: Float32Array) => {
    const at = differentiate(ops, compiled, x, y, split(theta));
    return { at, exampleLosses: read(at.exampleLosses), gradient: flatten(at.gradient, out) };
  };

  return {
    exampleLosses: (theta) => inScope(() => read(loss.exampleLosses(ops, forward(theta), y))),
    outputs: (theta) =>
      inScope(() => {
        const z = forward(theta);
        return { z: read(z), exampleLosses: read(loss.exampleLosses(ops, z, y)) };
      }),
    gradient: (theta, out) =>
      inScope(() => {
        const { exampleLosses, gradient } = slopeAt(theta, out);
        return { exampleLosses, gradient };
      }),
    linearise(theta) {
      // Everything the passes made is what Hv is made of: it lives until dispose.
      const held = holdScope(() => slopeAt(theta, new Float32Array(compiled.parameterCount)));
      const { at, exampleLosses, gradient } = held.value;
      return {
        exampleLosses,
        gradient,
        hessianVectorProduct: (v, out) => inScope(() => flatten(at.hessianVectorProduct(split(v)), out)),
        gaussNewtonProduct: (v, out) => inScope(() => flatten(at.gaussNewtonProduct(split(v)), out)),
        dispose: () => held.dispose(),
      };
    },
    dispose() {
      x.dispose();
      y.dispose();
    },
  };
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
