/** What a line cannot show: values that are not finite, and steps that were left out. */
import type { Gap } from "../data/history.ts";
import type { Axes } from "./axes.ts";
import type { LineSeries } from "./chart.ts";
import type { Surface } from "./surface.ts";
import type { Theme } from "./theme.ts";

/** Crosses nearer than this stand for each other. */
const CROSS_SPACING = 7;

/** A cross at the top edge wherever a series has NaN or ±∞. Returns how many samples that is. */
export function drawNonFinite(
  surface: Surface,
  axes: Axes,
  drawn: readonly LineSeries[],
  theme: Theme,
): number {
  const { box, x } = axes;
  const domain = x.domain() as [number, number];
  let count = 0;
  let lastX = Number.NEGATIVE_INFINITY;
  surface.save();
  surface.strokeStyle = theme.colour.bad;
  surface.lineWidth = 1.75;
  surface.beginPath();
  for (const { series } of drawn) {
    const indices = series.nonFinite(series.lowerBound(domain[0]), series.lowerBound(domain[1] + 1));
    count += indices.length;
    lastX = Number.NEGATIVE_INFINITY;
    for (const index of indices) {
      const px = x(series.stepAt(index));
      if (px - lastX < CROSS_SPACING) continue;
      lastX = px;
      const py = box.top + 6;
      surface.moveTo(px - 3, py - 3);
      surface.lineTo(px + 3, py + 3);
      surface.moveTo(px - 3, py + 3);
      surface.lineTo(px + 3, py - 3);
    }
  }
  surface.stroke();
  surface.restore();
  return count;
}

/** A band over the steps that the server announced it left out. */
export function drawGaps(surface: Surface, axes: Axes, gaps: readonly Gap[], theme: Theme): void {
  const { box, x } = axes;
  surface.save();
  surface.fillStyle = theme.colour.sunken;
  surface.strokeStyle = theme.colour.warn;
  surface.lineWidth = 1;
  for (const gap of gaps) {
    const left = Math.max(box.left, x(gap.fromStep));
    const right = Math.min(box.right, x(gap.toStep));
    if (right < box.left || left > box.right) continue;
    surface.beginPath();
    surface.rect(left, box.top, Math.max(2, right - left), box.bottom - box.top);
    surface.fill();
    surface.setLineDash([2, 3]);
    surface.beginPath();
    for (const edge of right - left > 3 ? [left, right] : [left]) {
      surface.moveTo(edge, box.top);
      surface.lineTo(edge, box.bottom);
    }
    surface.stroke();
  }
  surface.restore();
}
