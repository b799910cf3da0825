/** Networks on MNIST digits that more than one suite measures, at a θ that is the same for all. */
import { type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import type { Backend } from "../server/engine/backend.ts";
import { compile } from "../server/engine/compile.ts";
import { initialise } from "../server/engine/initialise.ts";
import { objectiveOnLiveInputs } from "../server/engine/live-inputs.ts";
import type { Objective } from "../server/engine/objective.ts";
import { createRandom } from "../server/numerics/random.ts";
import { gatherExamples, selectExamples } from "../server/training/data/examples.ts";
import { readMnist } from "../server/training/data/mnist.ts";
import type { Examples } from "../server/training/run.ts";

export type Network = "tanh" | "relu" | "lenet";

/** θ₀ is drawn elsewhere. */
const zeros = { kernelInitializer: "zeros" } as const;

/** 784-200-200-10, 199,210 weights; and LeNet-5 with max-pooling, 61,706. */
const MODELS: Readonly<Record<Network, () => LayersModel>> = {
  tanh: () => mlp("tanh"),
  relu: () => mlp("relu"),
  lenet: () =>
    sequential({
      layers: [
        layers.conv2d({
          ...{ filters: 6, kernelSize: 5, padding: "same", activation: "tanh", inputShape: [28, 28, 1] },
          ...zeros,
        }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d({ filters: 16, kernelSize: 5, activation: "tanh", ...zeros }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.flatten(),
        layers.dense({ units: 120, activation: "tanh", ...zeros }),
        layers.dense({ units: 84, activation: "tanh", ...zeros }),
        layers.dense({ units: 10, ...zeros }),
      ],
    }),
};

function mlp(activation: "tanh" | "relu"): LayersModel {
  return sequential({
    layers: [
      layers.dense({ units: 200, activation, inputShape: [784], ...zeros }),
      layers.dense({ units: 200, activation, ...zeros }),
      layers.dense({ units: 10, ...zeros }),
    ],
  });
}

export interface Problem {
  readonly backend: string;
  readonly theta: Float32Array;
  readonly examples: Examples;
  readonly objective: Objective;
  /** On some of the examples. */
  batchObjective(rows: Uint32Array): Objective;
  dispose(): void;
}

/** Cross-entropy on the first `size` training digits. @param steps of gradient descent on them, η = 0.1, before θ is taken. */
export async function openProblem(
  network: Network,
  size: number,
  on: Backend,
  theta?: Float32Array,
): Promise<Problem> {
  const model = MODELS[network]();
  const compiled = compile(model, "cross-entropy");
  model.dispose();
  const { train } = await readMnist();
  const rows = Uint32Array.from({ length: size }, (_, i) => i);
  const examples = gatherExamples(train, rows, compiled.inputShape, 10);
  const backend = on.open(compiled);
  const objective = objectiveOnLiveInputs(on, compiled, examples) ?? backend.createObjective(examples);
  return {
    backend: backend.name,
    theta: theta ?? initialise(compiled.parameters, "glorot", createRandom(1)),
    examples,
    objective,
    batchObjective: (chosen) => backend.createObjective(selectExamples(examples, chosen)),
    dispose() {
      objective.dispose();
      backend.dispose();
    },
  };
}

/** After gradient descent on the problem's examples, η = 0.1. */
export function trained({ objective, theta }: Problem, steps: number): Float32Array {
  const at = theta.slice();
  for (let step = 0; step < steps; step++) {
    const { gradient } = objective.gradient(at);
    for (let i = 0; i < at.length; i++) at[i] = (at[i] as number) - 0.1 * (gradient[i] as number);
  }
  return at;
}
