import type { OperatorFunction } from "rxjs";
import type { TopMode } from "../../shared/readings.ts";
import { isDue } from "../../shared/schedule.ts";
import type { Sample } from "../../shared/stream.ts";
import { dot, scale } from "../numerics/vector.ts";
import type { Step } from "../training/run.ts";
import type { Modes, StreamDefinition } from "./define.ts";
import { derived, everyOf } from "./derived.ts";

const NAME = "path/top-mode";

interface Mode {
  readonly vector: Float32Array;
  readonly modeStep: number;
  readonly referenceStep: number;
  /** v₁ᵀθ_ref. */
  readonly offset: number;
}

/**
 * v₁ᵀ(θ_t − θ_ref): where θ is across the valley. At the edge of stability it changes sign at every step.
 *
 * v₁ of due step s_i comes into use at the first step after the next due step s_{i+1}: by then it has always been measured, so that
 * the numbers do not depend on which thread was faster. θ_ref is θ at that first step. Signs follow the previous v₁;
 * a measurement that failed leaves the older v₁ in use.
 *
 * @param modes  published by {@link import("./hessian-eigenvalues.ts").hessianEigenvalues} of the same schedule.
 * @param options.every  interval of that schedule.
 * @nonfinite a θ that is not finite gives NaN.
 * @cost one dot product of D per step; memory: two vectors of D.
 * @source zig-zag along v₁: Cohen et al. 2021, arXiv:2103.00065; Xing et al. 2018, arXiv:1802.08770.
 */
export function topMode(
  modes: Pick<Modes, "take">,
  options: { readonly every: number },
): OperatorFunction<Step, Sample<TopMode>> {
  const every = everyOf(options);
  return derived(NAME, () => {
    let mode: Mode | null = null;
    /** Due steps seen: the newest, and the one before it, whose v₁ is waiting to come into use. */
    let newest: number | null = null;
    let waiting: number | null = null;
    return ({ step, lastStep, theta }) => {
      if (waiting !== null) {
        const vector = modes.take(waiting);
        if (vector !== null) mode = adopt(vector, waiting, step, theta, mode);
        waiting = null;
      }
      if (isDue(step, every, lastStep)) {
        waiting = newest;
        newest = step;
      }
      if (mode === null) return undefined;
      const { vector, modeStep, referenceStep, offset } = mode;
      return { projection: dot(vector, theta) - offset, modeStep, referenceStep };
    };
  });
}

function adopt(
  vector: Float32Array,
  modeStep: number,
  step: number,
  theta: Float32Array,
  previous: Mode | null,
): Mode {
  const flipped = previous !== null && dot(vector, previous.vector) < 0;
  const aligned = flipped ? scale(-1, vector.slice()) : vector;
  return { vector: aligned, modeStep, referenceStep: step, offset: dot(aligned, theta) };
}

export const topModeStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Across the valley v₁ᵀ(θ_t − θ_ref)",
    about:
      "Position of θ along the direction in which the loss curves most. A zig-zag means that each step overshoots the valley floor; the line breaks where a newer direction is taken into use.",
    source: "Cohen et al. 2021, arXiv:2103.00065; Xing et al. 2018, arXiv:1802.08770",
    unit: "θ",
    encoding: "json",
    heavy: false,
    on: "theta",
    needs: "objective",
    cadence: { kind: "step" },
    fields: [
      { path: "projection", label: "v₁ᵀ(θ_t − θ_ref)", unit: "θ", scale: "linear" },
      { path: "modeStep", label: "step whose Hessian gave v₁", unit: "1", scale: "linear" },
      { path: "referenceStep", label: "step of θ_ref, where v₁ came into use", unit: "1", scale: "linear" },
    ],
  },
  role: () => "geometry",
  scheduleKey: null,
  applies: () => true,
  derive: ({ modes, everyOf }) => topMode(modes, { every: everyOf("hessian") }),
};
