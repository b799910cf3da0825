/** How all eigenvalues of the Hessian are spread: a bulk at zero that dwarfs the rest, so the axis is logarithmic. */
import type { HessianDensity } from "../../shared/readings.ts";
import type { ProfileChartModel, ProfileCurve } from "../charts/chart.ts";
import { formatCount, formatNumber, formatPercent, formatStep } from "../data/formats.ts";
import { ageNote, sampleAt } from "./figure.ts";
import type { Figure, Panel, Scene } from "./panel.ts";

const CHANNEL = "hessian/density";

/** A gap counts as one when it is this much larger than the next, relative to 1. */
const CLEAR = 1.25;
/** Drawn down to this part of the height that a single eigenvalue has: below, the tails of the kernels are no data. */
const TAIL = 0.02;

/** What is too low to stand for an eigenvalue is a gap in the curve. */
function curveOf({ lambda, density, kernelWidth }: HessianDensity, d: number) {
  const single = 1 / (d * kernelWidth * Math.sqrt(2 * Math.PI));
  return { xs: lambda, ys: density.map((value) => (value < TAIL * single ? Number.NaN : value)) };
}

function draw(scene: Scene): ProfileChartModel | null {
  const { history, header } = scene;
  const sample = sampleAt<HessianDensity>(scene, CHANNEL);
  if (sample === null) return null;
  const first = history.rawAtOrBefore<HessianDensity>(CHANNEL, 0);
  const isLater = first !== undefined && first.step < sample.step;
  const { outliers, nearZeroBelow } = sample.value;
  const curves: ProfileCurve[] = [
    ...(isLater
      ? [
          {
            label: "at step 0",
            ...curveOf(first.value, header.parameterCount),
            colour: "ink-3" as const,
            role: "ghost" as const,
            dash: "dash" as const,
            directLabel: false,
          },
        ]
      : []),
    {
      label: `at step ${formatStep(sample.step)}`,
      ...curveOf(sample.value, header.parameterCount),
      colour: "series-1",
      role: "curve",
      directLabel: false,
    },
  ];
  return {
    curves,
    xLabel: "λ",
    yLabel: "density",
    scale: "log",
    unit: "loss⁻¹·θ²",
    rules: [
      ...(Number.isFinite(nearZeroBelow) ? [{ value: nearZeroBelow, label: "near zero" }] : []),
      ...(outliers !== null && isClear(outliers)
        ? [{ value: outliers.lowest, label: formatCount(outliers.count, "outlier") }]
        : []),
    ],
  };
}

function isClear({ gap, secondGap }: NonNullable<HessianDensity["outliers"]>): boolean {
  return gap >= CLEAR * secondGap;
}

function figures(scene: Scene): readonly Figure[] {
  const sample = sampleAt<HessianDensity>(scene, CHANNEL);
  if (sample === null) return [{ label: "Trace", text: "–" }];
  const { trace, traceStdErr, nearZeroFraction, nearZeroBelow, negativeMass, outliers, probes } =
    sample.value;
  return [
    { label: "Trace", text: formatNumber(trace), note: `± ${formatNumber(traceStdErr, 2)}` },
    {
      label: "Near zero",
      text: formatPercent(nearZeroFraction),
      note: `|λ| < ${formatNumber(nearZeroBelow, 2)}`,
    },
    { label: "Negative", text: formatPercent(negativeMass), note: `λ < −${formatNumber(nearZeroBelow, 2)}` },
    ...(outliers === null
      ? []
      : [
          {
            label: "Outliers",
            text: isClear(outliers) ? String(outliers.count) : "no clear gap",
            note: `× ${formatNumber(outliers.gap, 3)}, next ${formatNumber(outliers.secondGap, 3)}`,
          },
        ]),
    { label: "Averaged over", text: formatCount(probes, "vector"), ...ageNote(sample.ageSteps) },
  ];
}

export const panel: Panel = {
  id: "density",
  title: "Density of all eigenvalues",
  about:
    "How the eigenvalues of the probe loss's Hessian are spread, all of them, by stochastic Lanczos quadrature: most lie at zero, a few stand apart. Where outliers lie is exact; how much mass lies where is an average over random vectors. Grey: at step 0.",
  order: 45,
  span: 8,
  height: 260,
  streams: [CHANNEL],
  parts: [{ id: "density", kind: "profile", draw, figures }],
  note: (scene) => {
    const sample = sampleAt<HessianDensity>(scene, CHANNEL);
    if (sample === null) return null;
    return (
      `Near zero is |λ| below 1 % of the largest. The axis is logarithmic: hills on the right are single ones of ` +
      `${formatCount(scene.header.parameterCount, "eigenvalue")}. An outlier is told by the ratio to the next eigenvalue, ` +
      `× ${formatNumber(CLEAR, 3)} larger than any other. ${sample.value.lanczosSteps} Lanczos steps from each vector.`
    );
  },
};
