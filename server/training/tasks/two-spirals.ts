import { denseStack, stackSummary } from "./dense-stack.ts";
import type { Task } from "./task.ts";

/** Two interleaved spirals in the plane (Lang & Witbrock 1988): a classification that no line solves. */
export const twoSpirals: Task = {
  name: "two-spirals",
  title: "Two spirals",
  defaultPreset: "spirals",
  datasets: "two-spirals",
  accepts: (dataset) => dataset === "two-spirals",
  example: { shape: [2], outputs: 2 },
  build: (config, _shape, outputs) => denseStack(config, 2, outputs),
  summary: (config, _shape, outputs) => stackSummary(config, 2, outputs),
};
