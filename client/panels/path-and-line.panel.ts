/** Two things are called "the loss falls monotonically". They stand side by side here, so that nobody takes one for the other. */
import type { LineProfile, PathMonotonicity } from "../../shared/readings.ts";
import { fallsOnLine } from "../../shared/verdicts/line-monotone.ts";
import { fallsOnPath } from "../../shared/verdicts/path-monotone.ts";
import type { Verdict } from "../../shared/verdicts.ts";
import type { ProfileChartModel } from "../charts/chart.ts";
import { formatNumber, formatPercent } from "../data/formats.ts";
import { ageNote, numbersAt, sampleAt } from "./figure.ts";
import type { Figure, LineDrawing, Panel, Scene } from "./panel.ts";

const PATH = "path/monotonicity";
const LINE = "line/profile";

/** The rules are those of the verdicts. */
const ANSWERS: Readonly<Record<Verdict["state"], Pick<Figure, "text" | "tone">>> = {
  yes: { text: "yes", tone: "good" },
  no: { text: "no", tone: "warn" },
  undecided: { text: "undecided" },
};

function drawPath({ history }: Scene): LineDrawing {
  const excess = history.series(PATH, "excess");
  const drawUp = history.series(PATH, "drawUp");
  return {
    series: [
      ...(drawUp === undefined
        ? []
        : [
            {
              label: "draw-up so far",
              series: drawUp,
              colour: "series-2" as const,
              dash: "dash" as const,
              mark: "step-after" as const,
              directLabel: false,
            },
          ]),
      ...(excess === undefined
        ? []
        : [{ label: "above its lowest", series: excess, colour: "series-1" as const, directLabel: false }]),
    ],
    unit: "loss above its lowest",
    includeZero: true,
  };
}

function pathFigures(scene: Scene): readonly Figure[] {
  const sample = numbersAt<PathMonotonicity>(scene, PATH, [
    "drawUp",
    "upFraction",
    "every",
    "pairedStdErr",
    "firstLoss",
  ]);
  if (sample === null) return [{ label: "Draw-up", text: "–" }];
  // Where it is not known how many steps lie between, a rise may.
  const {
    drawUp = Number.NaN,
    every = Number.POSITIVE_INFINITY,
    upFraction,
    pairedStdErr,
    ...rest
  } = sample.value;
  const losses = scene.history.series("path/loss");
  const firstOnPath = losses === undefined || losses.length === 0 ? Number.NaN : losses.valueAt(0);
  const { isTrainingSet } = scene.header.probe;
  const answer = fallsOnPath({ ...rest, drawUp, every }, firstOnPath, lastFiniteDrawUp(scene));
  return [
    { label: "Monotone", ...ANSWERS[answer] },
    {
      label: "Draw-up",
      text: `${every > 1 ? "≥ " : ""}${formatNumber(drawUp, 3)}`,
      ...(pairedStdErr === undefined || isTrainingSet ? {} : { note: `± ${formatNumber(pairedStdErr, 2)}` }),
      colour: "series-2",
      dash: "dash",
    },
    { label: "Steps that rise", text: formatPercent(upFraction), ...ageNote(sample.ageSteps) },
  ];
}

/** From the first loss that is no number on, the draw-up is none either. */
function lastFiniteDrawUp({ history, step }: Scene): number {
  const drawUps = history.series(PATH, "drawUp");
  const index = drawUps?.indexAtOrBefore(step) ?? -1;
  if (drawUps === undefined || index < 0) return Number.NaN;
  const [firstBad = index + 1] = drawUps.nonFinite(0, index + 1);
  return firstBad === 0 ? Number.NaN : drawUps.valueAt(firstBad - 1);
}

function drawLine(scene: Scene): ProfileChartModel | null {
  const sample = sampleAt<LineProfile>(scene, LINE);
  if (sample === null) return null;
  const { alphas, losses, control, carriesVerdict } = sample.value;
  return {
    curves: [
      ...(control === null
        ? []
        : [
            {
              label: "from an unrelated start",
              xs: alphas,
              ys: control.losses,
              colour: "series-4" as const,
              role: "ghost" as const,
              dash: "dash" as const,
              directLabel: false,
            },
          ]),
      {
        label: "from θ₀",
        xs: alphas,
        ys: losses,
        colour: "series-3",
        role: carriesVerdict ? "verdict" : "hint",
        directLabel: false,
      },
    ],
    xLabel: "α, from θ₀ (0) to θ at the cursor (1)",
    yLabel: "loss",
    scale: scene.scales["line"] ?? "linear",
    unit: "loss",
  };
}

function lineFigures(scene: Scene): readonly Figure[] {
  const sample = sampleAt<LineProfile>(scene, LINE);
  if (sample === null) return [{ label: "Draw-up", text: "–" }];
  const { drawUp, pairedStdErr, control, carriesVerdict } = sample.value;
  const { isTrainingSet } = scene.header.probe;
  return [
    { label: "Monotone", ...ANSWERS[fallsOnLine(sample.value, isTrainingSet)] },
    {
      label: "Draw-up",
      text: formatNumber(drawUp, 3),
      ...(drawUp > 0 && !isTrainingSet
        ? { note: `± ${formatNumber(pairedStdErr, 2)}` }
        : ageNote(sample.ageSteps)),
      colour: "series-3",
      dash: carriesVerdict ? "solid" : "dash",
    },
    {
      label: "Control",
      // Always there, so that nothing moves when it comes.
      text: formatNumber(control?.drawUp, 3),
      ...(control === null || Number.isNaN(control.drawUp)
        ? {}
        : { note: control.monotoneOnProbe ? "monotone too" : "rises" }),
      colour: "series-4",
      dash: "dash",
    },
  ];
}

export const panel: Panel = {
  id: "path-and-line",
  title: "Does the loss fall monotonically?",
  about:
    "Two different questions. The path: does the loss ever rise from one step of training to a later one? The straight line: does it rise anywhere between the first weights and those of now, on ground that training never walked? Its control is the same line from an unrelated start.",
  order: 20,
  span: 6,
  height: 240,
  streams: [PATH, LINE],
  parts: [
    {
      id: "path",
      kind: "line",
      title: "Along the path",
      subtitle: "where training went",
      scales: ["linear", "symlog"],
      draw: drawPath,
      figures: pathFigures,
    },
    {
      id: "line",
      kind: "profile",
      title: "Along the straight line",
      subtitle: "from θ₀ to here, where it never went",
      draw: drawLine,
      figures: lineFigures,
    },
  ],
  note: (scene) => {
    const line = sampleAt<LineProfile>(scene, LINE);
    if (line === null) return null;
    const { alphas, carriesVerdict, residual } = line.value;
    const points = `The line has ${alphas.length} points, which ${carriesVerdict ? "carry the verdict" : "are a hint; that of the last step has 51"}.`;
    if (residual.length === 0) return points;
    return `${points} The path strays from it by up to ${formatPercent(Math.max(...residual))} of its length.`;
  },
};
