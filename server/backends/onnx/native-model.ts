/** Objectives of one model on onnxruntime. */
import type { CompiledModel } from "../../engine/compile.ts";
import { objectiveOn } from "../../engine/evaluator.ts";
import type { Objective } from "../../engine/objective.ts";
import type { ObjectiveData } from "../../engine/objective-data.ts";
import { NativeProgram } from "./native-program.ts";
import type { Runtime } from "./runtime.ts";

/** Programs that no objective uses stay for the next of their size, such as the next minibatch: so many of them. */
const IDLE_PROGRAMS = 4;

export interface NativeModel {
  createObjective(data: ObjectiveData): Objective;
  /** Closes every session; objectives still open cannot be used any more. */
  dispose(): void;
}

/** @throws {Error} when the model's rules do not print, or onnxruntime refuses a graph. */
export function createNativeModel(runtime: Runtime, compiled: CompiledModel): NativeModel {
  const trial = new NativeProgram(runtime, compiled, 1);
  trial.openAll();
  trial.dispose();
  /** By number of examples, the longest unused first. */
  const programs = new Map<number, { readonly program: NativeProgram; users: number }>();

  const acquire = (n: number): NativeProgram => {
    const entry = programs.get(n) ?? { program: new NativeProgram(runtime, compiled, n), users: 0 };
    entry.users += 1;
    programs.delete(n);
    programs.set(n, entry);
    return entry.program;
  };
  const release = (n: number) => {
    const entry = programs.get(n);
    if (entry !== undefined) entry.users -= 1;
    const idle = [...programs].filter(([, { users }]) => users === 0);
    for (const [size, { program }] of idle.slice(0, Math.max(0, idle.length - IDLE_PROGRAMS))) {
      programs.delete(size);
      program.dispose();
    }
  };

  return {
    createObjective: (data) =>
      objectiveOn(compiled, data, () => acquire(data.size).evaluator(data, () => release(data.size))),
    dispose() {
      for (const { program } of programs.values()) program.dispose();
      programs.clear();
    },
  };
}
