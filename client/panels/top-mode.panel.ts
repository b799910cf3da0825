import type { TopMode } from "../../shared/readings.ts";
import { formatNumber, formatStep } from "../data/formats.ts";
import { ageNote, numbersAt } from "./figure.ts";
import type { LineDrawing, Panel, Scene } from "./panel.ts";

const CHANNEL = "path/top-mode";

function draw({ history }: Scene): LineDrawing {
  const projection = history.series(CHANNEL, "projection");
  const reference = history.series(CHANNEL, "referenceStep");
  return {
    series:
      projection === undefined
        ? []
        : [
            {
              label: "v₁ᵀ(θ_t − θ_ref)",
              series: projection,
              colour: "series-1",
              weight: 0.75,
              directLabel: false,
              ...(reference === undefined ? {} : { breakOn: reference }),
            },
          ],
    unit: "θ",
    includeZero: true,
  };
}

export const panel: Panel = {
  id: "top-mode",
  title: "Zig-zag across the valley",
  about:
    "Displacement along the Hessian's first eigenvector v₁, since v₁ came into use. At the edge of stability it changes sign from step to step: θ jumps from wall to wall of the valley while it moves along its floor.",
  order: 50,
  span: 4,
  height: 200,
  streams: [CHANNEL],
  parts: [
    {
      id: "top-mode",
      kind: "line",
      scales: ["linear", "symlog"],
      draw,
      figures: (scene) => {
        const sample = numbersAt<TopMode>(scene, CHANNEL, ["projection", "modeStep"]);
        if (sample === null) return [{ label: "Projection", text: "–" }];
        return [
          {
            label: "Projection",
            text: formatNumber(sample.value.projection, 3),
            colour: "series-1",
            ...ageNote(sample.ageSteps),
          },
          { label: "v₁ of step", text: formatStep(sample.value.modeStep) },
        ];
      },
    },
  ],
  note: () => "It starts again from 0 wherever a newer v₁ is adopted.",
};
