/** λ₁ of the whole, of each layer by itself, and of the Gauss–Newton matrix: where sharpness comes from. */
import type { LineSeries } from "../charts/chart.ts";
import { figureAt } from "./figure.ts";
import { type Look, lookOf } from "./look.ts";
import type { Figure, LineDrawing, Panel, Scene } from "./panel.ts";

const SPECTRUM = "hessian/eigenvalues";
const LAYERS = "hessian/per-layer";
const GAUSS_NEWTON = "gauss-newton/eigenvalues";

/** Blue is λ₁ of the whole, as in the panel of the eigenvalues. */
const COLOURS = ["series-2", "series-3", "series-4", "series-5", "series-6"] as const;
const FIGURES = 6;

interface Line extends Look {
  readonly label: string;
  readonly channel: string;
  /** Its value, residual and convergence are fields of it. */
  readonly path: string;
}

function linesOf({ header, history }: Scene): readonly Line[] {
  const names = [...new Set(header.parameters.map(({ layer }) => layer))];
  const isAnnounced = ({ channel }: Line) => history.descriptor(channel) !== undefined;
  const layers = history.seriesMatching(LAYERS, "layers.*.value").map(
    (_, index): Line => ({
      label: names[index] ?? `layer ${index + 1}`,
      channel: LAYERS,
      path: `layers.${index}`,
      ...lookOf(index, COLOURS),
    }),
  );
  const whole: Line = {
    label: "λ₁ of all",
    channel: SPECTRUM,
    path: "top.0",
    colour: "series-1",
    dash: "solid",
  };
  const gaussNewton: Line = {
    label: "Gauss–Newton",
    channel: GAUSS_NEWTON,
    path: "top.0",
    colour: "ink-3",
    dash: "dash",
  };
  return [whole, gaussNewton, ...layers].filter(isAnnounced);
}

function draw(scene: Scene): LineDrawing {
  const { history } = scene;
  return {
    series: linesOf(scene).flatMap(({ label, channel, path, colour, dash }): LineSeries[] => {
      const series = history.series(channel, `${path}.value`);
      const whisker = history.series(channel, `${path}.residual`);
      const certainty = history.series(channel, `${path}.converged`);
      if (series === undefined || whisker === undefined || certainty === undefined) return [];
      return [{ label, series, colour, dash, whisker, certainty, directLabel: false }];
    }),
    unit: "loss·θ⁻²",
    includeZero: true,
  };
}

function figures(scene: Scene): readonly Figure[] {
  return linesOf(scene)
    .slice(0, FIGURES)
    .map(({ label, channel, path, colour, dash }) =>
      figureAt(scene, label, channel, `${path}.value`, { colour, dash }),
    );
}

export const panel: Panel = {
  id: "sharpness-parts",
  title: "Where sharpness comes from",
  about:
    "λ₁ of the Hessian beside λ₁ of each layer's diagonal block, when only that layer may move, and beside λ₁ of the Gauss–Newton matrix, which leaves out the network's own curvature. No block exceeds the whole.",
  order: 75,
  span: 4,
  height: 200,
  streams: [LAYERS, GAUSS_NEWTON],
  parts: [{ id: "sharpness-parts", kind: "line", scales: ["linear", "symlog"], draw, figures }],
};
