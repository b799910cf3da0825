/** Series as marks: {@link drawColumns} where samples are denser than pixels, else every sample joined. */
import type { Gap } from "../data/history.ts";
import type { Extremes } from "../data/pyramid.ts";
import type { Series } from "../data/series.ts";
import type { Axes } from "./axes.ts";
import type { Dash, LineSeries } from "./chart.ts";
import { drawColumns } from "./columns.ts";
import { piecesOf, type Span } from "./pieces.ts";
import type { Surface } from "./surface.ts";
import type { Theme } from "./theme.ts";

/** More samples than this per pixel column, and columns are drawn instead of joined samples. */
const DENSE_PER_COLUMN = 3;
/** Samples get dots where they are at least this far apart, in pixels. */
const DOT_SPACING = 9;
const DOT_RADIUS = 2.25;

export const DASHES: Readonly<Record<Dash, number[]>> = {
  solid: [],
  dash: [6, 4],
  dot: [1.5, 3],
  "dash-dot": [8, 3, 2, 3],
};

/** Samples to look at: those within the domain and the neighbours that lines reach for. */
export function spanOf(series: Series, domain: readonly [number, number]): Span {
  return {
    from: Math.max(0, series.lowerBound(Math.ceil(domain[0])) - 1),
    to: Math.min(series.length, series.lowerBound(Math.floor(domain[1]) + 1) + 1),
  };
}

/** Finite extremes of the samples within the domain; for log scales only what lies above 0 counts. */
export function visibleExtremes(
  series: Series,
  domain: readonly [number, number],
  positiveOnly: boolean,
): Extremes {
  const from = series.lowerBound(Math.ceil(domain[0]));
  const to = series.lowerBound(Math.floor(domain[1]) + 1);
  const all = series.extremes(from, to);
  if (!positiveOnly || all.min > 0 || all.max <= 0) return all;
  // Something is at or below 0: the smallest positive value, to the resolution of 512 stretches.
  let smallest = all.max;
  const stretch = Math.max(1, Math.ceil((to - from) / 512));
  const part: Extremes = { min: 0, max: 0 };
  for (let i = from; i < to; i += stretch) {
    series.extremes(i, Math.min(to, i + stretch), part);
    if (part.min > 0) smallest = Math.min(smallest, part.min);
    else if (part.max > 0) smallest = Math.min(smallest, part.max);
  }
  return { min: smallest, max: all.max };
}

/** Draws one series within the plot; the caller has clipped. */
export function drawSeries(
  surface: Surface,
  axes: Axes,
  entry: LineSeries,
  theme: Theme,
  context: { readonly gaps: readonly Gap[]; readonly ratio: number; readonly holdTo: number },
): void {
  const { series } = entry;
  const domain = axes.x.domain() as [number, number];
  const span = spanOf(series, domain);
  if (span.from >= span.to) return;
  const colour = theme.colour[entry.colour];
  const mark = entry.mark ?? "line";
  const dash = DASHES[entry.dash ?? "solid"];
  const width = axes.box.right - axes.box.left;
  const isDense = span.to - span.from > DENSE_PER_COLUMN * width * context.ratio;
  surface.save();
  surface.strokeStyle = colour;
  surface.fillStyle = colour;
  surface.lineWidth = (entry.weight ?? 1) * 1.5;
  surface.lineJoin = "round";
  if (entry.whisker) drawWhiskers(surface, axes, entry.whisker, series, span);
  if (isDense) {
    drawColumns(surface, axes, series, piecesOf(entry, span, context.gaps), context.ratio, dash);
  } else {
    surface.setLineDash(dash);
    if (mark !== "points")
      drawPath(surface, axes, series, piecesOf(entry, span, context.gaps), mark, context.holdTo);
    surface.setLineDash([]);
    const first = axes.x(series.stepAt(span.from));
    const spacing = (axes.x(series.stepAt(span.to - 1)) - first) / Math.max(1, span.to - span.from - 1);
    if (mark === "points" || (mark === "line" && (spacing >= DOT_SPACING || span.to - span.from === 1))) {
      drawDots(surface, axes, entry, span, theme);
    }
  }
  surface.restore();
}

function drawPath(
  surface: Surface,
  axes: Axes,
  series: Series,
  pieces: readonly Span[],
  mark: "line" | "step-after",
  holdTo: number,
): void {
  const { x, y } = axes;
  const lone: [number, number][] = [];
  surface.beginPath();
  for (const { from, to } of pieces) {
    let lastX = x(series.stepAt(from));
    let lastY = y(series.valueAt(from));
    surface.moveTo(lastX, lastY);
    if (to - from === 1 && mark === "line") lone.push([lastX, lastY]);
    for (let i = from + 1; i < to; i++) {
      lastX = x(series.stepAt(i));
      if (mark === "step-after") surface.lineTo(lastX, lastY);
      lastY = y(series.valueAt(i));
      surface.lineTo(lastX, lastY);
    }
    if (mark === "step-after" && to === series.length) surface.lineTo(Math.max(lastX, x(holdTo)), lastY);
  }
  surface.stroke();
  // A single sample between two breaks has no line to be seen by.
  surface.beginPath();
  for (const [px, py] of lone) {
    surface.moveTo(px + DOT_RADIUS, py);
    surface.arc(px, py, DOT_RADIUS, 0, 2 * Math.PI);
  }
  surface.fill();
}

function drawDots(surface: Surface, axes: Axes, entry: LineSeries, span: Span, theme: Theme): void {
  const { series, certainty } = entry;
  const hollow: [number, number][] = [];
  const radius = DOT_RADIUS * Math.sqrt(entry.weight ?? 1);
  surface.beginPath();
  for (let i = span.from; i < span.to; i++) {
    const value = series.valueAt(i);
    if (!Number.isFinite(value)) continue;
    const px = axes.x(series.stepAt(i));
    const py = axes.y(value);
    if (certainty && readRow(certainty, series.rowAt(i)) === 0) {
      hollow.push([px, py]);
      continue;
    }
    surface.moveTo(px + radius, py);
    surface.arc(px, py, radius, 0, 2 * Math.PI);
  }
  surface.fill();
  surface.save();
  surface.fillStyle = theme.colour.surface;
  surface.lineWidth = 1.25;
  for (const [px, py] of hollow) {
    surface.beginPath();
    surface.arc(px, py, radius + 0.5, 0, 2 * Math.PI);
    surface.fill();
    surface.stroke();
  }
  surface.restore();
}

function drawWhiskers(surface: Surface, axes: Axes, whisker: Series, series: Series, span: Span): void {
  surface.save();
  surface.lineWidth = 1;
  surface.globalAlpha = 0.7;
  surface.beginPath();
  for (let i = span.from; i < span.to; i++) {
    const value = series.valueAt(i);
    const half = readRow(whisker, series.rowAt(i));
    if (!Number.isFinite(value) || half === null || !Number.isFinite(half)) continue;
    const px = axes.x(series.stepAt(i));
    const top = axes.y(value + half);
    const bottom = axes.y(value - half);
    // Shorter than the dot, there is nothing to see.
    if (!(bottom - top > 2 * DOT_RADIUS)) continue;
    surface.moveTo(px, top);
    surface.lineTo(px, bottom);
    for (const end of [top, bottom]) {
      surface.moveTo(px - 3, end);
      surface.lineTo(px + 3, end);
    }
  }
  surface.stroke();
  surface.restore();
}

function readRow(series: Series, row: number): number | null {
  const index = series.indexOfRow(row);
  return index < 0 ? null : series.valueAt(index);
}
