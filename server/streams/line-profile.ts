import type { OperatorFunction } from "rxjs";
import type { LineProfile } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import { NEGLIGIBLE_RISE } from "../../shared/verdicts/line-monotone.ts";
import type { Objective } from "../engine/objective.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { isDemanded, type Schedule, scheduled } from "./derived.ts";
import {
  evenAlphas,
  largestRise,
  measureLine,
  plateauOf,
  refineLine,
  riseStandardError,
  roundingNoise,
} from "./line-measurement.ts";
import { PathKeeper, type PathOnLine } from "./path-on-line.ts";

const NAME = "line/profile";

const HINT_POINTS = 11;
/** The 50 intervals of Lucas et al. 2021. */
const VERDICT_POINTS = 51;
/** To spare where a sample speaks for all: more than two, because the largest of many rises was picked. */
const SIGMAS = 3;
/** Unit roundoff of float32, twice: two losses enter a rise. */
const FLOAT32_EPSILON = 2 ** -23;

export interface LineProfileOptions extends Schedule {
  /** θ₀. */
  readonly initial: Float32Array;
  /** A start that training never saw: the control. Default: none. */
  readonly unrelatedInitial?: Float32Array;
  /** Is the objective's data a random sample of the training set, rather than all of it? Default false. */
  readonly isSample?: boolean;
}

/**
 * The loss on the straight line θ₀→θ_t at due steps: 11 points as a hint; at the last step, and when demanded, 51, refined around bumps,
 * with the line from an unrelated start beside it.
 *
 * `monotoneOnProbe`: no point lies above an earlier one by more than `noiseFloor`. `monotoneInPopulation`, of the training set that a
 * sample was drawn from: the largest rise, and three of its paired standard errors more, stay below 1e-3·L(θ₀). The error is that of this
 * one rise, not of all. The gate `drawUp < max(3σ, 1e-3·L₀)` would pass any bump on a small enough probe; here a small probe can only fail
 * to show that the line is monotone. Of data that θ_t was not fitted to neither says anything: in the preset edge the line is flat on the
 * training set to 4e-6, its standard error 1e-5, and rises by 9e-3 on test data.
 *
 * @nonfinite a loss that is not finite makes `drawUp` and `plateau` NaN, and the line monotone in no sense.
 * @cost 15 forward passes; at the last step 110 to 160.
 * @source Goodfellow, Vinyals & Saxe 2015, arXiv:1412.6544; draw-up: Lucas et al. 2021, arXiv:2104.11044; plateau: Frankle 2020, arXiv:2012.06898.
 */
export function lineProfile(
  objective: Objective,
  options: LineProfileOptions,
): OperatorFunction<Step, Sample<LineProfile>> {
  return scheduled(NAME, options, () => {
    let noiseAtStart: number | null = null;
    const path = new PathKeeper(options.initial);
    return (step) => {
      noiseAtStart ??= roundingNoise(objective, options.initial);
      const carriesVerdict = step.step === step.lastStep || isDemanded(step, options);
      const measured = profile(objective, options, step.theta, noiseAtStart, carriesVerdict);
      return { ...measured, ...path.look(step.step, step.theta) };
    };
  });
}

function profile(
  objective: Objective,
  { initial, unrelatedInitial, isSample = false }: LineProfileOptions,
  theta: Float32Array,
  noiseAtStart: number,
  carriesVerdict: boolean,
): Omit<LineProfile, keyof PathOnLine> {
  const even = measureLine(
    objective,
    initial,
    theta,
    evenAlphas(carriesVerdict ? VERDICT_POINTS : HINT_POINTS),
  );
  const line = carriesVerdict ? refineLine(objective, initial, theta, even) : even;
  const initialLoss = line.losses[0] as number;
  const rise = largestRise(line.losses);
  const drawUp = nonNegative(rise.rise);
  const pairedStdErr = riseStandardError(objective, initial, theta, line, rise);
  const noiseFloor =
    2 * Math.max(noiseAtStart, roundingNoise(objective, theta)) + FLOAT32_EPSILON * Math.max(...line.losses);
  return {
    alphas: line.alphas,
    losses: line.losses,
    carriesVerdict,
    drawUp,
    plateau: plateauOf(line),
    noiseFloor,
    pairedStdErr,
    monotoneOnProbe: drawUp <= noiseFloor,
    monotoneInPopulation: isSample
      ? rise.rise + SIGMAS * pairedStdErr <= NEGLIGIBLE_RISE * initialLoss
      : null,
    control:
      carriesVerdict && unrelatedInitial !== undefined
        ? controlLine(objective, unrelatedInitial, theta, line.alphas, noiseFloor)
        : null,
  };
}

function controlLine(
  objective: Objective,
  unrelated: Float32Array,
  theta: Float32Array,
  alphas: readonly number[],
  noiseFloor: number,
): NonNullable<LineProfile["control"]> {
  const { losses } = measureLine(objective, unrelated, theta, alphas);
  const drawUp = nonNegative(largestRise(losses).rise);
  return { losses, drawUp, monotoneOnProbe: drawUp <= noiseFloor };
}

function nonNegative(rise: number): number {
  return Number.isNaN(rise) ? rise : Math.max(0, rise);
}

export const lineProfileStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Loss on the straight line θ₀ → θ_t",
    about:
      "Loss at points on the straight line from the initial weights to those of now: ground that training never walked. Eleven points are a hint; the last measurement has 51, and the same line from an unrelated start as a control.",
    source: "Goodfellow, Vinyals & Saxe 2015, arXiv:1412.6544; Lucas et al. 2021, arXiv:2104.11044",
    unit: "loss",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [
      { path: "drawUp", label: "draw-up on the line", unit: "loss", scale: "linear" },
      { path: "plateau", label: "α where half of the way down is gone", unit: "1", scale: "linear" },
      { path: "noiseFloor", label: "noise floor", unit: "loss", scale: "log" },
      { path: "pairedStdErr", label: "standard error of the largest rise", unit: "loss", scale: "log" },
      {
        path: "residual.*",
        label: "distance of the path from the line / ‖θ_t − θ₀‖",
        unit: "1",
        scale: "linear",
      },
      { path: "losses", label: "L((1−α)θ₀ + αθ_t)", unit: "loss", scale: "linear" },
      { path: "control.losses", label: "the same from an unrelated start", unit: "loss", scale: "linear" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "line",
  applies: () => true,
  derive: ({ run, every, channel }) =>
    lineProfile(run.objective, {
      every,
      channel,
      initial: run.initial,
      unrelatedInitial: run.unrelatedInitial,
      isSample: !run.probeIsTrainingSet,
    }),
};
