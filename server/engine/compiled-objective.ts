/** {@link Objective} by layer rules: one forward pass, one backward pass, and Hv by the R-operator on what they left behind. */
import type * as tf from "@tensorflow/tfjs-core";
import type { CompiledModel } from "./compile.ts";
import { EngineError } from "./engine-error.ts";
import type { LinearisedLoss } from "./losses.ts";
import type { Linearised, Objective } from "./objective.ts";
import type { BackwardRule, LinearisedRule } from "./rules/rule.ts";
import { holdScope, inScope } from "./tensor-scope.ts";
import { tfOps as ops } from "./tf-ops.ts";

export interface ObjectiveData {
  /** [n, ...inputShape] and [n, outputs], row-major. */
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
  readonly size: number;
}

/** What one forward and one backward pass leave behind. */
interface Passes {
  readonly forward: readonly LinearisedRule<tf.Tensor>[];
  readonly atOutput: LinearisedLoss<tf.Tensor>;
  readonly backward: readonly BackwardRule<tf.Tensor>[];
}

/** @throws {EngineError} when the data does not fit the model. */
export function createObjective(compiled: CompiledModel, data: ObjectiveData): Objective {
  const { parameterCount, rules, loss } = compiled;
  const perExample = compiled.inputShape.reduce((product, size) => product * size, 1);
  if (!(data.size >= 1))
    throw new EngineError("shape-mismatch", `data: expected at least 1 example, got ${data.size}`);
  expectLength("inputs", data.inputs, data.size * perExample);
  expectLength("targets", data.targets, data.size * compiled.outputs);
  const areClasses = targetsAreClasses(data.targets, compiled.outputs);
  if (loss.onLogits && !areClasses) {
    throw new EngineError("shape-mismatch", `targets: expected one-hot rows under ${loss.name}, got others`);
  }
  const x = ops.constant(data.inputs, [data.size, ...compiled.inputShape]);
  const y = ops.constant(data.targets, [data.size, compiled.outputs]);
  /** Rules before the first with parameters need no input gradients. */
  const firstWithParameters = rules.findIndex((rule) => rule.parameters.length > 0);

  const split = (theta: Float32Array): tf.Tensor[][] => {
    if (theta.length !== parameterCount) {
      throw new RangeError(`theta: expected length ${parameterCount}, got ${theta.length}`);
    }
    let index = 0;
    return rules.map((rule) =>
      rule.parameters.map(({ shape }) => {
        const { offset } = compiled.parameters[index++] as { offset: number };
        const size = shape.reduce((product, length) => product * length, 1);
        return ops.constant(theta.subarray(offset, offset + size), shape);
      }),
    );
  };

  const outputs = (theta: Float32Array): tf.Tensor => {
    const weights = split(theta);
    return rules.reduce((h, rule, i) => rule.forward(ops, h, weights[i] ?? []), x);
  };

  /** Forward and backward at θ, inside the caller's scope. */
  const differentiate = (theta: Float32Array): Passes => {
    const weights = split(theta);
    const forward: LinearisedRule<tf.Tensor>[] = [];
    let h: tf.Tensor = x;
    rules.forEach((rule, i) => {
      const linearised = rule.linearise(ops, h, weights[i] ?? []);
      forward.push(linearised);
      h = linearised.output;
    });
    const atOutput = loss.linearise(ops, h, y);
    return { forward, atOutput, backward: backpropagate(forward, atOutput.zBar) };
  };

  const backpropagate = (forward: readonly LinearisedRule<tf.Tensor>[], zBar: tf.Tensor) => {
    const backward: BackwardRule<tf.Tensor>[] = new Array(rules.length);
    let bar: tf.Tensor | null = zBar;
    for (let i = rules.length - 1; i >= firstWithParameters; i--) {
      const rule = (forward[i] as LinearisedRule<tf.Tensor>).backward(
        bar as tf.Tensor,
        i > firstWithParameters,
      );
      backward[i] = rule;
      bar = rule.xBar;
    }
    return backward;
  };

  const flatten = (perRule: readonly (readonly tf.Tensor[] | undefined)[]): Float32Array => {
    const flat = new Float32Array(parameterCount);
    let index = 0;
    for (const tensor of perRule.flatMap((tensors) => tensors ?? [])) {
      flat.set(
        tensor.dataSync() as Float32Array,
        (compiled.parameters[index++] as { offset: number }).offset,
      );
    }
    return flat;
  };

  const read = (exampleLosses: tf.Tensor): Float32Array => new Float32Array(exampleLosses.dataSync());

  /** Derivatives of every layer's output along v. */
  const pushForward = (backward: readonly BackwardRule<tf.Tensor>[], v: Float32Array) => {
    const directions = split(v);
    let hDot: tf.Tensor | null = null;
    const tangents = rules.map((_, i) => {
      if (i < firstWithParameters) return null;
      const tangent = (backward[i] as BackwardRule<tf.Tensor>).tangent(hDot, directions[i] ?? []);
      hDot = tangent.yDot;
      return tangent;
    });
    return { tangents, zDot: hDot as tf.Tensor | null };
  };

  const hessianVectorProduct = ({ atOutput, backward }: Passes, v: Float32Array): Float32Array => {
    const { tangents, zDot } = pushForward(backward, v);
    let barDot: tf.Tensor | null = zDot === null ? null : atOutput.tangent(zDot);
    const wBarDots: (readonly tf.Tensor[])[] = new Array(rules.length);
    for (let i = rules.length - 1; i >= firstWithParameters; i--) {
      const result = tangents[i]?.backward(barDot);
      wBarDots[i] = result?.wBarDot ?? [];
      barDot = result?.xBarDot ?? null;
    }
    return flatten(wBarDots);
  };

  const gaussNewtonProduct = ({ forward, atOutput, backward }: Passes, v: Float32Array): Float32Array => {
    const { zDot } = pushForward(backward, v);
    if (zDot === null) return new Float32Array(parameterCount);
    return flatten(backpropagate(forward, atOutput.tangent(zDot)).map((rule) => rule?.wBar));
  };

  const evaluate = (theta: Float32Array) =>
    inScope(() => {
      const z = outputs(theta);
      const accuracy = areClasses
        ? shareRight(z.dataSync() as Float32Array, data.targets, compiled.outputs)
        : Number.NaN;
      return { loss: mean(read(loss.exampleLosses(ops, z, y))), accuracy };
    });

  return {
    parameterCount,
    size: data.size,
    formula: loss.formula,
    loss: (theta) => mean(inScope(() => read(loss.exampleLosses(ops, outputs(theta), y)))),
    exampleLosses: (theta) => inScope(() => read(loss.exampleLosses(ops, outputs(theta), y))),
    accuracy: (theta) => evaluate(theta).accuracy,
    evaluate,
    gradient(theta) {
      return inScope(() => {
        const { atOutput, backward } = differentiate(theta);
        const exampleLosses = read(atOutput.exampleLosses);
        const gradient = flatten(backward.map((rule) => rule?.wBar));
        return { loss: mean(exampleLosses), gradient, exampleLosses };
      });
    },
    linearise(theta): Linearised {
      // Everything the passes made is what Hv is made of: it lives until dispose.
      const held = holdScope(() => {
        const passes = differentiate(theta);
        return {
          passes,
          exampleLosses: read(passes.atOutput.exampleLosses),
          gradient: flatten(passes.backward.map((rule) => rule?.wBar)),
        };
      });
      const { passes, exampleLosses, gradient } = held.value;
      return {
        theta: theta.slice(),
        loss: mean(exampleLosses),
        gradient,
        hessianVectorProduct: (v) => inScope(() => hessianVectorProduct(passes, v)),
        gaussNewtonProduct: (v) => inScope(() => gaussNewtonProduct(passes, v)),
        dispose: () => held.dispose(),
      };
    },
    dispose() {
      x.dispose();
      y.dispose();
    },
  };
}

function expectLength(name: string, values: Float32Array, expected: number): void {
  if (values.length !== expected) {
    throw new EngineError(
      "shape-mismatch",
      `${name}: expected ${expected} numbers for this model, got ${values.length}`,
    );
  }
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Is every row one 1 among zeros? */
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

function shareRight(z: Float32Array, targets: Float32Array, outputs: number): number {
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
