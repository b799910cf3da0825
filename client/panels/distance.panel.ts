import { formatNumber } from "../data/formats.ts";
import { figureAt } from "./figure.ts";
import type { LineDrawing, Panel, Scene } from "./panel.ts";

const CHANNEL = "distance/to-init";

function draw({ history }: Scene): LineDrawing {
  const l2 = history.series(CHANNEL, "l2");
  const length = history.series(CHANNEL, "pathLength");
  return {
    series: [
      ...(length === undefined
        ? []
        : [
            {
              label: "length of the path",
              series: length,
              colour: "series-2" as const,
              dash: "dash" as const,
              directLabel: false,
            },
          ]),
      ...(l2 === undefined
        ? []
        : [{ label: "distance", series: l2, colour: "series-3" as const, directLabel: false }]),
    ],
    unit: "θ",
    includeZero: true,
  };
}

export const panel: Panel = {
  id: "distance",
  title: "Distance from the start",
  about:
    "‖θ_t − θ₀‖, as the crow flies, against the length of the path that training took. Straightness is their quotient: 1 on a straight path.",
  order: 60,
  span: 4,
  height: 200,
  streams: [CHANNEL],
  parts: [
    {
      id: "distance",
      kind: "line",
      scales: ["linear", "log"],
      draw,
      figures: (scene) => [
        figureAt(scene, "Distance", CHANNEL, "l2", { colour: "series-3" }),
        figureAt(scene, "Path", CHANNEL, "pathLength", { colour: "series-2", dash: "dash" }),
        {
          label: "Straightness",
          text: formatNumber(scene.history.series(CHANNEL, "straightness")?.at(scene.step)?.value, 3),
        },
      ],
    },
  ],
};
