import { type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import type { RunConfig } from "../config.ts";
import { UserError } from "../user-error.ts";
import type { Task } from "./task.ts";

/** Below it nothing would be left after the second pooling. */
const SMALLEST_SIDE = 14;

/**
 * LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998, Proc. IEEE 86:2278) as it is usually built today, 61,706 weights on 28 × 28: 5 × 5
 * convolutions to 6 and 16 maps, each followed by 2 × 2 averages, then 120, 84 and 10 units. Three things differ from the paper: averages have
 * no coefficients of their own, each of the 16 maps sees all 6 (the paper's table gives each only some: 1,516 weights instead of 2,416),
 * and the output is linear instead of distances to fixed codes. The paper pads its digits to 32 × 32; here the first convolution does.
 */
export const mnistLenet: Task = {
  name: "mnist-lenet",
  title: "Digits with LeNet-5",
  defaultPreset: "lenet",
  datasets: "mnist, fashion-mnist or idx:<folder>",
  accepts: (dataset) => /^((mnist|fashion-mnist)$|fashion-mnist:|idx:)/.test(dataset),
  example: { shape: [28, 28, 1], outputs: 10 },
  settled: { hidden: null },
  build: lenet,
  summary: ({ activation }, shape, outputs) =>
    `LeNet-5 ${shape.join("×")}-6-16-120-84-${outputs} ${activation ?? "linear"}`,
};

function lenet(config: RunConfig, shape: readonly number[], outputs: number): LayersModel {
  const [height = 0, width = 0] = shape;
  if (shape.length !== 3 || Math.min(height, width) < SMALLEST_SIDE) {
    throw new UserError(
      "dataset-foreign",
      `dataset: expected pictures of ${SMALLEST_SIDE} × ${SMALLEST_SIDE} or more for task mnist-lenet, got examples of shape [${shape.join(", ")}]`,
    );
  }
  const activation = config.activation ?? "linear";
  // θ₀ is drawn elsewhere, and a model that is drawn twice costs twice.
  const drawn = { activation, kernelInitializer: "zeros", biasInitializer: "zeros" } as const;
  const taps = { kernelSize: 5, ...drawn } as const;
  return sequential({
    name: config.task,
    layers: [
      layers.conv2d({ name: "c1", filters: 6, padding: "same", inputShape: [...shape], ...taps }),
      layers.averagePooling2d({ name: "s2", poolSize: 2 }),
      layers.conv2d({ name: "c3", filters: 16, ...taps }),
      layers.averagePooling2d({ name: "s4", poolSize: 2 }),
      layers.flatten({ name: "flat" }),
      layers.dense({ name: "c5", units: 120, ...drawn }),
      layers.dense({ name: "f6", units: 84, ...drawn }),
      layers.dense({ name: "output", units: outputs, ...drawn, activation: "linear" }),
    ],
  });
}
