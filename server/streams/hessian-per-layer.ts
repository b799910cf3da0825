import type { OperatorFunction } from "rxjs";
import type { Parameter } from "../../shared/header.ts";
import type { HessianPerLayer } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import type { Objective } from "../engine/objective.ts";
import { withLinearised } from "../engine/with-linearised.ts";
import type { Step } from "../training/run.ts";
import { largestEigenvalues } from "./cold-spectrum.ts";
import type { StreamDefinition } from "./define.ts";
import { type Schedule, sparselyScheduled } from "./derived.ts";
import { blockOperator, hessianOperator } from "./symmetric-operator.ts";

const NAME = "hessian/per-layer";

export interface PerLayerOptions extends Schedule {
  readonly seed?: number;
}

/** Elements of θ that belong to one layer. */
interface Block {
  readonly layer: string;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/**
 * λ₁ of each layer's diagonal block of the Hessian at due steps, in the order of the layers: how sharp the loss is when only that layer may
 * move. None exceeds λ₁ of the whole. Due are 0, the multiples of `every` and the last step; each measurement starts cold.
 *
 * @param parameters  where each lies in θ, and the layer that it belongs to.
 * @nonfinite an Hv that is not finite gives NaN, `converged: false`, for the layers that it touches.
 * @cost one linearisation, and for each layer 10 to 32 Hessian-vector products of the whole network. Memory: 32 × D float32.
 * @source block: Cauchy's interlacing; per layer: Sankar et al. 2021, arXiv:2012.03801.
 */
export function hessianPerLayer(
  objective: Objective,
  parameters: readonly Pick<Parameter, "layer" | "offset" | "shape">[],
  options: PerLayerOptions = {},
): OperatorFunction<Step, Sample<HessianPerLayer>> {
  const { seed = 0 } = options;
  const blocks = blocksOf(parameters);
  return sparselyScheduled(
    NAME,
    options,
    () =>
      ({ step, theta }) =>
        withLinearised(objective, theta, (linearised) => {
          const whole = hessianOperator(linearised);
          const found = blocks.map(({ layer, ranges }) => {
            const noise = { seed, label: `${NAME} ${layer}`, step };
            return { layer, ...largestEigenvalues(blockOperator(whole, ranges), { count: 1, ...noise }) };
          });
          return {
            layers: found.map(({ layer, top }) => ({ layer, ...(top[0] ?? NOTHING) })),
            n: objective.size,
            hvps: found.reduce((sum, { applications }) => sum + applications, 0),
          };
        }),
  );
}

const NOTHING = { value: Number.NaN, residual: Number.NaN, converged: false };

function blocksOf(parameters: readonly Pick<Parameter, "layer" | "offset" | "shape">[]): Block[] {
  const layers = [...new Set(parameters.map(({ layer }) => layer))];
  return layers.map((layer) => ({
    layer,
    ranges: parameters
      .filter((parameter) => parameter.layer === layer)
      .map(({ offset, shape }) => [offset, offset + shape.reduce((product, size) => product * size, 1)]),
  }));
}

export const hessianPerLayerStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Sharpness of each layer",
    about:
      "Largest Hessian eigenvalue of the probe loss when only one layer may move. None exceeds λ₁ of the whole network; where none comes near it, the sharpest direction runs through several layers.",
    source: "Sankar et al. 2021, arXiv:2012.03801",
    unit: "loss·θ⁻²",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "objective",
    cadence: { kind: "sparse", every: 1 },
    fields: [
      { path: "layers.*.value", label: "λ₁ of layer", unit: "loss·θ⁻²", scale: "symlog" },
      { path: "layers.*.residual", label: "residuals", unit: "loss·θ⁻²", scale: "log" },
      { path: "hvps", label: "Hessian-vector products", unit: "1", scale: "linear" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "per-layer",
  memoryBytes: ({ initial }) => 32 * initial.byteLength,
  applies: () => true,
  derive: ({ run, every, channel }) =>
    hessianPerLayer(run.objective, run.parameters, {
      every,
      channel,
      seed: run.config.seeds.vectors,
    }),
};
