/** How the lines of one chart are told apart: each by its colour and by its dash, so that one of the two is enough. */
import type { Dash } from "../charts/chart.ts";
import { type ColourName, SERIES_COLOURS } from "../charts/theme.ts";

export interface Look {
  readonly colour: ColourName;
  readonly dash: Dash;
}

const DASHES: readonly [Dash, ...Dash[]] = ["solid", "dash", "dot", "dash-dot"];

/** Neighbours differ in both. With all colours, 24 lines pass before a look comes again. */
export function lookOf(
  index: number,
  colours: readonly [ColourName, ...ColourName[]] = SERIES_COLOURS,
): Look {
  const place = index % colours.length;
  const round = Math.floor(index / colours.length);
  return {
    colour: colours[place] ?? colours[0],
    dash: DASHES[(place + round) % DASHES.length] ?? DASHES[0],
  };
}
