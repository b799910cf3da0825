/** The cursor of a step axis: a rule, the samples it reads, and how old those are. */
import { formatAge, formatStep } from "../data/formats.ts";
import type { Cursor } from "../data/view.ts";
import { type Axes, type Covered, crisp } from "./axes.ts";
import type { LineSeries } from "./chart.ts";
import { fontOf } from "./labels.ts";
import type { Surface } from "./surface.ts";
import type { Theme } from "./theme.ts";

/** Returns the pixels of the x axis that its tag covers. */
export function drawCursor(
  surface: Surface,
  axes: Axes,
  cursor: Cursor,
  drawn: readonly LineSeries[],
  theme: Theme,
): Covered {
  const { box, x, y } = axes;
  const px = x(cursor.step);
  if (px < box.left - 0.5 || px > box.right + 0.5) return null;
  surface.save();
  if (cursor.kind !== "live") {
    surface.strokeStyle = theme.colour.cursor;
    surface.lineWidth = 1;
    surface.setLineDash(cursor.kind === "preview" ? [3, 3] : []);
    surface.beginPath();
    surface.moveTo(crisp(px), box.top);
    surface.lineTo(crisp(px), box.bottom);
    surface.stroke();
    surface.setLineDash([]);
  }
  let oldest: { readonly label: string; readonly ageSteps: number } | null = null;
  const ages = new Set<number>();
  for (const { label, series, colour, mark, weight = 1 } of drawn) {
    const reading = series.at(cursor.step);
    if (!reading || !Number.isFinite(reading.value) || mark === "step-after") continue;
    const sx = x(reading.step);
    if (sx < box.left || y(reading.value) < box.top - 4) continue;
    const sy = y(reading.value);
    surface.strokeStyle = theme.colour[colour];
    ages.add(reading.ageSteps);
    if (reading.ageSteps > 0 && cursor.kind !== "live") {
      // Held, not interpolated: a thread from the measurement to the cursor.
      if (!oldest || reading.ageSteps > oldest.ageSteps) oldest = { label, ageSteps: reading.ageSteps };
      surface.lineWidth = 1;
      surface.setLineDash([1, 3]);
      surface.beginPath();
      surface.moveTo(sx, sy);
      surface.lineTo(px, sy);
      surface.stroke();
      surface.setLineDash([]);
    }
    surface.fillStyle = theme.colour[colour];
    surface.beginPath();
    surface.arc(sx, sy, 2 + 1.5 * Math.min(1, weight), 0, 2 * Math.PI);
    surface.fill();
    surface.strokeStyle = theme.colour.surface;
    surface.lineWidth = 1.5;
    surface.stroke();
  }
  // One age for all, or whose age it is.
  const whose = ages.size === 1 ? "measured" : oldest?.label;
  const age = oldest ? `${whose} ${formatAge(oldest.ageSteps)}` : "";
  const covered = cursor.kind === "live" ? null : tag(surface, axes, px, cursor.step, age, theme);
  surface.restore();
  return covered;
}

/** The step, on the axis, and how old what is read there is. Returns the pixels it takes. */
function tag(surface: Surface, axes: Axes, px: number, step: number, age: string, theme: Theme): Covered {
  const { box } = axes;
  const text = formatStep(step);
  const bold = `600 ${fontOf(theme)}`;
  surface.font = fontOf(theme);
  const ageWidth = age === "" ? 0 : surface.measureText(age).width + 7;
  surface.font = bold;
  const stepWidth = surface.measureText(text).width;
  const width = stepWidth + ageWidth + 10;
  const left = Math.max(box.left - 8, Math.min(box.right + 8 - width, px - stepWidth / 2 - 5));
  surface.fillStyle = theme.colour.cursor;
  surface.beginPath();
  surface.rect(left, box.bottom + 3, width, 17);
  surface.fill();
  surface.fillStyle = theme.colour.surface;
  surface.textAlign = "left";
  surface.textBaseline = "middle";
  surface.fillText(text, left + 5, box.bottom + 12);
  surface.font = fontOf(theme);
  surface.globalAlpha = 0.8;
  surface.fillText(age, left + 5 + stepWidth + 7, box.bottom + 12);
  return [left, left + width];
}
