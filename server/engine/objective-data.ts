/** The examples that an objective is computed on, checked against the model. */
import { shareOnSide, shareRight, targetsAreClasses } from "./accuracy.ts";
import type { CompiledModel } from "./compile.ts";
import { EngineError } from "./engine-error.ts";

export interface ObjectiveData {
  /** [n, ...inputShape] and [n, outputs], row-major. An objective copies its inputs when it is made, and keeps its targets. */
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
  readonly size: number;
}

/**
 * @returns the accuracy of outputs on these targets; NaN for regression.
 * @throws {EngineError} when the data does not fit the model.
 */
export function checkData(compiled: CompiledModel, data: ObjectiveData): (z: Float32Array) => number {
  const { loss, outputs } = compiled;
  const { targets } = data;
  const perExample = compiled.inputShape.reduce((product, size) => product * size, 1);
  if (!(data.size >= 1))
    throw new EngineError("shape-mismatch", `data: expected at least 1 example, got ${data.size}`);
  expectLength("inputs", data.inputs, data.size * perExample);
  expectLength("targets", targets, data.size * outputs);
  const areClasses = targetsAreClasses(targets, outputs);
  if (loss.folds === "softmax" && !areClasses) {
    throw new EngineError("shape-mismatch", `targets: expected one-hot rows under ${loss.name}, got others`);
  }
  if (loss.folds === "sigmoid" && !targets.every((y) => y >= 0 && y <= 1)) {
    throw new EngineError(
      "shape-mismatch",
      `targets: expected numbers from 0 to 1 under ${loss.name}, got others`,
    );
  }
  if (areClasses) return (z) => shareRight(z, targets, outputs);
  const isBinary = loss.folds === "sigmoid" && outputs === 1 && targets.every((y) => y === 0 || y === 1);
  return isBinary ? (z) => shareOnSide(z, targets) : () => Number.NaN;
}

function expectLength(name: string, values: Float32Array, expected: number): void {
  if (values.length !== expected) {
    throw new EngineError(
      "shape-mismatch",
      `${name}: expected ${expected} numbers for this model, got ${values.length}`,
    );
  }
}

/** All examples in their order, `length` at a time, as views of the same memory. */
export function piecesOf<D extends ObjectiveData>(data: D, length: number): D[] {
  const { inputs, targets, size } = data;
  return Array.from({ length: Math.ceil(size / length) }, (_, i) => {
    const [from, to] = [i * length, Math.min(size, (i + 1) * length)];
    const part = (all: Float32Array) => all.subarray((from * all.length) / size, (to * all.length) / size);
    return { ...data, size: to - from, inputs: part(inputs), targets: part(targets) };
  });
}

/** In float64. */
export function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
