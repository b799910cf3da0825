/** The stream's numbers beside PyTorch's: the same weights and digits, its double backward and ARPACK in float64. See test/fixtures/torch. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { enableProdMode } from "@tensorflow/tfjs-core";
import { type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import { beforeAll, expect, test } from "vitest";
import { readWeightFile } from "../../server/commands/weight-file.ts";
import { compile } from "../../server/engine/compile.ts";
import type { CreateObjective } from "../../server/engine/evaluator.ts";
import { norm } from "../../server/numerics/vector.ts";
import { hessianEigenvalues } from "../../server/streams/index.ts";
import type { Dataset } from "../../server/training/data/dataset.ts";
import { gatherExamples } from "../../server/training/data/examples.ts";
import { readMnist } from "../../server/training/data/mnist.ts";
import { onEveryBackend } from "../engine/every-backend.ts";
import { makeStep, samplesOf } from "../support/make-steps.ts";

// Silences tfjs's advice to install another backend.
enableProdMode();

interface Reference {
  readonly examples: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly top: readonly number[];
  readonly bottom: readonly number[];
}

const FOLDER = new URL("../fixtures/torch/", import.meta.url);
const { networks } = JSON.parse(readFileSync(new URL("hessian-eigenvalues.json", FOLDER), "utf8")) as {
  networks: Record<"mlp" | "lenet", readonly Reference[]>;
};

/** As hessian_eigenvalues.py has them; kernels are replaced by θ. */
const zeros = { kernelInitializer: "zeros" } as const;
const MODELS = {
  mlp: () =>
    sequential({
      layers: [
        layers.dense({ units: 32, activation: "relu", inputShape: [784], ...zeros }),
        layers.dense({ units: 10, ...zeros }),
      ],
    }),
  lenet: () =>
    sequential({
      layers: [
        layers.conv2d({ filters: 6, kernelSize: 5, activation: "tanh", inputShape: [28, 28, 1], ...zeros }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d({ filters: 16, kernelSize: 5, activation: "tanh", ...zeros }),
        layers.averagePooling2d({ poolSize: 2 }),
        layers.flatten(),
        layers.dense({ units: 84, activation: "tanh", ...zeros }),
        layers.dense({ units: 10, ...zeros }),
      ],
    }),
} satisfies Record<string, () => LayersModel>;
const LOSSES = { mlp: "cross-entropy", lenet: "half-sum-mse" } as const;

let mnist: Dataset;
beforeAll(async () => {
  mnist = await readMnist();
});

// The largest error measured is 1.3e-7.
const RELATIVE = 2e-6;

onEveryBackend("hessian/eigenvalues beside PyTorch in float64:", (create, backend) => {
  // tfjs's plain JavaScript is some 30 times slower: there, the smaller of the two probes.
  const probe = backend === "cpu" ? 1 : 0;

  test.each(["mlp", "lenet"] as const)("%s", async (name) => {
    const reference = networks[name][probe] as Reference;
    const { objective, theta } = await opened(name, reference.examples, create);
    const { loss, gradient } = objective.gradient(theta);
    expect(Math.abs(loss / reference.loss - 1)).toBeLessThan(RELATIVE);
    expect(Math.abs(norm(gradient) / reference.gradientNorm - 1)).toBeLessThan(RELATIVE);

    const [sample] = await samplesOf([makeStep(0, theta)], hessianEigenvalues(objective));
    const { top = [], bottom = [] } = sample?.value ?? {};
    for (const [i, exact] of reference.top.entries()) {
      expect(top[i]?.converged).toBe(true);
      expect(Math.abs((top[i]?.value ?? Number.NaN) / exact - 1)).toBeLessThan(RELATIVE);
    }
    // The bottom is asked for to a tenth of itself: what it must keep is the residual that it states.
    for (const [i, exact] of reference.bottom.entries()) {
      const { value, residual } = bottom[i] ?? { value: Number.NaN, residual: Number.NaN };
      expect(Math.abs(value - exact)).toBeLessThan(residual + RELATIVE * (reference.top[0] ?? 0));
    }
    objective.dispose();
  });
});

async function opened(name: "mlp" | "lenet", examples: number, create: CreateObjective) {
  const model = MODELS[name]();
  const compiled = compile(model, LOSSES[name]);
  model.dispose();
  const path = fileURLToPath(new URL(`${name}.npy`, FOLDER));
  const theta = await readWeightFile(path, compiled.parameters, compiled.parameterCount);
  const rows = Uint32Array.from({ length: examples }, (_, i) => i);
  return { objective: create(compiled, gatherExamples(mnist.train, rows, compiled.inputShape, 10)), theta };
}
