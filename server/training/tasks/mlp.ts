import { denseStack, sizeOf, stackSummary } from "./dense-stack.ts";
import type { Task } from "./task.ts";

/** Dense layers on the user's own data. */
export const mlp: Task = {
  name: "mlp",
  title: "Dense layers on data of your own",
  defaultPreset: null,
  datasets: "csv:<file> or npy:<x>,<y>",
  accepts: (dataset) => /^(csv|npy):/.test(dataset),
  example: null,
  build: (config, shape, outputs) => denseStack(config, sizeOf(shape), outputs),
  summary: (config, shape, outputs) => stackSummary(config, sizeOf(shape), outputs),
};
