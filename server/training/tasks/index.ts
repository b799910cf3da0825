/** The registry: a task is one file and one line here. The first that takes a data set is the one it belongs to. */
import { fashionMlp } from "./fashion-mlp.ts";
import { linearAutoencoder } from "./linear-autoencoder.ts";
import { mlp } from "./mlp.ts";
import { mnistLenet } from "./mnist-lenet.ts";
import { mnistMlp, mnistMlp200x200 } from "./mnist-mlp.ts";
import type { Task } from "./task.ts";
import { teacherStudent } from "./teacher-student.ts";
import { twoSpirals } from "./two-spirals.ts";

export const TASKS: readonly Task[] = [
  mnistMlp,
  mnistMlp200x200,
  fashionMlp,
  mnistLenet,
  twoSpirals,
  mlp,
  linearAutoencoder,
  teacherStudent,
];

export function taskNamed(name: string): Task | undefined {
  return TASKS.find((task) => task.name === name);
}
