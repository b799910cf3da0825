import { denseStack, stackSummary } from "./dense-stack.ts";
import type { Task } from "./task.ts";

/** Two interleaved spirals in the plane (Lang & Witbrock 1988): a classification that no line solves. */
export const twoSpirals: Task = {
  name: "two-spirals",
  title: "Two spirals",
  defaultPreset: "spirals",
  datasets: "two-spirals",
  accepts: (dataset) => dataset === "two-spirals",
  build: (config, _shape, classes) => denseStack(config, 2, classes),
  summary: (config, _shape, classes) => stackSummary(config, 2, classes),
};
