/** What a backend computes of an objective, and the objective made of it: checks and sums in plain numbers, the same on each backend. */
import type { CompiledModel } from "./compile.ts";
import type { Objective } from "./objective.ts";
import { checkData, mean, type ObjectiveData, shareRight } from "./objective-data.ts";

/** One model on one set of examples. θ and v have the right length when they come here; what is returned is the caller's. */
export interface Evaluator {
  /** [n]. */
  exampleLosses(theta: Float32Array): Float32Array;
  /** The net's outputs [n, outputs] and the losses [n], from one forward pass. */
  outputs(theta: Float32Array): { readonly z: Float32Array; readonly exampleLosses: Float32Array };
  gradient(theta: Float32Array): Slope;
  /** θ is borrowed. */
  linearise(theta: Float32Array): Slope & {
    hessianVectorProduct(v: Float32Array): Float32Array;
    dispose(): void;
  };
  dispose(): void;
}

interface Slope {
  readonly exampleLosses: Float32Array;
  readonly gradient: Float32Array;
}

/** How a backend makes objectives. @throws {EngineError} when the data does not fit the model. */
export type CreateObjective = (compiled: CompiledModel, data: ObjectiveData) => Objective;

export function objectiveOn(
  compiled: CompiledModel,
  data: ObjectiveData,
  createEvaluator: () => Evaluator,
): Objective {
  const { areClasses } = checkData(compiled, data);
  const evaluator = createEvaluator();
  const checked = (name: string, vector: Float32Array): Float32Array => {
    if (vector.length === compiled.parameterCount) return vector;
    throw new RangeError(`${name}: expected length ${compiled.parameterCount}, got ${vector.length}`);
  };
  const evaluate = (theta: Float32Array) => {
    const { z, exampleLosses } = evaluator.outputs(checked("theta", theta));
    const accuracy = areClasses ? shareRight(z, data.targets, compiled.outputs) : Number.NaN;
    return { loss: mean(exampleLosses), accuracy };
  };
  return {
    parameterCount: compiled.parameterCount,
    size: data.size,
    formula: compiled.loss.formula,
    loss: (theta) => mean(evaluator.exampleLosses(checked("theta", theta))),
    exampleLosses: (theta) => evaluator.exampleLosses(checked("theta", theta)),
    accuracy: (theta) => evaluate(theta).accuracy,
    evaluate,
    gradient(theta) {
      const { exampleLosses, gradient } = evaluator.gradient(checked("theta", theta));
      return { loss: mean(exampleLosses), gradient, exampleLosses };
    },
    linearise(theta) {
      const at = evaluator.linearise(checked("theta", theta));
      return {
        theta: theta.slice(),
        loss: mean(at.exampleLosses),
        gradient: at.gradient,
        hessianVectorProduct: (v) => at.hessianVectorProduct(checked("v", v)),
        dispose: () => at.dispose(),
      };
    },
    dispose: () => evaluator.dispose(),
  };
}
