/** y = γ x + β, one γ and β for each of the last entries: what follows a normalisation. */
import type { Ops } from "../ops.ts";
import { asMatrix, examplesOf, sizeOf } from "./linear.ts";
import { addMaybe, type Rule } from "./rule.ts";

export interface ChannelScale {
  readonly shape: readonly number[];
  /** Of γ and β: the last axes of the shape. */
  readonly channels: readonly number[];
  readonly hasGamma: boolean;
  readonly hasBeta: boolean;
}

export function channelScaleRule(layer: string, of: ChannelScale): Rule {
  const { shape, channels, hasGamma, hasBeta } = of;
  const width = sizeOf(channels);
  const row = <T>(ops: Ops<T>, a: T | undefined): T | null =>
    a === undefined ? null : ops.reshape(a, [1, width]);
  const split = <T>(ops: Ops<T>, w: readonly T[]) => ({
    gamma: hasGamma ? row(ops, w[0]) : null,
    beta: hasBeta ? row(ops, w[hasGamma ? 1 : 0]) : null,
  });
  const scaled = <T>(ops: Ops<T>, a: T, gamma: T | null): T => (gamma === null ? a : ops.mul(a, gamma));
  const asParameter = <T>(ops: Ops<T>, a: T): T => ops.reshape(ops.sumOverRows(a), channels);
  return {
    layer,
    parameters: [
      ...(hasGamma ? [{ name: "gamma", shape: channels }] : []),
      ...(hasBeta ? [{ name: "beta", shape: channels }] : []),
    ],
    outputShape: shape,
    forward(ops, x, w) {
      const { gamma, beta } = split(ops, w);
      const y = addMaybe(ops, scaled(ops, asMatrix(ops, x, width), gamma), beta);
      return examplesOf(ops, y as typeof x, shape);
    },
    linearise(ops, given, w) {
      const x = asMatrix(ops, given, width);
      const { gamma, beta } = split(ops, w);
      return {
        output: examplesOf(ops, addMaybe(ops, scaled(ops, x, gamma), beta) as typeof x, shape),
        backward(givenBar, needsInput) {
          const yBar = asMatrix(ops, givenBar, width);
          const bars = (gammaBar: () => typeof x, betaBar: typeof x | null) => [
            ...(hasGamma ? [asParameter(ops, gammaBar())] : []),
            ...(hasBeta ? [asParameter(ops, betaBar ?? ops.scale(yBar, 0))] : []),
          ];
          return {
            wBar: bars(() => ops.mul(x, yBar), yBar),
            xBar: needsInput ? examplesOf(ops, scaled(ops, yBar, gamma), shape) : null,
            tangent(givenDot, wDot) {
              const xDot = givenDot === null ? null : asMatrix(ops, givenDot, width);
              const { gamma: gammaDot, beta: betaDot } = split(ops, wDot);
              const moved = addMaybe(
                ops,
                xDot === null ? null : scaled(ops, xDot, gamma),
                gammaDot === null ? null : ops.mul(x, gammaDot),
              );
              const yDot =
                moved === null && betaDot !== null
                  ? ops.add(ops.scale(x, 0), betaDot)
                  : addMaybe(ops, moved, betaDot);
              return {
                yDot: yDot === null ? null : examplesOf(ops, yDot, shape),
                backward(givenBarDot) {
                  const yBarDot = givenBarDot === null ? null : asMatrix(ops, givenBarDot, width);
                  const gammaBarDot = () =>
                    addMaybe(
                      ops,
                      yBarDot === null ? null : ops.mul(x, yBarDot),
                      xDot === null ? null : ops.mul(xDot, yBar),
                    ) ?? ops.scale(yBar, 0);
                  const xBarDot = needsInput
                    ? addMaybe(
                        ops,
                        yBarDot === null ? null : scaled(ops, yBarDot, gamma),
                        gammaDot === null ? null : ops.mul(yBar, gammaDot),
                      )
                    : null;
                  return {
                    wBarDot: bars(gammaBarDot, yBarDot),
                    xBarDot: xBarDot === null ? null : examplesOf(ops, xBarDot, shape),
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
