/** Examples as engines want them: flat float32 on shared memory, one-hot targets. */
import type { Examples } from "../run.ts";
import type { Split } from "./dataset.ts";

export function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(4 * length));
}

/** The chosen examples of a split, all of them when none are chosen; labels become one-hot targets. */
export function gatherExamples(
  split: Split,
  chosen: Uint32Array | null,
  inputShape: readonly number[],
  outputs: number,
): Examples {
  const size = chosen?.length ?? split.size;
  const stride = inputShape.reduce((product, length) => product * length, 1);
  const inputs = sharedFloats(size * stride);
  const targets = sharedFloats(size * outputs);
  for (let i = 0; i < size; i += 1) {
    const example = chosen === null ? i : (chosen[i] as number);
    split.write(example, inputs, i * stride);
    if (split.labels !== null) targets[i * outputs + (split.labels[example] as number)] = 1;
    else if (split.targets !== null) {
      targets.set(split.targets.subarray(example * outputs, (example + 1) * outputs), i * outputs);
    }
  }
  return { inputs, inputShape, targets, outputs, size };
}

/** The same examples, to be learned by heart: an autoencoder's targets are its inputs. They share memory. */
export function reconstructed(examples: Examples): Examples {
  return { ...examples, targets: examples.inputs, outputs: examples.inputs.length / examples.size };
}

/** Mean of the inputs over the examples, summed in float64. */
export function meanInput(examples: Examples): Float32Array {
  const { inputs, size } = examples;
  const stride = inputs.length / size;
  const sums = new Float64Array(stride);
  for (let i = 0; i < inputs.length; i += stride) {
    for (let j = 0; j < stride; j += 1) sums[j] = (sums[j] as number) + (inputs[i + j] as number);
  }
  return Float32Array.from(sums, (sum) => sum / size);
}

/** In place. */
export function subtractInput(examples: Examples, mean: Float32Array): void {
  const { inputs } = examples;
  const stride = mean.length;
  for (let i = 0; i < inputs.length; i += stride) {
    for (let j = 0; j < stride; j += 1) inputs[i + j] = (inputs[i + j] as number) - (mean[j] as number);
  }
}

/**
 * The rows of the given indices, copied: a minibatch.
 * @param inputs  memory for the inputs of as many rows, overwritten.
 */
export function selectExamples(
  examples: Examples,
  indices: Uint32Array,
  inputs = new Float32Array((examples.inputs.length / examples.size) * indices.length),
): Examples {
  const stride = examples.inputs.length / examples.size;
  const { outputs } = examples;
  const targets = new Float32Array(indices.length * outputs);
  indices.forEach((index, i) => {
    if (index >= examples.size) {
      throw new RangeError(`indices: expected less than ${examples.size}, got ${index}`);
    }
    inputs.set(examples.inputs.subarray(index * stride, (index + 1) * stride), i * stride);
    targets.set(examples.targets.subarray(index * outputs, (index + 1) * outputs), i * outputs);
  });
  return { inputs, inputShape: examples.inputShape, targets, outputs, size: indices.length };
}

/** Class of each example, [n]: where its one-hot target is largest; null when the targets are not one-hot. */
export function labelsOf(examples: Examples): Int32Array | null {
  const { targets, outputs, size } = examples;
  const labels = new Int32Array(size);
  for (let i = 0; i < size; i += 1) {
    let label = -1;
    for (let k = 0; k < outputs; k += 1) {
      const target = targets[i * outputs + k];
      if (target === 1 && label < 0) label = k;
      else if (target !== 0) return null;
    }
    if (label < 0) return null;
    labels[i] = label;
  }
  return outputs > 1 ? labels : null;
}
