/**
 * Convolutions as products: every window becomes a row (im2col), the kernel a matrix. tfjs's own kernels for the derivatives are missing
 * on wasm. Costs memory for the rows: taps times the input.
 */
import type { Ops, Rearrangement } from "../ops.ts";
import { channelScaleRule } from "./channel-scale.ts";
import { denseRule } from "./dense.ts";
import { examplesOf, linearRule, rearrangeRule, sizeOf } from "./linear.ts";
import type { Rule } from "./rule.ts";
import { type Window, windowsOf } from "./windows.ts";

export interface Convolution {
  /** […spatial, channels] of one example. */
  readonly inputShape: readonly number[];
  readonly window: Window;
  readonly filters: number;
  readonly useBias: boolean;
  readonly kernelName?: string;
}

export function convolutionRules(layer: string, of: Convolution): Rule[] {
  const { inputShape, window, filters, useBias } = of;
  const [rows, rowShape] = windowRows(layer, inputShape, window);
  const kernel = {
    name: of.kernelName ?? "kernel",
    shape: [...window.size, inputShape.at(-1) ?? 0, filters],
  };
  return [...rows, denseRule(layer, { inputShape: rowShape, outputs: filters, useBias, kernel })];
}

/**
 * The adjoint of a convolution from `outputShape`: every entry becomes the taps of a window, and windows that overlap are added up.
 * The kernel is that convolution's, […size, filters, channels].
 */
export function transposedConvolutionRules(
  layer: string,
  of: Omit<Convolution, "kernelName"> & { readonly outputShape: readonly number[] },
): Rule[] {
  const { inputShape, outputShape, window, filters, useBias } = of;
  const { taps, sources } = windowsOf(outputShape, window, "taps-channels");
  const by: Rearrangement = { size: sizeOf(outputShape), sources };
  const rowShape = [...inputShape.slice(0, -1), taps * filters];
  const kernel = {
    name: "kernel",
    shape: [...window.size, filters, inputShape.at(-1) ?? 0],
    isTransposed: true,
  };
  const bias = channelScaleRule(layer, {
    shape: outputShape,
    channels: [filters],
    hasGamma: false,
    hasBeta: true,
  });
  return [
    denseRule(layer, { inputShape, outputs: taps * filters, useBias: false, kernel }),
    linearRule(layer, outputShape, (ops) => ({
      apply: (x) => examplesOf(ops, ops.rearrangeBack(x, by), outputShape),
      adjoint: (y) => examplesOf(ops, ops.rearrange(y, by), rowShape),
    })),
    ...(useBias ? [{ ...bias, parameters: [{ name: "bias", shape: [filters] }] }] : []),
  ];
}

/** `multiplier` filters for each channel alone. Costs as much as a full convolution, whose kernel is 0 between different channels. */
export function depthwiseRules(
  layer: string,
  of: Omit<Convolution, "filters" | "kernelName"> & { readonly multiplier: number },
): Rule[] {
  const { inputShape, window, multiplier, useBias } = of;
  const channels = inputShape.at(-1) ?? 0;
  const filters = channels * multiplier;
  const taps = sizeOf(window.size);
  const [rows, rowShape] = windowRows(layer, inputShape, window);
  const sources = new Int32Array(taps * channels * filters).fill(-1);
  for (let row = 0; row < taps * channels; row++)
    for (let m = 0; m < multiplier; m++) {
      sources[row * filters + (row % channels) * multiplier + m] = row * multiplier + m;
    }
  const full = denseRule(layer, { inputShape: rowShape, outputs: filters, useBias });
  const kernel = { name: "depthwise_kernel", shape: [...window.size, channels, multiplier] };
  const by = { size: sizeOf(kernel.shape), sources };
  return [...rows, spreadKernelRule(full, kernel, by)];
}

/** The input as rows that a kernel is applied to; as it is where every window is one entry. */
function windowRows(layer: string, inputShape: readonly number[], window: Window): [Rule[], number[]] {
  const channels = inputShape.at(-1) ?? 0;
  const { counts, taps, sources } = windowsOf(inputShape, window, "taps-channels");
  const rowShape = [...counts, taps * channels];
  const isIdentity = taps === 1 && sources.every((source, i) => source === i);
  return [
    isIdentity && sources.length === sizeOf(inputShape)
      ? []
      : [rearrangeRule(layer, inputShape, rowShape, sources)],
    rowShape,
  ];
}

/** A rule whose first parameter is a rearrangement of a smaller one. */
function spreadKernelRule(rule: Rule, kernel: Rule["parameters"][number], by: Rearrangement): Rule {
  const [full, ...others] = rule.parameters;
  const spreadOut = <T>(ops: Ops<T>, a: T): T =>
    ops.reshape(ops.rearrange(ops.reshape(a, [1, by.size]), by), full?.shape ?? []);
  return {
    ...rule,
    parameters: [kernel, ...others],
    forward: (ops, x, w) =>
      rule.forward(
        ops,
        x,
        changeFirst(w, (a) => spreadOut(ops, a)),
      ),
    linearise(ops, x, w) {
      const spread = (a: typeof x) => spreadOut(ops, a);
      const gather = (a: typeof x) =>
        ops.reshape(ops.rearrangeBack(ops.reshape(a, [1, by.sources.length]), by), kernel.shape);
      const linearised = rule.linearise(ops, x, changeFirst(w, spread));
      return {
        output: linearised.output,
        backward(yBar, needsInput) {
          const backward = linearised.backward(yBar, needsInput);
          return {
            wBar: changeFirst(backward.wBar, gather),
            xBar: backward.xBar,
            tangent(xDot, wDot) {
              const tangent = backward.tangent(xDot, changeFirst(wDot, spread));
              return {
                yDot: tangent.yDot,
                backward(yBarDot) {
                  const { wBarDot, xBarDot } = tangent.backward(yBarDot);
                  return { wBarDot: changeFirst(wBarDot, gather), xBarDot };
                },
              };
            },
          };
        },
      };
    },
  };
}

function changeFirst<T>([first, ...others]: readonly T[], map: (a: T) => T): T[] {
  return first === undefined ? [] : [map(first), ...others];
}
