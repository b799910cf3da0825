import { figureAt } from "./figure.ts";
import { lookOf } from "./look.ts";
import type { Panel, Scene } from "./panel.ts";

const CHANNEL = "distance/to-init";
/** Beyond these the names would take more room than the lines. */
const MOST_NAMED = 12;

function namesOf({ header, history }: Scene): readonly string[] {
  return history
    .seriesMatching(CHANNEL, "perLayer.*")
    .map((_, index) => header.parameters[index]?.name ?? `parameter ${index + 1}`);
}

export const panel: Panel = {
  id: "layers",
  title: "Distance of each layer",
  about: "How far each parameter tensor has moved from where it began, ‖θ_t − θ₀‖ restricted to it.",
  order: 70,
  span: 4,
  height: 200,
  streams: [CHANNEL],
  parts: [
    {
      id: "layers",
      kind: "line",
      scales: ["linear", "log"],
      draw: (scene) => {
        const names = namesOf(scene);
        return {
          series: scene.history.seriesMatching(CHANNEL, "perLayer.*").map((series, index) => ({
            label: names[index] ?? "",
            series,
            ...lookOf(index),
            directLabel: false,
          })),
          unit: "θ",
          includeZero: true,
        };
      },
      figures: (scene) => {
        const names = namesOf(scene);
        const shown = names
          .slice(0, MOST_NAMED)
          .map((name, index) => figureAt(scene, name, CHANNEL, `perLayer.${index}`, lookOf(index)));
        const more = names.length - shown.length;
        return more === 0 ? shown : [...shown, { label: `and ${more} more`, text: "in the table below" }];
      },
    },
  ],
};
