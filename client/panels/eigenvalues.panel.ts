import type { BatchSharpness, HessianEigenvalues, ThresholdRule } from "../../shared/readings.ts";
import type { LineSeries } from "../charts/chart.ts";
import { formatNumber, formatPercent } from "../data/formats.ts";
import type { History } from "../data/history.ts";
import { ageNote, sampleAt } from "./figure.ts";
import type { Figure, LineDrawing, Panel, Scene } from "./panel.ts";

const SPECTRUM = "hessian/eigenvalues";
const BATCH = "hessian/batch-sharpness";

const RULES: Readonly<Record<ThresholdRule, string>> = {
  gd: "2/η",
  "heavy-ball": "(2+2β)/η",
  nesterov: "(2+2β)/((1+2β)η)",
  adam: "38/η on P⁻¹H",
  "full-batch-bound": "full-batch bound",
};

/** λ₁ stands out; the others are thinner, and only the first of each end is named. */
function eigenvalueLines(history: History, end: "top" | "bottom"): LineSeries[] {
  return history
    .seriesMatching(SPECTRUM, `${end}.*.value`)
    .map((series, index): LineSeries => {
      const residual = history.series(SPECTRUM, `${end}.${index}.residual`);
      const converged = history.series(SPECTRUM, `${end}.${index}.converged`);
      return {
        label: end === "top" ? `λ${subscript(index + 1)}` : index === 0 ? "λ min" : `λ min ${index + 1}`,
        series,
        colour: end === "top" ? "series-1" : "series-4",
        weight: index === 0 ? (end === "top" ? 1.5 : 1) : 0.5,
        directLabel: index === 0,
        ...(residual === undefined || index > 0 ? {} : { whisker: residual }),
        ...(converged === undefined ? {} : { certainty: converged }),
      };
    })
    .reverse();
}

function draw({ history, header }: Scene): LineDrawing {
  const threshold = history.series(SPECTRUM, "threshold");
  const batch = history.series(BATCH, "value");
  const stdErr = history.series(BATCH, "stdErr");
  const isBound = !header.train.fullBatch;
  return {
    series: [
      ...eigenvalueLines(history, "bottom"),
      ...eigenvalueLines(history, "top"),
      ...(batch === undefined
        ? []
        : [
            {
              label: "batch sharpness",
              series: batch,
              colour: "series-2" as const,
              ...(stdErr === undefined ? {} : { whisker: stdErr }),
            },
          ]),
      ...(threshold === undefined
        ? []
        : [
            {
              label: isBound ? "full-batch bound" : "stability threshold",
              series: threshold,
              colour: isBound ? ("ink-3" as const) : ("threshold" as const),
              dash: "dash" as const,
              mark: "step-after" as const,
              weight: 1,
            },
          ]),
    ],
    unit: "loss·θ⁻²",
    includeZero: true,
  };
}

function figures(scene: Scene): readonly Figure[] {
  const sample = sampleAt<HessianEigenvalues>(scene, SPECTRUM);
  const first = sample?.value.top[0];
  if (sample === null || first === undefined) return [{ label: "λ₁", text: "–" }];
  // A trainer of somebody else's may not measure the lower end.
  const { threshold, rule, top, bottom = [], probeStdErr } = sample.value;
  const cold = scene.history.series(SPECTRUM, "coldGap")?.at(scene.step) ?? null;
  const batch = sampleAt<BatchSharpness>(scene, BATCH);
  const unconverged = [...top, ...bottom].filter(({ converged }) => !converged).length;
  const lowest = bottom[0];
  return [
    {
      label: "λ₁",
      text: formatNumber(first.value),
      note: first.converged ? `± ${formatNumber(first.residual, 2)}` : "not converged",
      colour: "series-1",
      ...(first.converged ? {} : { tone: "warn" as const }),
    },
    ...(batch === null
      ? []
      : [
          {
            label: "Batch sharpness",
            text: formatNumber(batch.value.value),
            note: `± ${formatNumber(batch.value.stdErr, 2)}`,
            colour: "series-2" as const,
          },
        ]),
    ...(threshold === null || rule === null
      ? []
      : [
          {
            label: "Threshold",
            text: formatNumber(threshold),
            note: RULES[rule],
            colour: rule === "full-batch-bound" ? ("ink-3" as const) : ("threshold" as const),
            dash: "dash" as const,
          },
        ]),
    ...(lowest === undefined
      ? []
      : [{ label: "λ min", text: formatNumber(lowest.value, 3), colour: "series-4" as const }]),
    unconverged > 0
      ? {
          label: "Converged",
          text: `${top.length + bottom.length - unconverged} of ${top.length + bottom.length}`,
          tone: "warn",
        }
      : { label: "Converged", text: "all", ...ageNote(sample.ageSteps) },
    // Made at every tenth measurement; it stays, with its age. What a cold start finds less is none found by it alone.
    {
      label: "Cold check",
      text: formatPercent(cold && Math.max(0, cold.value)),
      ...ageNote(cold?.ageSteps ?? 0),
    },
    ...(probeStdErr === null ? [] : [{ label: "Probe error of λ₁", text: formatNumber(probeStdErr, 2) }]),
  ];
}

function subscript(index: number): string {
  return [...String(index)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]).join("");
}

export const panel: Panel = {
  id: "eigenvalues",
  title: "Largest and smallest Hessian eigenvalues",
  about:
    "Curvature of the probe loss along its sharpest directions, by Lanczos on exact Hessian-vector products. Whiskers are residuals; a hollow mark has not converged. The dashed line is where this optimizer would stop being stable on a quadratic.",
  order: 30,
  span: 8,
  height: 288,
  streams: [SPECTRUM, BATCH],
  parts: [{ id: "eigenvalues", kind: "line", scales: ["linear", "symlog"], draw, figures }],
  note: ({ header }) =>
    header.train.fullBatch
      ? null
      : "With minibatches 2/η binds batch sharpness, not λ₁: the grey line is the bound that only full-batch training must obey.",
};
