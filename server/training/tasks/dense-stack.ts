/** Dense layers one after another, the last one linear: what the first tasks are made of. */
import { type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import type { RunConfig } from "../config.ts";
import { UserError } from "../user-error.ts";

/** θ in 80 MB, and some ten vectors of its size while curvature is measured: what a wasm heap of 4 GiB bears with room to spare. */
export const MOST_PARAMETERS = 20_000_000;

/**
 * Kernels and biases start as zeros: θ₀ is drawn elsewhere, and a model that is drawn twice costs twice.
 * @throws {UserError} `model-too-big`.
 */
export function denseStack(
  config: RunConfig,
  inputs: number,
  outputs: number,
  { useBias = true }: { readonly useBias?: boolean } = {},
): LayersModel {
  const sizes = [...config.hidden, outputs];
  const parameterCount = sizes.reduce((sum, units, i) => sum + ((sizes[i - 1] ?? inputs) + 1) * units, 0);
  if (parameterCount > MOST_PARAMETERS) {
    throw new UserError(
      "model-too-big",
      `hidden: expected a model of at most ${MOST_PARAMETERS} weights, got ${parameterCount} for ${stackSummary(config, inputs, outputs)}`,
    );
  }
  const activation = config.activation ?? "linear";
  const model = sequential({ name: config.task });
  sizes.forEach((units, i) => {
    const isLast = i === sizes.length - 1;
    model.add(
      layers.dense({
        name: isLast ? "output" : `hidden-${i + 1}`,
        units,
        useBias,
        activation: isLast ? "linear" : activation,
        kernelInitializer: "zeros",
        biasInitializer: "zeros",
        ...(i === 0 ? { inputShape: [inputs] } : {}),
      }),
    );
  });
  return model;
}

export function stackSummary(config: RunConfig, inputs: number, outputs: number): string {
  return `${[inputs, ...config.hidden, outputs].join("-")} ${config.activation ?? "linear"}`;
}

/** Numbers of an example of this shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
