import type { Axes } from "./axes.ts";
import type { ReferenceLine } from "./chart.ts";
import type { Surface } from "./surface.ts";
import type { Theme } from "./theme.ts";

/** Dashed lines across the plot at values that mean something, each with its name. */
export function drawReferences(
  surface: Surface,
  { box, y }: Axes,
  references: readonly ReferenceLine[],
  theme: Theme,
): void {
  surface.save();
  surface.strokeStyle = theme.colour["ink-3"];
  surface.fillStyle = theme.colour["ink-3"];
  surface.lineWidth = 1;
  surface.font = `11px ${theme.fontFamily}`;
  surface.textAlign = "left";
  surface.textBaseline = "alphabetic";
  for (const { value, label } of references) {
    const py = y(value);
    surface.setLineDash([4, 3]);
    surface.beginPath();
    surface.moveTo(box.left, py);
    surface.lineTo(box.right, py);
    surface.stroke();
    surface.fillText(label, box.left + 4, py - 4 < box.top + 8 ? py + 12 : py - 4);
  }
  surface.restore();
}
