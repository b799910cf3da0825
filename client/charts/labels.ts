/** Words at the ends of lines instead of a legend: name and dash, so that colour is never alone. */
import { formatNumber } from "../data/formats.ts";
import { AXIS_FONT_PX, type Axes } from "./axes.ts";
import type { Dash, LineSeries } from "./chart.ts";
import { DASHES, visibleExtremes } from "./marks.ts";
import type { Surface } from "./surface.ts";
import type { ColourName, Theme } from "./theme.ts";

const LINE_PX = 15;
/** A dash of each kind, whole. */
export const SWATCH_PX = 16;
const GAP_PX = 5;
/** Below this width of the host, labels stand in a row above the plot. */
export const COMPACT_BELOW_PX = 420;
/** Right of a plot without end labels: half of the axis's last number. */
export const COMPACT_MARGIN_PX = 20;

export interface Label {
  readonly name: string;
  readonly colour: ColourName;
  readonly dash: Dash;
  /** It stands in the drawing, not only beside it. */
  readonly isDirect: boolean;
  /** Pixel at which it would like to be. */
  readonly wanted: number;
}

/** Of the series that have samples; without axes only names matter. */
export function labelsOf(drawn: readonly LineSeries[], axes: Axes | null): Label[] {
  const labels: Label[] = [];
  for (const { label, series, colour, dash = "solid", directLabel = true } of drawn) {
    if (series.length === 0) continue;
    const end = axes ? series.indexAtOrBefore(Math.floor(axes.x.domain()[1] ?? 0)) : -1;
    const value = end >= 0 ? series.valueAt(end) : Number.NaN;
    const wanted = axes && Number.isFinite(value) ? axes.y(value) : (axes?.box.top ?? 0);
    labels.push({ name: label, colour, dash, isDirect: directLabel, wanted });
  }
  return labels;
}

/** Those that a file needs above the drawing. Lines that look like one that is named there would tell nothing more. */
export function labelsAside(labels: readonly Label[], width: number): Label[] {
  const direct = labels.filter(({ isDirect }) => isDirect);
  // In a row above the plot some may have found no room.
  return labels.filter((label) =>
    label.isDirect ? width < COMPACT_BELOW_PX : !direct.some((other) => looksLike(label, other)),
  );
}

function looksLike(a: Label, b: Label): boolean {
  return a.colour === b.colour && a.dash === b.dash;
}

/** Pixels to the right of the plot that the labels need. */
export function labelMargin(surface: Surface, labels: readonly Label[], width: number, theme: Theme): number {
  const direct = labels.filter(({ isDirect }) => isDirect);
  if (direct.length === 0) return COMPACT_MARGIN_PX;
  surface.save();
  surface.font = fontOf(theme);
  const widest = Math.max(...direct.map(({ name }) => surface.measureText(name).width));
  surface.restore();
  return Math.min(Math.ceil((labelWidth(widest) + 8) / 8) * 8, Math.floor(width * 0.36));
}

export function labelWidth(textWidth: number): number {
  return SWATCH_PX + GAP_PX + textWidth;
}

/** Those of the drawing: at its right edge, or where that is narrow above it. */
export function drawLabels(
  surface: Surface,
  axes: Axes,
  labels: readonly Label[],
  theme: Theme,
  width: number,
): void {
  const direct = labels.filter(({ isDirect }) => isDirect);
  if (width < COMPACT_BELOW_PX) drawRowLabels(surface, axes, direct, theme, width);
  else drawEndLabels(surface, axes, direct, theme);
}

/** At the right edge, each as near to its line's end as its neighbours let it. */
function drawEndLabels(surface: Surface, axes: Axes, labels: readonly Label[], theme: Theme): void {
  const { box } = axes;
  const placed = labels.map((label) => ({
    label,
    at: Math.max(box.top, Math.min(box.bottom, label.wanted)),
  }));
  placed.sort((a, b) => a.at - b.at);
  spread(placed, box.top - 2, box.bottom + 2);
  for (const { label, at } of placed) drawLabel(surface, label, box.right + 6, at, theme);
}

/** In a row above the plot, from the right; those that find no room are named beside the chart only. */
function drawRowLabels(
  surface: Surface,
  axes: Axes,
  labels: readonly Label[],
  theme: Theme,
  width: number,
): void {
  surface.save();
  surface.font = fontOf(theme);
  let right = width - 2;
  // The unit of the y axis stands at the left.
  const unit = axes.yLabel === "1" ? 0 : surface.measureText(axes.yLabel).width;
  const left = Math.max(axes.box.left, unit + 12);
  for (const label of labels.toReversed()) {
    const wide = labelWidth(surface.measureText(label.name).width);
    if (right - wide < left) break;
    drawLabel(surface, label, right - wide, axes.box.top - 12, theme);
    right -= wide + 12;
  }
  surface.restore();
}

export function drawLabel(surface: Surface, label: Label, left: number, middle: number, theme: Theme): void {
  surface.save();
  surface.strokeStyle = theme.colour[label.colour];
  surface.lineWidth = 2;
  surface.setLineDash(DASHES[label.dash]);
  surface.beginPath();
  surface.moveTo(left, middle);
  surface.lineTo(left + SWATCH_PX, middle);
  surface.stroke();
  surface.font = fontOf(theme);
  surface.textBaseline = "middle";
  surface.textAlign = "left";
  surface.fillStyle = theme.colour["ink-2"];
  surface.fillText(label.name, left + SWATCH_PX + GAP_PX, middle + 0.5);
  surface.restore();
}

/** Pushes overlapping labels apart: down, and from the bottom back up. */
function spread(placed: { at: number }[], top: number, bottom: number): void {
  let floor = top;
  for (const each of placed) {
    each.at = Math.max(each.at, floor);
    floor = each.at + LINE_PX;
  }
  let ceiling = bottom;
  for (const each of placed.toReversed()) {
    each.at = Math.min(each.at, ceiling);
    ceiling = each.at - LINE_PX;
  }
}

export function fontOf(theme: Theme): string {
  return `${AXIS_FONT_PX}px ${theme.fontFamily}`;
}

/** "train 0.2313, between 0.2101 and 1.024": one series for the sentence that a screen reader says. */
export function wordsOf(entry: LineSeries, domain: readonly [number, number], step: number | null): string {
  const { series, label } = entry;
  const reading = step === null ? series.latest() : series.at(step);
  if (!reading) return `${label}: no samples yet`;
  const { min, max } = visibleExtremes(series, domain, false);
  const range = min <= max ? `, between ${formatNumber(min)} and ${formatNumber(max)}` : "";
  const age = reading.ageSteps > 0 ? ` (measured at step ${reading.step})` : "";
  return `${label} ${formatNumber(reading.value)}${age}${range}`;
}
