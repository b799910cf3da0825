import { denseStack, sizeOf, stackSummary } from "./dense-stack.ts";
import type { Task } from "./task.ts";

/** A student of one tanh layer learns what a teacher of its own kind says: a regression whose smallest loss, 0, is known. */
export const teacherStudent: Task = {
  name: "teacher-student",
  title: "A student and its teacher",
  defaultPreset: "teacher",
  datasets: "teacher-student",
  accepts: (dataset) => dataset === "teacher-student",
  example: { shape: [10], outputs: 1 },
  build: (config, shape, outputs) => denseStack(config, sizeOf(shape), outputs),
  summary: (config, shape, outputs) => stackSummary(config, sizeOf(shape), outputs),
};
