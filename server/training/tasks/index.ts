/** The registry: a task is one file and one line here. */
import { mnistMlp } from "./mnist-mlp.ts";
import type { Task } from "./task.ts";
import { twoSpirals } from "./two-spirals.ts";

export const TASKS: readonly Task[] = [mnistMlp, twoSpirals];

export function taskNamed(name: string): Task | undefined {
  return TASKS.find((task) => task.name === name);
}
