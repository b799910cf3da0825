/** What a backend computes of an objective, and the objective made of it: checks and sums in plain numbers, the same on each backend. */
import type { CompiledModel } from "./compile.ts";
import type { Objective } from "./objective.ts";
import { checkData, mean, type ObjectiveData } from "./objective-data.ts";
import { addPenaltyCurvature, addPenaltyGradient, penaltyAt } from "./penalties.ts";

/** One model on one set of examples. θ, v and `out` have the right length when they come here; what is returned is the caller's. */
export interface Evaluator {
  /** [n]. */
  exampleLosses(theta: Float32Array): Float32Array;
  /** The net's outputs [n, outputs] and the losses [n], from one forward pass. */
  outputs(theta: Float32Array): { readonly z: Float32Array; readonly exampleLosses: Float32Array };
  gradient(theta: Float32Array, out: Float32Array<ArrayBuffer>): Slope;
  /** θ is borrowed. */
  linearise(theta: Float32Array): Slope & {
    hessianVectorProduct(v: Float32Array, out: Float32Array<ArrayBuffer>): void;
    gaussNewtonProduct(v: Float32Array, out: Float32Array<ArrayBuffer>): void;
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
  const accuracyOf = checkData(compiled, data);
  const { penalties } = compiled;
  const evaluator = createEvaluator();
  const checked = (name: string, vector: Float32Array) => ofLength(compiled.parameterCount, name, vector);
  /** Penalties are part of every example's loss, so that L stays their mean. */
  const penalised = (losses: Float32Array, theta: Float32Array): Float32Array => {
    const penalty = penaltyAt(penalties, theta);
    return penalty === 0 ? losses : losses.map((value) => value + penalty);
  };
  const exampleLosses = (theta: Float32Array) =>
    penalised(evaluator.exampleLosses(checked("theta", theta)), theta);
  const slope = <S extends Slope>(at: S, theta: Float32Array): S => {
    addPenaltyGradient(penalties, theta, at.gradient);
    return { ...at, exampleLosses: penalised(at.exampleLosses, theta) };
  };
  const vector = () => new Float32Array(compiled.parameterCount);
  type Product = (v: Float32Array, out: Float32Array<ArrayBuffer>) => void;
  const product =
    (multiply: Product) =>
    (v: Float32Array, out = vector()): Float32Array => {
      checked("out", out);
      multiply(checked("v", v), out);
      addPenaltyCurvature(penalties, v, out);
      return out;
    };
  const evaluate = (theta: Float32Array) => {
    const { z, exampleLosses: losses } = evaluator.outputs(checked("theta", theta));
    return { loss: mean(penalised(losses, theta)), accuracy: accuracyOf(z) };
  };
  return {
    parameterCount: compiled.parameterCount,
    size: data.size,
    formula: compiled.loss.formula,
    loss: (theta) => mean(exampleLosses(theta)),
    exampleLosses,
    accuracy: (theta) => evaluate(theta).accuracy,
    evaluate,
    gradient(theta, out = vector()) {
      checked("out", out);
      const at = slope(evaluator.gradient(checked("theta", theta), out), theta);
      return { loss: mean(at.exampleLosses), gradient: at.gradient, exampleLosses: at.exampleLosses };
    },
    linearise(theta) {
      const at = slope(evaluator.linearise(checked("theta", theta)), theta);
      return {
        theta: theta.slice(),
        loss: mean(at.exampleLosses),
        gradient: at.gradient,
        hessianVectorProduct: product(at.hessianVectorProduct),
        gaussNewtonProduct: product(at.gaussNewtonProduct),
        dispose: () => at.dispose(),
      };
    },
    dispose: () => evaluator.dispose(),
  };
}

/** The vector. @throws {RangeError} by its name where it has another length. */
export function ofLength(length: number, name: string, vector: Float32Array): Float32Array {
  if (vector.length === length) return vector;
  throw new RangeError(`${name}: expected length ${length}, got ${vector.length}`);
}
