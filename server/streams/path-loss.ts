import type { OperatorFunction } from "rxjs";
import type { Sample } from "../../shared/stream.ts";
import type { Run, Step } from "../training/run.ts";
import type { StreamDefinition, StreamRole } from "./define.ts";
import { type Schedule, scheduled } from "./derived.ts";
import { type LossSource, lossesAt } from "./probe-losses.ts";

const NAME = "path/loss";

export interface PathOptions extends Schedule {
  /**
   * Take `step.probeLosses` where a step has them, instead of a forward pass: `objective` must then be the run's own probe objective.
   * Default false.
   */
  readonly lossesFromSteps?: boolean;
  /** Is the objective's data a random sample of the training set, rather than all of it? Default false. */
  readonly isSample?: boolean;
}

/**
 * L(θ_t) on the objective's data at due steps.
 * @cost one forward pass, shared with {@link import("./path-monotonicity.ts").pathMonotonicity} on the same steps; none with `lossesFromSteps`.
 */
export function pathLoss(
  objective: LossSource,
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

const probes = new WeakMap<Run, LossSource>();

/** The run's probe objective, one per run, not opened before it is needed: a thread whose steps bring the losses uploads no data. */
export function probeOf(run: Run): LossSource {
  const known = probes.get(run);
  if (known !== undefined) return known;
  const probe = { exampleLosses: (theta: Float32Array) => run.objective.exampleLosses(theta) };
  probes.set(run, probe);
  return probe;
}

/** How both path streams of a run are measured. */
export function pathOptions(run: Run, every: number, channel: number | undefined): PathOptions {
  const free = pathRole(run) === "geometry";
  return {
    every: free ? 1 : every,
    lossesFromSteps: free,
    isSample: !run.probeIsTrainingSet,
    channel,
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
  derive: ({ run, every, channel }) => pathLoss(probeOf(run), pathOptions(run, every, channel)),
};
