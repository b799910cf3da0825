import { describe, expect, it } from "vitest";
import type { SessionState } from "../../shared/header.ts";
import { figure, percent } from "../../shared/number-words.ts";
import type { HessianEigenvalues } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import {
  createVerdicts,
  VERDICT_CHANNELS,
  type Verdict,
  type VerdictHeader,
  verdictsOf,
} from "../../shared/verdicts.ts";

function header(fullBatch = true, isTrainingSet = true): VerdictHeader {
  return {
    channels: VERDICT_CHANNELS.map((name) => ({ name })),
    train: { dataset: "mnist", size: 1000, batchSize: 1000, fullBatch, shuffling: "none", lastBatch: "kept" },
    probe: {
      dataset: "mnist",
      sha256: "",
      split: "train",
      size: 1000,
      isTrainingSet,
      indices: [],
      preprocessing: "none",
    },
  };
}

interface Spectrum {
  readonly ratio: number | null;
  readonly converged?: boolean;
  readonly rule?: string | null;
  readonly coldGap?: number | null;
}
const spectrum = (
  step: number,
  { ratio, converged = true, rule = "gd", coldGap = null }: Spectrum,
): Sample => ({
  channel: "hessian/eigenvalues",
  step,
  value: {
    top: [{ value: 10 * (ratio ?? 1), residual: 1e-3, converged }],
    bottom: [],
    threshold: ratio === null ? null : 10,
    rule,
    ratio,
    eta: 0.2,
    n: 1000,
    loss: 1,
    thetaNorm: 1,
    hvps: 20,
    coldGap,
    probeStdErr: null,
  },
});
const ratios = (from: number, values: readonly number[]) =>
  values.map((ratio, i) => spectrum(from + 25 * i, { ratio }));
const trainLosses = (...values: number[]): Sample[] =>
  values.map((value, i) => ({ channel: "train/loss", step: i + 1, value }));
const batch = (step: number, ratio: number, stdErr = 0.5): Sample => ({
  channel: "hessian/batch-sharpness",
  step,
  value: { value: 20 * ratio, stdErr, batches: 32, threshold: 20, ratio },
});

const path = (step: number, loss: number, drawUp: number, every = 1, population = drawUp): Sample[] => [
  { channel: "path/loss", step, value: loss },
  {
    channel: "path/monotonicity",
    step,
    value: { excess: 0, drawUp, upFraction: 0.25, every, populationDrawUp: population, pairedStdErr: 0.01 },
  },
];

function judge(
  id: string,
  samples: readonly Sample[],
  state: SessionState = "ended",
  of: VerdictHeader = header(),
): Verdict {
  const verdict = verdictsOf(of, samples, state).find((one) => one.id === id);
  if (verdict === undefined) throw new Error(`no verdict ${id}`);
  return verdict;
}

/** train/loss that rises at this step alone: what it says at step t was the loss at t − 1. */
const risingAt = (step: number): Sample[] =>
  [2, 1, 1.1, 1].map((value, i) => ({ channel: "train/loss", step: step - 1 + i, value }));
const rising = risingAt(100);
const ten = Array.from({ length: 10 }, () => 1.01);

describe("the verdict on the edge of stability", () => {
  it("rests on the preconditioned Hessian under Adam, whatever λ₁ of the Hessian itself does", () => {
    const withoutRule = [0, 25, 50].map((step) => spectrum(step, { ratio: null, rule: null }));
    const preconditioned = ratios(1, [0.5, ...ten]).map((sample) => ({
      ...sample,
      channel: "hessian/preconditioned",
      value: { ...(sample.value as object), rule: "adam" },
    }));
    const inOrder = [...withoutRule, ...preconditioned].sort((a, b) => a.step - b.step);
    const verdict = judge("edge-of-stability", [...inOrder, ...rising]);
    expect(verdict.state).toBe("yes");
    expect(verdict.sentence).toContain("Preconditioned sharpness stayed within 0.9 and 1.2");
    expect(verdict.sentence).toContain("at 10 consecutive measurements, from step 26 to 251");
    expect(verdict.evidence[0]).toEqual({ channel: "hessian/preconditioned", steps: [26, 251] });
    const bounded = preconditioned.map(({ value, ...rest }) => ({
      ...rest,
      value: { ...value, rule: "full-batch-bound" },
    }));
    expect(judge("edge-of-stability", bounded, "ended", header(false)).sentence).toContain(
      "λ₁ of the full preconditioned Hessian reached 1.01 of its bound",
    );
    expect(judge("edge-of-stability", withoutRule).sentence).toBe(
      "This optimizer has no stability threshold for λ₁ of the Hessian itself.",
    );
  });

  it("is yes after ten consecutive converged measurements in the band and one rise of the full-batch loss", () => {
    const verdict = judge("edge-of-stability", [...ratios(25, [0.7, ...ten]), ...rising]);
    expect(verdict.state).toBe("yes");
    expect(verdict.sentence).toContain("from step 50 to 275");
    expect(verdict.evidence).toEqual([
      { channel: "hessian/eigenvalues", steps: [50, 275] },
      { channel: "train/loss", steps: [100] },
    ]);
  });

  it.each<[number, Verdict["state"], string]>([
    [49, "undecided", "not risen at any step between"],
    [50, "yes", "rose at 1 step."],
    [163, "yes", "rose at 1 step."],
    [275, "yes", "rose at 1 step."],
    [276, "undecided", "not risen at any step between"],
  ])("asks for a rise from the first of them to the last: one at step %i, %s", (step, state, words) => {
    const spectra = ratios(25, [0.7, ...ten, 0.7]);
    const losses = risingAt(step);
    for (const samples of [
      [...spectra, ...losses],
      [...losses, ...spectra],
      [...spectra, ...losses].sort((a, b) => a.step - b.step),
    ]) {
      const verdict = judge("edge-of-stability", samples);
      expect(verdict.state).toBe(state);
      expect(verdict.sentence).toContain(words);
      expect(verdict.evidence[1]?.steps).toEqual(state === "yes" ? [step] : []);
      expect(verdict.how).toContain(`: 1, ${state === "yes" ? 1 : 0} of them in the longest stretch`);
    }
  });

  it("counts the start in what sharpness has reached, and says nothing of it before it is known", () => {
    const below = Array.from({ length: 12 }, () => 0.5);
    expect(judge("edge-of-stability", ratios(0, [0.66, ...below])).sentence).toBe(
      "Sharpness was at most 0.66 of the stability threshold, at measurements up to 25 steps apart.",
    );
    const minibatch = (...samples: Sample[]) =>
      judge("edge-of-stability", samples, "running", header(false, false)).sentence;
    const start = { ratio: 0.8, rule: "full-batch-bound" };
    expect(minibatch(spectrum(0, start))).toContain("λ₁ of the full Hessian reached 0.8 of its bound");
    expect(minibatch(spectrum(0, { ...start, converged: false }))).toBe(
      "Batch sharpness has not been measured yet.",
    );
  });

  it.each<[string, Verdict["state"], Sample[]]>([
    ["nothing measured", "undecided", []],
    ["nine in a row", "undecided", [...ratios(25, ten.slice(1)), ...rising]],
    ["ten, one of them at step 0", "undecided", [...ratios(0, ten), ...rising]],
    ["one step measured ten times", "undecided", [...ten.map((ratio) => spectrum(25, { ratio })), ...rising]],
    ["ten with a gap", "no", [...ratios(25, [...ten.slice(1), 0.89, 1, 1]), ...rising]],
    [
      "ten, one unconverged",
      "undecided",
      [...ratios(25, ten.slice(1)), spectrum(250, { ratio: 1, converged: false }), ...rising],
    ],
    ["ten in the band but no rise of the loss", "undecided", [...ratios(25, ten), ...trainLosses(3, 2, 1)]],
    [
      "a rise as small as rounding",
      "undecided",
      [
        ...ratios(25, ten),
        ...rising.map((each) => (each.value === 1.1 ? { ...each, value: 1 + 5e-7 } : each)),
      ],
    ],
    [
      "always far below",
      "no",
      [
        ...ratios(
          25,
          Array.from({ length: 12 }, () => 0.5),
        ),
        ...trainLosses(3, 2, 1),
      ],
    ],
    [
      "always above 1.2",
      "no",
      [
        ...ratios(
          25,
          Array.from({ length: 12 }, () => 1.3),
        ),
        ...rising,
      ],
    ],
    ["no threshold for the optimizer", "undecided", [spectrum(25, { ratio: null, rule: null })]],
  ])("with %s: %s", (_, state, samples) => {
    expect(judge("edge-of-stability", samples).state).toBe(state);
  });

  it("says that it was so, when it has ended", () => {
    const verdict = judge("edge-of-stability", [...ratios(25, [...ten, 0.4]), ...rising]);
    expect(verdict.state).toBe("yes");
    expect(verdict.sentence).toContain("At step 275 the ratio is 0.4");
  });

  it("says how many of ten while it is under way", () => {
    const verdict = judge(
      "edge-of-stability",
      [...ratios(25, [0.5, ...Array.from({ length: 12 }, () => 0.6), 1, 1])],
      "running",
    );
    expect(verdict).toMatchObject({ state: "undecided" });
    expect(verdict.sentence).toContain("2 of 10");
  });

  it("says no of the steps at which it was measured, and how far these are apart", () => {
    const steps = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1500];
    const missed = steps.map((step) => spectrum(step, { ratio: step === 512 ? 0.517 : 0.1 }));
    const sentence =
      "Sharpness was at most 0.517 of the stability threshold, at measurements up to 500 steps apart.";
    expect(judge("edge-of-stability", missed)).toMatchObject({ state: "no", sentence });
    // What has not converged measures nothing.
    const unconverged = [
      ...missed,
      spectrum(1600, { ratio: 0.2, converged: false }),
      spectrum(2100, { ratio: 0.1 }),
    ];
    expect(judge("edge-of-stability", unconverged).sentence).toContain(
      "at measurements up to 600 steps apart",
    );
  });

  it("tells what cold starts found, or that there was none", () => {
    expect(judge("edge-of-stability", [spectrum(25, { ratio: 1 })]).how).toContain("No cold start");
    expect(judge("edge-of-stability", [spectrum(25, { ratio: 1, coldGap: 0.02 })]).how).toContain(
      "at most 2\u00a0%",
    );
  });

  it("has no relative residual of a Hessian that is zero, and reads over a cold gap of 0/0", () => {
    const dead = spectrum(25, { ratio: 0, coldGap: Number.NaN });
    const top = [{ value: 0, residual: 0, converged: true }];
    const { how } = judge("edge-of-stability", [
      spectrum(10, { ratio: 1, coldGap: 0.02 }),
      { ...dead, value: { ...(dead.value as HessianEigenvalues), top } },
      spectrum(50, { ratio: 1 }),
    ]);
    expect(how).toContain("largest relative residual 1.0e−4. Cold starts found at most 2\u00a0% more");
  });

  it("rests on batch sharpness with minibatches, where λ₁ is only bounded", () => {
    const bound = (step: number) => spectrum(step, { ratio: 0.4, rule: "full-batch-bound" });
    const steps = Array.from({ length: 10 }, (_, i) => 25 * (i + 1));
    const minibatch = (samples: Sample[]) =>
      judge("edge-of-stability", samples, "ended", header(false, false));
    const near = steps.flatMap((step) => [bound(step), batch(step, 1.05)]);
    expect(minibatch(near)).toMatchObject({
      state: "yes",
      evidence: [{ channel: "hessian/batch-sharpness", steps: [25, 250] }],
    });
    expect(minibatch(near).sentence).toContain("reached 0.4 of its bound");
    expect(minibatch(steps.flatMap((step) => [bound(step), batch(step, 0.3)])).state).toBe("no");
    expect(minibatch(steps.flatMap((step) => [bound(step), batch(step, 1.05, 5)])).state).toBe("undecided");
    expect(minibatch(steps.map(bound)).state).toBe("undecided");
  });
});

describe("the verdict on a catapult", () => {
  const path = (...losses: number[]): Sample[] =>
    losses.map((value, step) => ({ channel: "path/loss", step, value }));

  it("is yes when sharpness begins above the threshold and falls below, with the rise of the loss on the way", () => {
    const verdict = judge("catapult", [
      ...path(2, 5, 1),
      spectrum(0, { ratio: 2.01 }),
      spectrum(4, { ratio: 1.3 }),
      spectrum(8, { ratio: 0.93 }),
      spectrum(16, { ratio: 1.03 }),
    ]);
    expect(verdict.state).toBe("yes");
    expect(verdict.sentence).toContain("fallen to 0.93 of it by step 8");
    expect(verdict.sentence).toContain(
      "rose from 2 to 5 (step 1) on the way and was below its first value again by step 2.",
    );
    expect(verdict.evidence).toEqual([
      { channel: "hessian/eigenvalues", steps: [0, 8] },
      { channel: "path/loss", steps: [1, 2] },
    ]);
  });

  it("holds λ₁ against the threshold of the first η: a smaller η makes nothing flatter", () => {
    const lowered = { ...(spectrum(4, { ratio: 0.165 }).value as HessianEigenvalues), threshold: 100 };
    const spectra = [
      spectrum(0, { ratio: 2 }),
      { ...spectrum(4, { ratio: 0.165 }), value: { ...lowered, top: [{ ...lowered.top[0], value: 16.5 }] } },
    ];
    expect(judge("catapult", [...path(2, 5, 1), ...spectra])).toMatchObject({
      state: "no",
      sentence: "Sharpness began at 2 times the stability threshold of the first η and never fell below it.",
    });
    expect(judge("catapult", [...path(2, 5, 1), ...spectra], "running").sentence).toContain(
      "1.65 times it now",
    );
  });

  it("has landed only where the loss comes below its first value after the rise", () => {
    const spectra = ratios(0, [2, 0]);
    expect(judge("catapult", [...path(2, 1, 500, 27, 470, 27), ...spectra])).toMatchObject({
      state: "no",
      sentence: expect.stringContaining(
        "to 500 (step 2) on the way and never came below its first value again",
      ),
      evidence: [{ steps: [0, 25] }, { steps: [2] }],
    });
    expect(judge("catapult", [...path(2, 1, 500, 27), ...spectra], "running").state).toBe("undecided");
    // Thrown up once more after the landing: what was highest on the way stays.
    const later = [
      ...path(2, 5, 3, 4),
      { channel: "path/loss", step: 30, value: 9 },
      { channel: "path/loss", step: 31, value: 1.5 },
    ];
    expect(judge("catapult", [...later, ...spectra]).sentence).toContain(
      "to 5 (step 1) on the way and was below its first value again by step 31.",
    );
  });

  it("does not depend on how late spectra come: a rise after the landing is not on the way", () => {
    const losses = path(2, 5, 1, 1, 1, 1, 1, 1, 1, 9);
    const spectra = [spectrum(0, { ratio: 2 }), spectrum(8, { ratio: 0.9 })];
    const early = judge("catapult", [...spectra, ...losses]);
    expect(early.sentence).toContain("to 5 (step 1)");
    expect(judge("catapult", [...losses, ...spectra])).toEqual(early);
  });

  it.each<[string, Verdict["state"], Sample[], SessionState]>([
    ["a start below the threshold", "no", ratios(0, [0.7, 0.5]), "ended"],
    ["a start above that has not fallen yet", "undecided", ratios(0, [2, 1.5]), "running"],
    ["a start above that fell, and no loss", "undecided", ratios(0, [2, 0.5]), "ended"],
    [
      "a start above that fell while the loss did",
      "no",
      [...path(2, 1, 1.5), ...ratios(0, [2, 0.5])],
      "ended",
    ],
    ["a start above that never fell", "no", ratios(0, [2, 1.5]), "ended"],
    ["divergence", "no", ratios(0, [4, 9]), "diverged"],
    [
      "an unconverged start",
      "undecided",
      [spectrum(0, { ratio: 2, converged: false }), ...ratios(1, [0.5])],
      "ended",
    ],
    [
      "an unconverged landing",
      "undecided",
      [spectrum(0, { ratio: 2 }), spectrum(1, { ratio: 0.5, converged: false })],
      "running",
    ],
    ["no measurement at the start", "undecided", ratios(25, [2, 0.5]), "ended"],
    ["minibatches", "undecided", [spectrum(0, { ratio: 2, rule: "full-batch-bound" })], "ended"],
  ])("with %s: %s", (_, state, samples, sessionState) => {
    expect(judge("catapult", samples, sessionState).state).toBe(state);
  });
});

describe("the verdict on the path", () => {
  it.each<[string, Verdict["state"], Sample[]]>([
    ["one measurement", "undecided", path(0, 2, 0)],
    ["no rise at any step", "yes", [...path(0, 2, 0), ...path(1, 1, 0)]],
    ["a rise of rounding", "yes", [...path(0, 2, 0), ...path(1, 1, 1e-6)]],
    ["a rise", "no", [...path(0, 2, 0), ...path(1, 1, 0), ...path(2, 1.5, 0.5)]],
    ["no rise, but not every step measured", "undecided", [...path(0, 2, 0, 25), ...path(25, 1, 0, 25)]],
    ["a rise between steps that were measured", "no", [...path(0, 2, 0, 25), ...path(25, 2.5, 0.5, 25)]],
    ["a loss that is not finite", "undecided", [...path(0, 2, 0), ...path(1, Number.NaN, Number.NaN)]],
  ])("with %s: %s", (_, state, samples) => {
    expect(judge("path-monotone", samples).state).toBe(state);
  });

  it("names the size, where it stood, and that a thinned path gives a lower bound", () => {
    const verdict = judge("path-monotone", [
      ...path(0, 2, 0, 25),
      ...path(25, 2.5, 0.5, 25),
      ...path(50, 1, 0.5, 25),
    ]);
    expect(verdict.sentence).toContain(
      "by up to at least 0.5 above an earlier value (25\u00a0% of the first loss)",
    );
    expect(verdict.evidence).toEqual([{ channel: "path/monotonicity", steps: [25] }]);
  });

  it("needs the first loss, of the reading itself or of path/loss, to tell a rise from rounding", () => {
    const readings = [...path(0, 2, 0), ...path(1, 1, 0), ...path(2, 1.5, 0.5)].filter(
      ({ channel }) => channel === "path/monotonicity",
    );
    const verdict = judge("path-monotone", readings);
    expect(verdict.state).toBe("undecided");
    expect(verdict.sentence).toContain("risen by up to 0.5 above an earlier value, but whether");
    const withFirst = readings.map((sample) => ({
      ...sample,
      value: { ...(sample.value as object), firstLoss: 2 },
    }));
    expect(judge("path-monotone", withFirst)).toMatchObject({
      state: "no",
      sentence:
        "The loss has risen by up to 0.5 above an earlier value (25\u00a0% of the first loss), and it rose in 25\u00a0% of the measured intervals.",
    });
    expect(judge("path-monotone", readings.slice(0, 2)).state, "no rise at all").toBe("yes");
  });

  it("says of recordings from before that their share of rises counts rounding", () => {
    const samples = [...path(0, 2, 0), ...path(1, 1, 0), ...path(2, 1.5, 0.5)];
    expect(judge("path-monotone", samples).sentence).toMatch(
      /of the measured intervals, rounding included\.$/,
    );
  });

  it("says when the probe is too small for the rise to be the data's", () => {
    const samples = [...path(0, 2, 0), ...path(1, 2.01, 0.01, 1, 0)];
    expect(judge("path-monotone", samples, "ended", header(false, false)).sentence).toContain(
      "does not show",
    );
    const { sentence, how } = judge("path-monotone", samples);
    expect(`${sentence} ${how}`).not.toMatch(/does not show|tandard error/);
  });
});

describe("the verdicts on a fork", () => {
  const fork = {
    session: "0".repeat(32),
    name: "edge",
    step: 40,
    thetaSha256: "",
    pathLength: null,
    changed: {},
  };
  const judgeFork = (id: string, samples: readonly Sample[]) =>
    judge(id, samples, "running", { ...header(), fork });

  it("counts the steps since it was forked, not those of the run that it left", () => {
    const samples = [...path(40, 2, 0), ...path(41, 1.9, 0), ...path(42, 1.8, 0)];
    const { sentence, how } = judgeFork("path-monotone", samples);
    expect(sentence).toBe(
      "The loss has not risen above an earlier value at any of 2 steps from step 40 on, where it was forked.",
    );
    expect(how).toContain("3 measurements, every 1 step from step 40 on, where it was forked.");
    expect(judge("path-monotone", samples).sentence).not.toContain("fork");
    expect(judgeFork("path-monotone", [...samples, ...path(43, 2.1, 0.3)]).sentence).toMatch(
      /of the measured intervals from step 40 on, where it was forked, rounding included\.$/,
    );
  });

  it("does not ask how training began", () => {
    expect(judgeFork("catapult", ratios(40, [1.8, 0.9]))).toMatchObject({
      state: "undecided",
      sentence: "This run begins at step 40 of edge: what happened at the start is in that session.",
    });
  });

  it("says from which step on sharpness was measured and losses are finite", () => {
    expect(judgeFork("edge-of-stability", ratios(40, [0.5, 0.6])).sentence).toBe(
      "Only 2 converged measurements from step 40 on: 10 are needed.",
    );
    expect(judgeFork("diverged", [{ channel: "train/loss", step: 52, value: 1 }]).sentence).toBe(
      "All losses are finite from step 40 to step 52.",
    );
  });
});

describe("the verdict on the line", () => {
  const profile = (value: object): Sample => ({
    channel: "line/profile",
    step: 100,
    value: {
      alphas: Array.from({ length: 63 }, (_, i) => i / 62),
      losses: [2, 1, 0.5],
      carriesVerdict: true,
      drawUp: 0,
      plateau: 0.3,
      pathSteps: [],
      projection: [],
      residual: [],
      noiseFloor: 1e-6,
      pairedStdErr: 1e-5,
      monotoneOnProbe: true,
      monotoneInPopulation: true,
      control: null,
      ...value,
    },
  });
  const bump = { drawUp: 0.1, monotoneOnProbe: false, monotoneInPopulation: false };
  const small = { ...bump, drawUp: 1e-4, monotoneInPopulation: true };
  const ofSample = (samples: readonly Sample[]) =>
    judge("line-monotone", samples, "ended", header(false, false));

  it.each<[string, Verdict["state"], Sample[]]>([
    ["nothing", "undecided", []],
    ["eleven monotone points", "undecided", [profile({ carriesVerdict: false })]],
    ["eleven points with a bump", "undecided", [profile({ carriesVerdict: false, ...bump })]],
    ["no rise", "yes", [profile({})]],
    ["a negligible rise", "yes", [profile(small)]],
    ["a rise of many standard errors", "no", [profile(bump)]],
    ["a rise within three standard errors", "undecided", [profile({ ...bump, pairedStdErr: 0.05 })]],
    ["a loss that is not finite", "undecided", [profile({ ...bump, drawUp: Number.NaN })]],
  ])("of a sample with %s: %s", (_, state, samples) => {
    expect(ofSample(samples).state).toBe(state);
  });

  it.each<[string, Verdict["state"], object]>([
    ["no rise", "yes", {}],
    ["a rise of just under a thousandth", "yes", { drawUp: 1.9e-3, monotoneOnProbe: false }],
    ["a rise of just over a thousandth", "no", { drawUp: 2.1e-3, monotoneOnProbe: false }],
  ])("of the training set knows no error, with %s: %s", (_, state, value) => {
    const verdict = judge("line-monotone", [
      profile({ pairedStdErr: 0.05, monotoneInPopulation: null, ...value }),
    ]);
    expect(verdict.state).toBe(state);
    expect(verdict.sentence).toMatch(/^The loss on the training set /);
    expect(verdict.how).toContain("the whole training set");
    expect(`${verdict.sentence} ${verdict.how}`).not.toContain("standard error");
    // A recording from before may say that there is no rise in the population.
    const before = judge("line-monotone", [profile({ pairedStdErr: 0.05, ...value })]);
    expect(before).toEqual(verdict);
  });

  it("says what three standard errors of a sample leave open", () => {
    expect(ofSample([profile(small)]).sentence).toContain("also with three of its standard errors added");
    expect(ofSample([profile({ monotoneInPopulation: false })]).sentence).toContain("leave room");
  });

  it("says little when the unrelated start's line is monotone too, and names the control either way", () => {
    const control = { losses: [3, 1], drawUp: 0, monotoneOnProbe: true };
    expect(judge("line-monotone", [profile({ control })]).sentence).toContain("says little");
    const other = judge("line-monotone", [
      profile({ control: { ...control, drawUp: 0.4, monotoneOnProbe: false } }),
    ]);
    expect(other.sentence).not.toContain("says little");
    expect(other.how).toContain("rises by 0.4");
    const lost = profile({ control: { ...control, drawUp: Number.NaN, monotoneOnProbe: false } });
    expect(judge("line-monotone", [lost]).how).toMatch(/Control: the loss is not finite somewhere/);
    expect(judge("line-monotone", [profile({})]).how).toContain("No control was measured");
  });

  it("does not promise the points of the last step once the run is over", () => {
    const hint = [profile({ carriesVerdict: false })];
    expect(judge("line-monotone", hint, "running").sentence).toMatch(/The last step is measured with 51\.$/);
    expect(judge("line-monotone", hint, "ended").sentence).toMatch(
      /It came to no last step, which is measured with 51\.$/,
    );
  });

  it("keeps the verdict of 51 points when a hint comes after it", () => {
    expect(judge("line-monotone", [profile({}), profile({ carriesVerdict: false, ...bump })]).state).toBe(
      "yes",
    );
  });
});

describe("the verdict on the distance", () => {
  const distance = (step: number, relative: number): Sample => ({
    channel: "distance/to-init",
    step,
    value: {
      l2: 5 * relative,
      relative,
      pathLength: 10 * relative,
      straightness: 0.5,
      perLayer: [],
      rotation: [],
    },
  });

  it("asks whether the weights moved farther than their own norm, and tells the detour", () => {
    expect(judge("distance", [distance(3, 0.4)])).toMatchObject({
      state: "no",
      sentence:
        "At step 3 the weights are 2 from where they began: 0.4 of their initial norm. The path there is 4 long, 2 times the straight line.",
    });
    expect(judge("distance", [distance(3, 1.2)]).state).toBe("yes");
    expect(judge("distance", []).state).toBe("undecided");
    expect(judge("distance", [distance(3, Number.NaN)]).state).toBe("undecided");
  });
});

describe("the verdict on divergence", () => {
  const status = (code: string): Sample => ({
    channel: "run/status",
    step: 19,
    value: { level: "error", code, message: "The loss is NaN at step 19." },
  });

  it.each<[string, Verdict["state"], Sample[], SessionState]>([
    ["finite losses", "no", trainLosses(2, 5, 90), "ended"],
    ["a loss that is not finite", "yes", trainLosses(2, 5, Number.POSITIVE_INFINITY), "running"],
    ["the run's own word", "yes", [...trainLosses(2), status("diverged")], "paused"],
    ["another status", "no", [...trainLosses(2), status("stream-failed")], "running"],
    ["the session's state alone", "yes", trainLosses(2, 3), "diverged"],
    ["nothing seen", "undecided", [], "running"],
  ])("with %s: %s", (_, state, samples, sessionState) => {
    expect(judge("diverged", samples, sessionState).state).toBe(state);
  });

  it("repeats the run's own sentence", () => {
    expect(judge("diverged", [status("diverged")], "diverged").sentence).toBe("The loss is NaN at step 19.");
  });
});

describe("verdicts that grow with a session", () => {
  it("equal the verdicts on the whole list, sample by sample", () => {
    const samples = [...ratios(0, [1.4, 0.8, ...ten, 0.5]), ...rising];
    const growing = createVerdicts(header());
    for (const [i, sample] of samples.entries()) {
      growing.observe(sample);
      expect(growing.verdicts("running")).toEqual(verdictsOf(header(), samples.slice(0, i + 1), "running"));
    }
  });

  it("come in one order, each with a question, a sentence and an answer to “how do you know?”", () => {
    const verdicts = verdictsOf(header(), [], "running");
    expect(verdicts.map(({ id }) => id)).toEqual([
      "edge-of-stability",
      "path-monotone",
      "line-monotone",
      "catapult",
      "distance",
      "diverged",
    ]);
    for (const { question, sentence, how } of verdicts) {
      expect(question).toMatch(/\?$/);
      expect(sentence).toMatch(/\.$/);
      expect(how.length).toBeGreaterThan(20);
      expect(`${sentence} ${how}`).not.toMatch(/NaN|undefined|null/);
    }
  });
});

describe("a stream that is left out of the run", () => {
  it.each([
    ["line-monotone", ["line/profile"], "The line is left out of this run."],
    ["path-monotone", ["path/monotonicity"], "The loss on the path is left out of this run."],
    [
      "edge-of-stability",
      ["hessian/eigenvalues", "hessian/preconditioned"],
      "Sharpness is left out of this run.",
    ],
  ])("is not said to be still to come: %s", (id, names, sentence) => {
    const { channels, ...rest } = header();
    const without = { ...rest, channels: channels.filter(({ name }) => !names.includes(name)) };
    expect(judge(id, rising, "running", without)).toMatchObject({ state: "undecided", sentence });
    expect(judge(id, rising, "running").sentence).toMatch(/has (not )?been measured/);
    expect(judge(id, rising, "ended").sentence).not.toContain(" yet");
  });
});

describe("figures in sentences", () => {
  it("have three digits and no needless exponent", () => {
    expect([0, 0.01234, 1.0149, 12.345, 123.45, 123456, 0.00012].map(figure)).toEqual([
      "0",
      "0.0123",
      "1.01",
      "12.3",
      "123",
      "123,456",
      "1.2e−4",
    ]);
    expect(percent(0.01234)).toBe("1.23\u00a0%");
  });
});
