/** The examples that an objective is computed on, checked against the model, and what is read off its outputs in plain numbers. */
import type { CompiledModel } from "./compile.ts";
import { EngineError } from "./engine-error.ts";

export interface ObjectiveData {
  /** [n, ...inputShape] and [n, outputs], row-major. */
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
  readonly size: number;
}

/**
 * @returns whether every target is a class: one 1 among zeros.
 * @throws {EngineError} when the data does not fit the model.
 */
export function checkData(compiled: CompiledModel, data: ObjectiveData): { readonly areClasses: boolean } {
  const perExample = compiled.inputShape.reduce((product, size) => product * size, 1);
  if (!(data.size >= 1))
    throw new EngineError("shape-mismatch", `data: expected at least 1 example, got ${data.size}`);
  expectLength("inputs", data.inputs, data.size * perExample);
  expectLength("targets", data.targets, data.size * compiled.outputs);
  const areClasses = targetsAreClasses(data.targets, compiled.outputs);
  if (compiled.loss.onLogits && !areClasses) {
    throw new EngineError(
      "shape-mismatch",
      `targets: expected one-hot rows under ${compiled.loss.name}, got others`,
    );
  }
  return { areClasses };
}

function expectLength(name: string, values: Float32Array, expected: number): void {
  if (values.length !== expected) {
    throw new EngineError(
      "shape-mismatch",
      `${name}: expected ${expected} numbers for this model, got ${values.length}`,
    );
  }
}

function targetsAreClasses(targets: Float32Array, outputs: number): boolean {
  if (outputs < 2) return false;
  for (let at = 0; at < targets.length; at += outputs) {
    let ones = 0;
    for (let k = 0; k < outputs; k++) {
      const value = targets[at + k];
      if (value === 1) ones++;
      else if (value !== 0) return false;
    }
    if (ones !== 1) return false;
  }
  return true;
}

/** In float64. */
export function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Of the rows whose largest output is the label's. */
export function shareRight(z: Float32Array, targets: Float32Array, outputs: number): number {
  const n = z.length / outputs;
  let right = 0;
  for (let i = 0; i < n; i++) {
    const at = i * outputs;
    if (largest(z, at, outputs) === largest(targets, at, outputs)) right++;
  }
  return right / n;
}

function largest(values: Float32Array, at: number, count: number): number {
  let best = 0;
  for (let k = 1; k < count; k++) if ((values[at + k] as number) > (values[at + best] as number)) best = k;
  return best;
}
