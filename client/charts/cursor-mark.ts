/** The cursor of a step axis: a rule, the samples it reads, and how old those are. */
import { formatAge, formatStep } from "../data/formats.ts";
import type { Cursor } from "../data/view.ts";
import { AXIS_FONT_PX, type Axes, crisp } from "./axes.ts";
import type { LineSeries } from "./chart.ts";
import type { Surface } from "./surface.ts";
import type { Theme } from "./theme.ts";

export function drawCursor(
  surface: Surface,
  axes: Axes,
  cursor: Cursor,
  drawn: readonly LineSeries[],
  theme: Theme,
): void {
  const { box, x, y } = axes;
  const px = x(cursor.step);
  if (px < box.left - 0.5 || px > box.right + 0.5) return;
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
  let oldest: { readonly step: number; readonly ageSteps: number } | null = null;
  for (const { series, colour, mark } of drawn) {
    const reading = series.at(cursor.step);
    if (!reading || !Number.isFinite(reading.value) || mark === "step-after") continue;
    const sx = x(reading.step);
    if (sx < box.left || y(reading.value) < box.top - 4) continue;
    const sy = y(reading.value);
    surface.strokeStyle = theme.colour[colour];
    if (reading.ageSteps > 0 && cursor.kind !== "live") {
      // Held, not interpolated: a thread from the measurement to the cursor.
      if (!oldest || reading.ageSteps > oldest.ageSteps) oldest = reading;
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
    surface.arc(sx, sy, 3.5, 0, 2 * Math.PI);
    surface.fill();
    surface.strokeStyle = theme.colour.surface;
    surface.lineWidth = 1.5;
    surface.stroke();
  }
  if (cursor.kind !== "live") {
    const age = oldest ? `step ${formatStep(oldest.step)}, ${formatAge(oldest.ageSteps)}` : null;
    tag(surface, axes, px, formatStep(cursor.step), theme);
    if (age) note(surface, axes, px, age, theme);
  }
  surface.restore();
}

/** The step, on the axis. */
function tag(surface: Surface, axes: Axes, px: number, text: string, theme: Theme): void {
  const { box } = axes;
  surface.font = `600 ${AXIS_FONT_PX}px ${theme.fontFamily}`;
  const width = surface.measureText(text).width + 10;
  const left = Math.max(box.left, Math.min(box.right - width, px - width / 2));
  surface.fillStyle = theme.colour.cursor;
  surface.beginPath();
  surface.rect(left, box.bottom + 3, width, 16);
  surface.fill();
  surface.fillStyle = theme.colour.surface;
  surface.textAlign = "left";
  surface.textBaseline = "middle";
  surface.fillText(text, left + 5, box.bottom + 11.5);
}

function note(surface: Surface, axes: Axes, px: number, text: string, theme: Theme): void {
  const { box } = axes;
  surface.font = `${AXIS_FONT_PX}px ${theme.fontFamily}`;
  const width = surface.measureText(text).width;
  const isRight = px + 8 + width < box.right;
  const left = isRight ? px + 6 : px - 6 - width;
  surface.globalAlpha = 0.85;
  surface.fillStyle = theme.colour.surface;
  surface.beginPath();
  surface.rect(left - 3, box.top - 1, width + 6, 16);
  surface.fill();
  surface.globalAlpha = 1;
  surface.fillStyle = theme.colour["ink-2"];
  surface.textAlign = "left";
  surface.textBaseline = "middle";
  surface.fillText(text, left, box.top + 7);
}
