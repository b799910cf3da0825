import type { ColourName } from "../charts/theme.ts";
import { figureAt } from "./figure.ts";
import type { Panel, Scene } from "./panel.ts";

const CHANNEL = "distance/to-init";
const COLOURS: readonly ColourName[] = [
  "series-1",
  "series-2",
  "series-3",
  "series-4",
  "series-5",
  "series-6",
];
/** Beyond these the names would take more room than the lines. */
const MOST_NAMED = 12;
const DASHES = ["solid", "dash", "dot", "dash-dot"] as const;

/** Biases share their kernel's colour would be unreadable beyond six; the dash changes with each round of colours. */
function lookOf(index: number) {
  return {
    colour: COLOURS[index % COLOURS.length] as ColourName,
    dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length] ?? "solid",
  };
}

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
        const shown = names.slice(0, MOST_NAMED).map((name, index) =>
          figureAt(scene, name, CHANNEL, `perLayer.${index}`, {
            colour: lookOf(index).colour,
            dashed: lookOf(index).dash !== "solid",
          }),
        );
        const more = names.length - shown.length;
        return more === 0 ? shown : [...shown, { label: `and ${more} more`, text: "in the table below" }];
      },
    },
  ],
};
