import { denseStack, stackSummary } from "./dense-stack.ts";
import type { Task } from "./task.ts";

/** Digits, or any images in IDX files, as flat vectors into dense layers. */
export const mnistMlp: Task = {
  name: "mnist-mlp",
  title: "Digits with dense layers",
  defaultPreset: "edge",
  datasets: "mnist or idx:<folder>",
  accepts: (dataset) => dataset === "mnist" || dataset.startsWith("idx:"),
  build: (config, shape, classes) => denseStack(config, pixels(shape), classes),
  summary: (config, shape, classes) => stackSummary(config, pixels(shape), classes),
};

function pixels(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
