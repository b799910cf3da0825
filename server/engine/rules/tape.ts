/** A layer without a rule of its own, by double backprop on tfjs's tape. */
import type { TapeFunction } from "../tape.ts";
import type { ParameterShape, Rule } from "./rule.ts";

/** @param f  of the input, then the parameters. */
export function tapeRule(
  layer: string,
  parameters: readonly ParameterShape[],
  outputShape: readonly number[],
  f: TapeFunction,
): Rule {
  return {
    layer,
    parameters,
    outputShape,
    forward: (ops, x, w) => ops.onTape(f, [x, ...w]).value(),
    linearise(ops, x, w) {
      const taped = ops.onTape(f, [x, ...w]);
      return {
        output: taped.value(),
        backward(yBar, needsInput) {
          const [xBar, ...wBar] = taped.pullBack(yBar);
          return {
            wBar,
            xBar: needsInput ? (xBar as typeof x) : null,
            tangent(xDot, wDot) {
              if (xDot === null && w.length === 0)
                return {
                  yDot: null,
                  backward: (yBarDot) => ({
                    wBarDot: [],
                    xBarDot:
                      yBarDot === null || !needsInput ? null : (taped.pullBack(yBarDot)[0] as typeof x),
                  }),
                };
              const { yDot, bends } = taped.pushForward([xDot ?? ops.scale(x, 0), ...wDot], yBar);
              return {
                yDot,
                backward(yBarDot) {
                  const bars = yBarDot === null ? null : taped.pullBack(yBarDot);
                  const [xBarDot, ...wBarDot] = bends.map((bend, i) =>
                    bars === null ? bend : ops.add(bend, bars[i] as typeof x),
                  );
                  return { wBarDot, xBarDot: needsInput ? (xBarDot as typeof x) : null };
                },
              };
            },
          };
        },
      };
    },
  };
}
