/** The edge of stability as Adam has it: λ₁ of the Hessian divided by what the optimizer divides by. */
import type { PreconditionedEigenvalues } from "../../shared/readings.ts";
import { formatNumber } from "../data/formats.ts";
import { ageNote, sampleAt } from "./figure.ts";
import type { Figure, LineDrawing, Panel, Scene } from "./panel.ts";

const CHANNEL = "hessian/preconditioned";

function draw({ history, header }: Scene): LineDrawing {
  const value = history.series(CHANNEL, "top.0.value");
  const whisker = history.series(CHANNEL, "top.0.residual");
  const certainty = history.series(CHANNEL, "top.0.converged");
  const threshold = history.series(CHANNEL, "threshold");
  if (value === undefined || whisker === undefined || certainty === undefined || threshold === undefined)
    return { series: [], unit: "θ⁻¹" };
  const isBound = !header.train.fullBatch;
  return {
    series: [
      { label: "λ₁(P⁻¹H)", series: value, colour: "series-1", weight: 1.25, whisker, certainty },
      {
        label: isBound ? "full-batch bound" : "38/η",
        series: threshold,
        colour: isBound ? "ink-3" : "threshold",
        dash: "dash",
        mark: "step-after",
        weight: 1,
      },
    ],
    unit: "θ⁻¹",
  };
}

function figures(scene: Scene): readonly Figure[] {
  const sample = sampleAt<PreconditionedEigenvalues>(scene, CHANNEL);
  const first = sample?.value.top[0];
  if (sample === null || first === undefined) return [{ label: "λ₁(P⁻¹H)", text: "–" }];
  const { ratio, threshold, rule } = sample.value;
  return [
    {
      label: "λ₁(P⁻¹H)",
      text: formatNumber(first.value),
      note: first.converged ? `± ${formatNumber(first.residual, 2)}` : "not converged",
      colour: "series-1",
      ...(first.converged ? {} : { tone: "warn" as const }),
    },
    {
      label: "Threshold",
      text: formatNumber(threshold),
      note: rule === "adam" ? "38/η" : "full-batch bound",
      colour: rule === "adam" ? "threshold" : "ink-3",
      dash: "dash",
    },
    { label: "Ratio", text: formatNumber(ratio, 3), ...ageNote(sample.ageSteps) },
  ];
}

export const panel: Panel = {
  id: "preconditioned",
  title: "Preconditioned sharpness",
  about:
    "Largest eigenvalue of P⁻¹H, P the diagonal by which Adam divides its step. Adam's stability depends on it as gradient descent's does on λ₁ of the Hessian, which is free to rise here as long as P rises with it. In the first steps P is still small, and the value far above the threshold.",
  order: 42,
  span: 8,
  height: 240,
  streams: [CHANNEL],
  parts: [{ id: "preconditioned", kind: "line", scales: ["log", "linear"], draw, figures }],
};
