/** One network, its data and a θ, for the engine and for the float64 reference alike. */
import { enableProdMode } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-layers";
import { compile } from "../../server/engine/compile.ts";
import { createObjective } from "../../server/engine/compiled-objective.ts";
import type { CreateObjective } from "../../server/engine/evaluator.ts";
import { initialise } from "../../server/engine/initialise.ts";
import type { Objective } from "../../server/engine/objective.ts";
import { createRandom } from "../../server/numerics/random.ts";
import type { ActivationName, LossName, Net64 } from "./float64-net.ts";

// Silences tfjs's advice to install another backend.
enableProdMode();

export interface Case {
  readonly net: Net64;
  readonly theta: Float32Array;
  readonly targets: Float32Array;
  /** By default on tfjs's active backend; the caller disposes it. */
  objective(create?: CreateObjective): Objective;
}

/** Inputs are half standard normals, half exact zeros, as images have; targets are one-hot classes. */
export function makeCase(
  sizes: readonly number[],
  activation: ActivationName,
  loss: LossName,
  n: number,
  seed = 1,
): Case {
  const random = createRandom(seed);
  const inputCount = sizes[0] as number;
  const outputs = sizes.at(-1) as number;
  const inputs = Float32Array.from({ length: n * inputCount }, () =>
    random.uniform() < 0.5 ? 0 : random.normal(),
  );
  const targets = new Float32Array(n * outputs);
  for (let i = 0; i < n; i++) targets[i * outputs + random.integer(outputs)] = 1;
  const model = dense(sizes, activation);
  const compiled = compile(model, loss);
  model.dispose();
  const theta = initialise(compiled.parameters, "glorot", random);
  for (let i = 0; i < theta.length; i++) theta[i] = (theta[i] as number) + 0.1 * random.normal();
  const rows = (flat: Float32Array, width: number) =>
    Array.from({ length: n }, (_, i) => [...flat.subarray(i * width, (i + 1) * width)]);
  return {
    net: { sizes, activation, loss, inputs: rows(inputs, inputCount), targets: rows(targets, outputs) },
    theta,
    targets,
    objective: (create = createObjective) => create(compiled, { inputs, targets, size: n }),
  };
}

export function dense(sizes: readonly number[], activation: ActivationName): tf.Sequential {
  return tf.sequential({
    layers: sizes.slice(1).map((units, l) =>
      tf.layers.dense({
        units,
        kernelInitializer: "zeros",
        ...(l === 0 ? { inputShape: [sizes[0] as number] } : {}),
        ...(l < sizes.length - 2 ? { activation: activation as "relu" } : {}),
      }),
    ),
  });
}
