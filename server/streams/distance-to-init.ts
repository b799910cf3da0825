import type { OperatorFunction } from "rxjs";
import type { Parameter } from "../../shared/header.ts";
import type { DistanceToInit } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import { Displacement } from "../numerics/displacement.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { derived } from "./derived.ts";

const NAME = "distance/to-init";

interface Range {
  readonly from: number;
  readonly to: number;
  /** Σθ₀² over the range. */
  readonly initialSquares: number;
}

/**
 * How far θ_t is from θ₀, and how long the way was. Must see every step: a step left out shortens `pathLength`.
 *
 * One pass over θ, sums in float64.
 *
 * @param initial  θ₀, [D]. Copied at subscription.
 * @param parameters  where each one lies in θ; default: all of θ as one.
 * @param walked  length of the path up to the first step seen, where that is not θ₀; null: not known, and NaN from then on.
 * @nonfinite a θ that is not finite gives NaN, and `pathLength` stays NaN from then on.
 * @cost 4 multiply-adds per parameter and step; memory: three of θ.
 * @throws {RangeError} where θ is not as long as θ₀.
 */
export function distanceToInit(
  initial: Float32Array,
  parameters: readonly Pick<Parameter, "offset" | "shape">[] = [{ offset: 0, shape: [initial.length] }],
  walked?: number | null,
): OperatorFunction<Step, Sample<DistanceToInit>> {
  const ranges = parameters.map(({ offset, shape }): Range => {
    const to = offset + shape.reduce((product, size) => product * size, 1);
    let initialSquares = 0;
    for (let i = offset; i < to; i++) initialSquares += (initial[i] as number) ** 2;
    return { from: offset, to, initialSquares };
  });
  const initialNorm = Math.sqrt(ranges.reduce((sum, { initialSquares }) => sum + initialSquares, 0));

  return derived(NAME, () => {
    const displacement = new Displacement(initial, ranges);
    let pathLength = walked === null ? Number.NaN : (walked ?? 0);
    let isFirst = true;
    return ({ theta }) => {
      if (theta.length !== initial.length) {
        throw new RangeError(`theta: expected ${initial.length} values, got ${theta.length}`);
      }
      const perLayer: number[] = [];
      const rotation: number[] = [];
      let displacementSquares = 0;
      let moveSquares = 0;
      for (const [i, { displaced, squares, product, moved }] of displacement.move(theta).entries()) {
        perLayer.push(Math.sqrt(displaced));
        rotation.push(oneMinusCosine(product, squares, (ranges[i] as Range).initialSquares));
        displacementSquares += displaced;
        moveSquares += moved;
      }
      if (walked === undefined || !isFirst) pathLength += Math.sqrt(moveSquares);
      isFirst = false;
      const l2 = Math.sqrt(displacementSquares);
      return {
        l2,
        relative: l2 / initialNorm,
        pathLength,
        straightness: pathLength === 0 ? 1 : l2 / pathLength,
        perLayer,
        rotation,
      };
    };
  });
}

/** 1 − ⟨a,b⟩/‖a‖‖b‖, never below 0 by rounding; NaN where one is zero. */
function oneMinusCosine(product: number, squaresA: number, squaresB: number): number {
  return Math.max(0, 1 - product / Math.sqrt(squaresA * squaresB));
}

export const distanceToInitStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Distance from the start ‖θ_t − θ₀‖",
    about:
      "How far the weights are from where they began, in a straight line and along the path they took, in all and per parameter. Straightness 1 means that training has not turned yet.",
    source:
      "Nagarajan & Kolter 2019, arXiv:1901.01672; rotation: Carbonnelle & De Vleeschouwer 2018, arXiv:1806.01603",
    unit: "θ",
    encoding: "json",
    heavy: false,
    on: "theta",
    needs: "theta",
    cadence: { kind: "step" },
    fields: [
      { path: "l2", label: "‖θ_t − θ₀‖", unit: "θ", scale: "linear" },
      { path: "pathLength", label: "length of the path", unit: "θ", scale: "linear" },
      { path: "relative", label: "‖θ_t − θ₀‖ / ‖θ₀‖", unit: "1", scale: "linear" },
      { path: "straightness", label: "distance / length of the path", unit: "1", scale: "linear" },
      { path: "perLayer.*", label: "distance per parameter", unit: "θ", scale: "linear" },
      { path: "rotation.*", label: "1 − cos(θ_t, θ₀) per parameter", unit: "1", scale: "linear" },
    ],
  },
  role: () => "geometry",
  scheduleKey: null,
  applies: () => true,
  derive: ({ run }) => distanceToInit(run.initial, run.parameters, run.facts.fork?.pathLength),
};
