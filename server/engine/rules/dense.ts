/** y = xW + b. */
import type { Ops } from "../ops.ts";
import { addMaybe, type Rule } from "./rule.ts";

export function denseRule(layer: string, inputs: number, outputs: number, useBias: boolean): Rule {
  return {
    layer,
    parameters: [
      { name: "kernel", shape: [inputs, outputs] },
      ...(useBias ? [{ name: "bias", shape: [outputs] }] : []),
    ],
    outputShape: [outputs],
    forward: (ops, x, [kernel, bias]) => affine(ops, x, kernel, bias),
    linearise(ops, x, [kernel, bias]) {
      const products = transposedProducts(ops, x, outputs);
      return {
        output: affine(ops, x, kernel, bias),
        backward(yBar, needsInput) {
          const wBar = [products(yBar), ...(useBias ? [rowSum(ops, yBar, outputs)] : [])];
          const kernelT = needsInput ? ops.transpose(present(kernel)) : null;
          return {
            wBar,
            xBar: kernelT === null ? null : ops.matMul(yBar, kernelT),
            tangent(xDot, [kernelDot, biasDot]) {
              const moved = xDot === null ? null : ops.matMul(xDot, present(kernel));
              return {
                yDot: addMaybe(ops, affine(ops, x, kernelDot, biasDot), moved),
                backward(yBarDot) {
                  if (yBarDot === null) throw new Error(`${layer}: a dense layer's output always moves`);
                  const kernelBarDot = addMaybe(
                    ops,
                    products(yBarDot),
                    xDot === null ? null : ops.matMul(ops.transpose(xDot), yBar),
                  );
                  return {
                    wBarDot: [present(kernelBarDot), ...(useBias ? [rowSum(ops, yBarDot, outputs)] : [])],
                    xBarDot:
                      kernelT === null
                        ? null
                        : ops.add(
                            ops.matMul(yBarDot, kernelT),
                            ops.matMul(yBar, ops.transpose(present(kernelDot))),
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

function affine<T>(ops: Ops<T>, x: T, kernel: T | undefined, bias: T | undefined): T {
  const product = ops.matMul(x, present(kernel));
  return bias === undefined ? product : ops.add(product, bias);
}

function rowSum<T>(ops: Ops<T>, a: T, outputs: number): T {
  return ops.reshape(ops.sumOverRows(a), [outputs]);
}

/** ȳ ↦ xᵀȳ, transposing whichever is smaller: x (once), or ȳ and the product (each time). */
function transposedProducts<T>(ops: Ops<T>, x: T, outputs: number): (yBar: T) => T {
  const [n = 0, inputs = 0] = ops.shape(x);
  if (n * inputs > n * outputs + inputs * outputs) {
    return (yBar) => ops.transpose(ops.matMul(ops.transpose(yBar), x));
  }
  const xT = ops.transpose(x);
  return (yBar) => ops.matMul(xT, yBar);
}

function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("dense: a parameter is missing");
  return value;
}
