/** x̂ = (x − μ)/√(σ² + ε): what batch-norm and layer-norm share; they differ in what μ and σ² are taken over. */
import type { Ops } from "../ops.ts";
import { asMatrix, examplesOf } from "./linear.ts";
import { addMaybe, type Rule } from "./rule.ts";

export interface Normalisation {
  /** Of one example. */
  readonly shape: readonly number[];
  /** Entries that lie next to each other and belong together: the channels of batch-norm, the normalised axes of layer-norm. */
  readonly width: number;
  /** `columns`: each channel over all examples and places. `rows`: each row of its own. */
  readonly over: "columns" | "rows";
  readonly epsilon: number;
}

export function normaliseRule(layer: string, { shape, width, over, epsilon }: Normalisation): Rule {
  const mean = <T>(ops: Ops<T>, a: T): T => {
    const [rows = 1, columns = 1] = ops.shape(a);
    return over === "columns"
      ? ops.scale(ops.sumOverRows(a), 1 / rows)
      : ops.scale(ops.sumOverColumns(a), 1 / columns);
  };
  const centred = <T>(ops: Ops<T>, a: T): T => ops.sub(a, mean(ops, a));
  const normalised = <T>(ops: Ops<T>, given: T) => {
    const x = asMatrix(ops, given, width);
    const difference = centred(ops, x);
    const deviation = ops.sqrt(ops.shift(mean(ops, ops.mul(difference, difference)), epsilon));
    return { xHat: ops.div(difference, deviation), deviation };
  };
  const examples = <T>(ops: Ops<T>, a: T): T => examplesOf(ops, a, shape);
  return {
    layer,
    parameters: [],
    outputShape: shape,
    forward: (ops, x) => examples(ops, normalised(ops, x).xHat),
    linearise(ops, given) {
      const { xHat, deviation } = normalised(ops, given);
      const along = (a: typeof given) => mean(ops, ops.mul(xHat, a));
      /** (I − 11ᵀ/N − x̂x̂ᵀ/N) a: the derivative of x̂ but for the factor 1/σ, and its own adjoint. */
      const project = (a: typeof given, component: typeof given) =>
        ops.sub(centred(ops, a), ops.mul(xHat, component));
      return {
        output: examples(ops, xHat),
        backward(givenBar, needsInput) {
          const yBar = asMatrix(ops, givenBar, width);
          const barAlong = along(yBar);
          const projected = project(yBar, barAlong);
          return {
            wBar: [],
            xBar: needsInput ? examples(ops, ops.div(projected, deviation)) : null,
            tangent(givenDot) {
              const xDot = givenDot === null ? null : asMatrix(ops, givenDot, width);
              const dotAlong = xDot === null ? null : along(xDot);
              const yDot =
                xDot === null || dotAlong === null ? null : ops.div(project(xDot, dotAlong), deviation);
              return {
                yDot: yDot === null ? null : examples(ops, yDot),
                backward(givenBarDot) {
                  if (!needsInput) return { wBarDot: [], xBarDot: null };
                  const yBarDot = givenBarDot === null ? null : asMatrix(ops, givenBarDot, width);
                  const moved =
                    yBarDot === null ? null : ops.div(project(yBarDot, along(yBarDot)), deviation);
                  let bent: typeof given | null = null;
                  if (yDot !== null && dotAlong !== null) {
                    // Of x̂ in the projection, and of 1/σ before it: σ̇ = mean(x̂ẋ).
                    const ofProjection = ops.add(
                      ops.mul(yDot, barAlong),
                      ops.mul(xHat, mean(ops, ops.mul(yDot, yBar))),
                    );
                    const ofScale = ops.mul(projected, ops.div(dotAlong, deviation));
                    bent = ops.scale(ops.div(ops.add(ofProjection, ofScale), deviation), -1);
                  }
                  const xBarDot = addMaybe(ops, moved, bent);
                  return { wBarDot: [], xBarDot: xBarDot === null ? null : examples(ops, xBarDot) };
                },
              };
            },
          };
        },
      };
    },
  };
}
