/** A dense series: one rectangle per column of device pixels, from the least to the greatest value in it. No spike is lost. */
import type { Extremes } from "../data/pyramid.ts";
import type { Series } from "../data/series.ts";
import type { Axes } from "./axes.ts";
import type { Span } from "./pieces.ts";
import type { Surface } from "./surface.ts";

export function drawColumns(
  surface: Surface,
  axes: Axes,
  series: Series,
  pieces: readonly Span[],
  ratio: number,
  dash: readonly number[],
): void {
  const { box, x, y } = axes;
  const [domainFrom = 0, domainTo = 1] = x.domain();
  const columns = Math.round((box.right - box.left) * ratio);
  const stepsPerColumn = (domainTo - domainFrom) / columns;
  // A column alone would be fainter than a line.
  const width = Math.max(1 / ratio, 1.25);
  const thickness = surface.lineWidth;
  const isInGap = gapOf(dash);
  const out: Extremes = { min: 0, max: 0 };
  const first = series.lowerBound(Math.ceil(domainFrom));
  const end = series.lowerBound(Math.floor(domainTo) + 1);
  surface.beginPath();
  for (const piece of pieces) {
    const last = Math.min(piece.to, end);
    let from = Math.max(piece.from, first);
    let joinTop = Number.NaN;
    let joinBottom = Number.NaN;
    if (from >= last) continue;
    let column = Math.max(0, Math.floor((series.stepAt(from) - domainFrom) / stepsPerColumn));
    for (; from < last; column++) {
      const isLast = column >= columns - 1;
      const next = isLast ? last : series.lowerBound(Math.ceil(domainFrom + (column + 1) * stepsPerColumn));
      const to = Math.min(next, last);
      if (to <= from) continue;
      series.extremes(from, to, out);
      const ownTop = y(out.max);
      const ownBottom = y(out.min);
      // Neighbours that do not overlap are joined, as a line would join them.
      const top = joinBottom < ownTop ? joinBottom : ownTop;
      const bottom = joinTop > ownBottom ? joinTop : ownBottom;
      const missing = Math.max(0, thickness - (bottom - top));
      // Dashes leave out only where the line is quiet: never a spike.
      const isQuiet = bottom - top <= 3 * thickness;
      const left = Math.min(column, columns - 1) / ratio;
      if (!isQuiet || !isInGap(left)) {
        surface.rect(box.left + left, top - missing / 2, width, bottom - top + missing);
      }
      joinTop = ownTop;
      joinBottom = ownBottom;
      from = to;
    }
  }
  surface.fill();
}

/** Does a pixel fall between two dashes? */
function gapOf(dash: readonly number[]): (px: number) => boolean {
  const period = dash.reduce((sum, length) => sum + length, 0);
  if (period === 0) return () => false;
  return (px) => {
    let rest = px % period;
    let index = 0;
    while (rest >= (dash[index] ?? period)) rest -= dash[index++] ?? period;
    return index % 2 === 1;
  };
}
