import type { HessianEigenvalues } from "../../shared/readings.ts";
import { formatNumber } from "../data/formats.ts";
import { ageNote, sampleAt } from "./figure.ts";
import type { Figure, LineDrawing, Panel, Scene } from "./panel.ts";

const SPECTRUM = "hessian/eigenvalues";
/** Of Adam, and then in place of the other. */
const PRECONDITIONED = "hessian/preconditioned";
const BATCH = "hessian/batch-sharpness";

function isPreconditioned({ header }: Scene): boolean {
  return header.channels.some(({ name }) => name === PRECONDITIONED);
}

function draw(scene: Scene): LineDrawing {
  const { history, header } = scene;
  const [channel, name] = isPreconditioned(scene) ? [PRECONDITIONED, "λ₁(P⁻¹H)"] : [SPECTRUM, "λ₁"];
  const ratio = history.series(channel, "ratio");
  const batch = history.series(BATCH, "ratio");
  const isBound = !header.train.fullBatch;
  return {
    series: [
      ...(ratio === undefined
        ? []
        : [
            {
              label: `${name} / ${isBound ? "full-batch bound" : "threshold"}`,
              series: ratio,
              colour: isBound ? ("ink-3" as const) : ("series-1" as const),
              weight: 1.25,
              directLabel: batch !== undefined,
            },
          ]),
      ...(batch === undefined
        ? []
        : [{ label: "batch sharpness / (2/η)", series: batch, colour: "series-2" as const }]),
    ],
    unit: "1",
    references: [{ value: 1, label: "edge" }],
  };
}

function figures(scene: Scene): readonly Figure[] {
  const [channel, name] = isPreconditioned(scene) ? [PRECONDITIONED, "λ₁(P⁻¹H)"] : [SPECTRUM, "λ₁"];
  const sample = sampleAt<Pick<HessianEigenvalues, "ratio" | "eta">>(scene, channel);
  const batch = scene.history.series(BATCH, "ratio")?.at(scene.step) ?? null;
  const ratio = sample?.value.ratio ?? null;
  return [
    {
      label: `${name} / ${scene.header.train.fullBatch ? "threshold" : "bound"}`,
      text: formatNumber(ratio, 3),
      ...(sample === null ? {} : ageNote(sample.ageSteps)),
    },
    ...(batch === null
      ? []
      : [
          {
            label: "Batch / (2/η)",
            text: formatNumber(batch.value, 3),
            colour: "series-2" as const,
            ...ageNote(batch.ageSteps),
          },
        ]),
    ...(sample === null ? [] : [{ label: "η", text: formatNumber(sample.value.eta, 3) }]),
  ];
}

export const panel: Panel = {
  id: "sharpness-ratio",
  title: "Distance from the edge of stability",
  about:
    "Sharpness, for Adam that of the preconditioned Hessian, divided by the threshold of this optimizer at the present step size. At 1 gradient descent on a quadratic would begin to oscillate outwards; networks often stay there.",
  order: 40,
  span: 4,
  height: 288,
  streams: [SPECTRUM, PRECONDITIONED, BATCH],
  parts: [{ id: "sharpness-ratio", kind: "line", scales: ["linear", "log"], draw, figures }],
};
