import { denseStack, sizeOf, stackSummary } from "./dense-stack.ts";
import type { Task } from "./task.ts";

/** Digits, or any images in IDX files, as flat vectors into dense layers. */
export const mnistMlp: Task = {
  name: "mnist-mlp",
  title: "Digits with dense layers",
  defaultPreset: "edge",
  datasets: "mnist or idx:<folder>",
  accepts: (dataset) => dataset === "mnist" || dataset.startsWith("idx:"),
  example: { shape: [28, 28, 1], outputs: 10 },
  build: (config, shape, outputs) => denseStack(config, sizeOf(shape), outputs),
  summary: (config, shape, outputs) => stackSummary(config, sizeOf(shape), outputs),
};

/** 784-200-200-10, the fully connected network of Li et al. 2018 (arXiv:1804.08838): 199,210 weights. */
export const mnistMlp200x200: Task = {
  ...mnistMlp,
  name: "mnist-mlp-200x200",
  title: "Digits with two hidden layers of 200",
  defaultPreset: "fc-199k",
  settled: { hidden: [200, 200] },
};
