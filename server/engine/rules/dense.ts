/** y = xW + b, along the last axis. */
import type { Ops } from "../ops.ts";
import { asMatrix, examplesOf } from "./linear.ts";
import { addMaybe, type Rule } from "./rule.ts";

export interface DenseShape {
  /** Of one example; the last axis is what W is applied to. */
  readonly inputShape: readonly number[];
  readonly outputs: number;
  readonly useBias: boolean;
  /** W as the layer has it, [inputs, outputs] unless given: a convolution's patches meet a kernel of more axes, or its transpose. */
  readonly kernel?: {
    readonly name: string;
    readonly shape: readonly number[];
    readonly isTransposed?: boolean;
  };
}

export function denseRule(layer: string, { inputShape, outputs, useBias, kernel: own }: DenseShape): Rule {
  const inputs = inputShape.at(-1) ?? 0;
  const isMatrix = inputShape.length === 1;
  const outputShape = [...inputShape.slice(0, -1), outputs];
  const kernelShape = own?.shape ?? [inputs, outputs];
  const rows = <T>(ops: Ops<T>, a: T, columns: number): T => (isMatrix ? a : asMatrix(ops, a, columns));
  const examples = <T>(ops: Ops<T>, a: T, shape: readonly number[]): T =>
    isMatrix ? a : examplesOf(ops, a, shape);
  const matrix = <T>(ops: Ops<T>, kernel: T | undefined): T =>
    own?.isTransposed === true
      ? ops.transpose(ops.reshape(present(kernel), [outputs, inputs]))
      : kernelShape.length === 2
        ? present(kernel)
        : ops.reshape(present(kernel), [inputs, outputs]);
  const asKernel = <T>(ops: Ops<T>, a: T): T =>
    own?.isTransposed === true
      ? ops.reshape(ops.transpose(a), kernelShape)
      : kernelShape.length === 2
        ? a
        : ops.reshape(a, kernelShape);
  return {
    layer,
    parameters: [
      { name: own?.name ?? "kernel", shape: kernelShape },
      ...(useBias ? [{ name: "bias", shape: [outputs] }] : []),
    ],
    outputShape,
    ...(isMatrix &&
      own === undefined && {
        withInputs: (inputs: number) => denseRule(layer, { inputShape: [inputs], outputs, useBias }),
      }),
    forward: (ops, x, [kernel, bias]) =>
      examples(ops, affine(ops, rows(ops, x, inputs), matrix(ops, kernel), bias), outputShape),
    linearise(ops, given, [givenKernel, bias]) {
      const x = rows(ops, given, inputs);
      const kernel = matrix(ops, givenKernel);
      const products = transposedProducts(ops, x, outputs);
      const parameterBars = (yBar: typeof x, kernelBar: typeof x) => [
        asKernel(ops, kernelBar),
        ...(useBias ? [ops.reshape(ops.sumOverRows(yBar), [outputs])] : []),
      ];
      return {
        output: examples(ops, affine(ops, x, kernel, bias), outputShape),
        backward(givenBar, needsInput) {
          const yBar = rows(ops, givenBar, outputs);
          const kernelT = needsInput ? ops.transpose(kernel) : null;
          return {
            wBar: parameterBars(yBar, products(yBar)),
            xBar: kernelT === null ? null : examples(ops, ops.matMul(yBar, kernelT), inputShape),
            tangent(givenDot, [givenKernelDot, biasDot]) {
              const xDot = givenDot === null ? null : rows(ops, givenDot, inputs);
              const kernelDot = matrix(ops, givenKernelDot);
              const moved = xDot === null ? null : ops.matMul(xDot, kernel);
              const yDot = present(addMaybe(ops, affine(ops, x, kernelDot, biasDot), moved));
              return {
                yDot: examples(ops, yDot, outputShape),
                backward(givenBarDot) {
                  if (givenBarDot === null) throw new Error(`${layer}: a dense layer's output always moves`);
                  const yBarDot = rows(ops, givenBarDot, outputs);
                  const kernelBarDot = addMaybe(
                    ops,
                    products(yBarDot),
                    xDot === null ? null : transposedProducts(ops, xDot, outputs)(yBar),
                  );
                  return {
                    wBarDot: parameterBars(yBarDot, present(kernelBarDot)),
                    xBarDot:
                      kernelT === null
                        ? null
                        : examples(
                            ops,
                            ops.add(ops.matMul(yBarDot, kernelT), ops.matMul(yBar, ops.transpose(kernelDot))),
                            inputShape,
                          ),
                  };
                },
              };
            },
          };
        },
      };
    },
  };
}

function affine<T>(ops: Ops<T>, x: T, kernel: T, bias: T | undefined): T {
  const product = ops.matMul(x, kernel);
  return bias === undefined ? product : ops.add(product, bias);
}

/** ȳ ↦ xᵀȳ. Of few rows it transposes whichever is smaller: x (once), or ȳ and the product (each time). */
function transposedProducts<T>(ops: Ops<T>, x: T, outputs: number): (yBar: T) => T {
  const [n = 0, inputs = 0] = ops.shape(x);
  if (n >= MANY_ROWS) return ops.transposedProducts(x);
  if (n * inputs > n * outputs + inputs * outputs) {
    return (yBar) => ops.transpose(ops.matMul(ops.transpose(yBar), x));
  }
  const xT = ops.transpose(x);
  return (yBar) => ops.matMul(xT, yBar);
}

const MANY_ROWS = 4096;

function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("dense: a parameter is missing");
  return value;
}
