/** One case on the active backend against float64. */
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../server/engine/compile.ts";
import { createObjective } from "../../server/engine/compiled-objective.ts";
import type { CreateObjective } from "../../server/engine/evaluator.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { dot, norm } from "../../server/numerics/vector.ts";
import type { AccuracyCase } from "./accuracy-cases.ts";
import { type Case64, type Derivatives64, derivatives64, gaussNewton64 } from "./reference.ts";

export interface Accuracy {
  /** Largest error over largest entry. */
  readonly gradient: number;
  readonly hv: number;
  readonly gaussNewton: number;
  /** |⟨Hv, w⟩ − ⟨Hw, v⟩| / (‖Hv‖‖w‖). */
  readonly asymmetry: number;
  /** Tensors more than before, after everything was disposed. */
  readonly tensorsLeft: number;
}

export interface Prepared {
  readonly of: Case64;
  readonly theta: Float32Array;
  readonly exact: Derivatives64;
  /** Draws that were thrown away, because float32 could not have told a kink or a tie. */
  readonly thrownAway: number;
  /** By default on tfjs's active backend. */
  measure(create?: CreateObjective): Accuracy;
  dispose(): void;
}

/** Draws data and θ; drawn again while a number is too near to a kink or a tie to be told apart in float32. */
export function prepare(given: AccuracyCase): Prepared {
  const model = given.build();
  const random = createRandom(11);
  const weights = model.getWeights();
  model.setWeights(
    weights.map(({ size, shape }) =>
      // All positive, which moving variances must be; frozen kernels among them are made negative.
      tf.tensor(
        random.fillNormal(new Float32Array(size)).map((value) => 0.3 + Math.abs(value)),
        shape,
      ),
    ),
  );
  for (const layer of model.layers) {
    if (layer.trainable || layer.getClassName() === "BatchNormalization") continue;
    layer.setWeights(layer.getWeights().map((value) => tf.neg(value)));
  }
  const compiled = compile(model, given.loss, given.options);
  const { inputShape, outputs, parameterCount } = compiled;
  const size = given.examples;
  const perExample = inputShape.reduce((product, length) => product * length, 1);
  const { vocabulary } = given;
  for (let attempt = 0; attempt < 20; attempt++) {
    const inputs = new Float32Array(size * perExample);
    if (vocabulary === undefined) random.fillNormal(inputs);
    else for (let i = 0; i < inputs.length; i++) inputs[i] = random.integer(vocabulary);
    const targets = new Float32Array(size * outputs);
    if (given.loss === "cross-entropy")
      for (let i = 0; i < size; i++) targets[i * outputs + random.integer(outputs)] = 1;
    else if (given.loss === "sigmoid-cross-entropy")
      for (let i = 0; i < targets.length; i++) targets[i] = random.uniform();
    else random.fillNormal(targets, 2);
    const draw = (deviation: number) => random.fillNormal(new Float32Array(parameterCount), deviation);
    const [theta, v, w] = [draw(given.spread ?? 0.4), draw(1), draw(1)];
    const of: Case64 = {
      model,
      loss: given.loss,
      inputs,
      targets,
      size,
      batchNorm: given.options?.batchNorm ?? "examples",
      dataLossOnly: given.options?.penalties === "left out",
    };
    const exact = derivatives64(of, theta, v);
    if (exact.kinks > 0) continue;
    const exactGaussNewton = gaussNewton64(of, theta, v);
    return {
      of,
      theta,
      exact,
      thrownAway: attempt,
      dispose: () => model.dispose(),
      measure(create = createObjective) {
        const before = tf.memory().numTensors;
        const objective = create(compiled, { inputs, targets, size });
        const linearised = objective.linearise(theta);
        const hv = linearised.hessianVectorProduct(v);
        const hw = linearised.hessianVectorProduct(w);
        const gv = linearised.gaussNewtonProduct(v);
        const { gradient } = objective.gradient(theta);
        linearised.dispose();
        objective.dispose();
        return {
          gradient: relativeError(gradient, exact.gradient),
          hv: relativeError(hv, exact.hv),
          gaussNewton: relativeError(gv, exactGaussNewton),
          asymmetry: Math.abs(dot(hv, w) - dot(hw, v)) / (norm(hv) * norm(w)),
          tensorsLeft: tf.memory().numTensors - before,
        };
      },
    };
  }
  throw new Error(`${given.layer}: expected a draw without kinks and ties among 20`);
}

function relativeError(found: Float32Array, exact: Float64Array): number {
  let [worst, largest] = [0, 0];
  exact.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - (found[i] as number)));
    largest = Math.max(largest, Math.abs(value));
  });
  return worst / largest;
}
