import type { OperatorFunction } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Objective } from "../engine/objective.ts";
import type { Run, Step } from "../training/run.ts";
import type { StreamDefinition, StreamRole } from "./define.ts";
import { type Schedule, scheduled } from "./derived.ts";
import { lossesAt } from "./probe-losses.ts";

const NAME = "path/loss";

export interface PathOptions extends Schedule {
  /**
   * Take `step.probeLosses` where a step has them, instead of a forward pass: `objective` must then be the run's own probe objective.
   * Default false.
   */
  readonly lossesFromSteps?: boolean;
}

/**
 * L(θ_t) on the objective's data at due steps.
 * @cost one forward pass, shared with {@link import("./path-monotonicity.ts").pathMonotonicity} on the same steps; none with `lossesFromSteps`.
 */
export function pathLoss(
  objective: Objective,
  options: PathOptions = {},
): OperatorFunction<Step, Sample<number>> {
  return scheduled(
    NAME,
    options,
    () => (step) => lossesAt(objective, step, options.lossesFromSteps ? step.probeLosses : null).loss,
  );
}

/** Full-batch training on the probe computes the probe's losses anyway: then at every step, else on schedule. */
export function pathRole(run: Run): StreamRole {
  return run.probeIsTrainingSet && run.isFullBatch ? "geometry" : "curvature";
}

/** How both path streams of a run are measured. */
export function pathOptions(run: Run, every: number, channel: number | undefined): PathOptions {
  const free = pathRole(run) === "geometry";
  return {
    every: free ? 1 : every,
    lossesFromSteps: free,
    ...(channel === undefined ? {} : { channel }),
  };
}

export const pathLossStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Loss on the path L(θ_t)",
    about:
      "Loss at the weights of each step on the probe, a fixed set of examples that is never drawn again. Unlike the minibatch loss it changes only because θ does.",
    source: "Goodfellow, Vinyals & Saxe 2015, arXiv:1412.6544",
    unit: "loss",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [{ path: "", label: "L(θ_t)", unit: "loss", scale: "log" }],
  },
  role: pathRole,
  scheduleKey: "path",
  applies: () => true,
  derive: ({ run, every, channel }) => pathLoss(run.objective, pathOptions(run, every, channel)),
};
