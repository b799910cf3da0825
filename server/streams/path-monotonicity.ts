import type { OperatorFunction } from "rxjs";
import type { PathMonotonicity } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import { ROUNDING } from "../../shared/verdicts/verdict.ts";
import { createRunningDrawUp } from "../numerics/monotonicity.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { everyOf, scheduled } from "./derived.ts";
import { type PathOptions, pathOptions, pathRole, probeOf } from "./path-loss.ts";
import { type LossSource, lossesAt, pairedStandardError } from "./probe-losses.ts";

const NAME = "path/monotonicity";

/**
 * Does the loss fall monotonically along the iterates? Draw-up over the running minimum, on the objective's fixed data, at due steps.
 *
 * Every rise counts in draw-up and excess, also one that float32 could have made; in the share of rising intervals only those above 1e-6 of
 * the first loss. With `every` > 1 all three numbers are lower bounds.
 * The standard error belongs to the pair of steps that sets the draw-up and does not know that this pair was the largest of many. What it
 * leaves of the draw-up, a sample says of the training set that it was drawn from; the training set itself, to which θ was fitted, says
 * nothing of other data.
 *
 * @nonfinite a loss that is not finite makes excess and draw-up NaN from then on.
 * @cost one forward pass, shared with {@link import("./path-loss.ts").pathLoss}; memory: n losses.
 * @source draw-up: Lucas et al. 2021, arXiv:2104.11044, there for the straight line.
 */
export function pathMonotonicity(
  objective: LossSource,
  options: PathOptions = {},
): OperatorFunction<Step, Sample<PathMonotonicity>> {
  const every = everyOf(options);
  const { isSample = false } = options;
  return scheduled(NAME, options, () => {
    const follow = followDrawUp(isSample);
    let newest: { readonly step: number; readonly value: PathMonotonicity } | null = null;
    return (step) => {
      // A step may come again because it was demanded: it is on the path once.
      if (newest?.step === step.step) return newest.value;
      const given = options.lossesFromSteps ? step.probeLosses : null;
      const { loss, exampleLosses } = lossesAt(objective, step, given);
      newest = { step: step.step, value: { ...follow(loss, exampleLosses), every } };
      return newest.value;
    };
  });
}

function followDrawUp(
  isSample: boolean,
): (loss: number, exampleLosses: Float32Array) => Omit<PathMonotonicity, "every"> {
  const running = createRunningDrawUp(ROUNDING);
  let atMinimum = new Float32Array(0);
  let pairedStdErr: number | null = null;
  return (loss, exampleLosses) => {
    const before = running.largest.drawUp;
    running.push(Number.isFinite(loss) ? loss : Number.NaN);
    const { drawUp } = running.largest;
    if (drawUp > before) pairedStdErr = pairedStandardError(exampleLosses, atMinimum);
    if (running.minimumAt === running.count - 1) {
      if (atMinimum.length !== exampleLosses.length) atMinimum = new Float32Array(exampleLosses.length);
      atMinimum.set(exampleLosses);
    }
    return {
      excess: running.excess,
      drawUp,
      firstLoss: running.first,
      upFraction: running.count === 1 ? 0 : running.ups / (running.count - 1),
      populationDrawUp:
        isSample && !Number.isNaN(drawUp) ? Math.max(0, drawUp - 2 * (pairedStdErr ?? 0)) : null,
      pairedStdErr: Number.isNaN(drawUp) ? null : pairedStdErr,
    };
  };
}

export const pathMonotonicityStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Monotonicity of the path",
    about:
      "How far the loss at the real iterates has ever risen above an earlier value (draw-up), and how often it rises by more than rounding. A statement about the path training took, not about the straight line from start to end; lower bounds where not every step is measured.",
    source: "Lucas et al. 2021, arXiv:2104.11044 (draw-up)",
    unit: "loss",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [
      { path: "drawUp", label: "draw-up so far", unit: "loss", scale: "linear" },
      { path: "excess", label: "above the lowest loss so far", unit: "loss", scale: "linear" },
      {
        path: "upFraction",
        label: "share of intervals that rise by more than rounding",
        unit: "1",
        scale: "linear",
      },
      { path: "populationDrawUp", label: "draw-up less 2 standard errors", unit: "loss", scale: "linear" },
      { path: "pairedStdErr", label: "standard error of the largest rise", unit: "loss", scale: "log" },
      { path: "firstLoss", label: "first loss on the path", unit: "loss", scale: "log" },
      { path: "every", label: "steps from one measurement to the next", unit: "1", scale: "linear" },
    ],
  },
  role: pathRole,
  scheduleKey: "path",
  applies: () => true,
  derive: ({ run, every, channel }) => pathMonotonicity(probeOf(run), pathOptions(run, every, channel)),
};
