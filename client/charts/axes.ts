/** The two axes: d3-axis on the page, the same ticks and words as drawing for exports; the grid under the marks. */
import { axisBottom, axisLeft } from "d3-axis";
import { type ScaleLinear, scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { formatStepTick, tickFormat } from "../data/formats.ts";
import type { Surface } from "./surface.ts";
import type { Theme } from "./theme.ts";
import type { ValueScale } from "./value-scale.ts";

/** Pixels of the plot's edges. */
export interface PlotBox {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Axes {
  readonly box: PlotBox;
  readonly x: ScaleLinear<number, number>;
  readonly y: ValueScale;
  readonly xTicks: readonly number[];
  readonly xFormat: (value: number) => string;
  readonly yFormat: (value: number) => string;
  /** "step", "α". */
  readonly xLabel: string;
  readonly isSteps: boolean;
  /** Unit of y, written above the axis. */
  readonly yLabel: string;
}

export const AXIS_FONT_PX = 11;
const TICK_PADDING = 6;
/** Half of a tick label, about. */
const TICK_HALF_PX = 16;

export function stepScale(domain: readonly [number, number], box: PlotBox): ScaleLinear<number, number> {
  return scaleLinear().domain([domain[0], domain[1]]).range([box.left, box.right]);
}

export function makeAxes(
  box: PlotBox,
  x: ScaleLinear<number, number>,
  y: ValueScale,
  labels: { readonly x: string; readonly y: string; readonly isSteps: boolean },
): Axes {
  const count = Math.max(2, Math.floor((box.right - box.left) / 80));
  const ticks = x.ticks(count);
  const xTicks = labels.isSteps ? ticks.filter(Number.isInteger) : ticks;
  return {
    box,
    x,
    y,
    xTicks,
    xFormat: labels.isSteps ? formatStepTick : tickFormat(xTicks, "linear"),
    yFormat: tickFormat(y.ticks, y.kind),
    xLabel: labels.x,
    isSteps: labels.isSteps,
    yLabel: labels.y,
  };
}

/** How many y ticks a height bears. */
export function yTickCount(height: number): number {
  return Math.max(2, Math.min(8, Math.floor(height / 36)));
}

/** Redraws the SVG axes: 3 ms for six charts, so only when something about them changed. */
export function renderAxes(svg: SVGSVGElement, axes: Axes, theme: Theme): void {
  const { box } = axes;
  const { colour } = theme;
  const root = select(svg);
  const group = (name: string) =>
    root
      .selectAll<SVGGElement, string>(`g.${name}`)
      .data([name])
      .join("g")
      .attr("class", name)
      .attr("color", colour["ink-3"]);
  group("x")
    .attr("transform", `translate(0,${box.bottom})`)
    .call(
      axisBottom<number>(axes.x)
        .tickValues([...axes.xTicks])
        .tickFormat((value) => axes.xFormat(value))
        .tickSize(0)
        .tickPadding(TICK_PADDING),
    );
  const y = Object.assign((value: number) => axes.y(value), {
    domain: () => [...axes.y.domain],
    range: () => [box.bottom, box.top],
    copy: () => y,
  });
  group("y")
    .attr("transform", `translate(${box.left},0)`)
    .call(
      axisLeft<number>(y)
        .tickValues([...axes.y.ticks])
        .tickFormat((value) => axes.yFormat(value))
        .tickSize(0)
        .tickPadding(TICK_PADDING),
    );
  root.selectAll("path.domain").attr("stroke", "none");
  root.selectAll("g.tick text").attr("font-size", AXIS_FONT_PX).attr("font-family", theme.fontFamily);
}

/** Grid lines, the base line and the two axis labels. */
export function drawGrid(surface: Surface, axes: Axes, theme: Theme): void {
  const { box, y } = axes;
  surface.save();
  surface.lineWidth = 1;
  surface.strokeStyle = theme.colour.grid;
  surface.beginPath();
  for (const tick of y.ticks) {
    const py = crisp(y(tick));
    surface.moveTo(box.left, py);
    surface.lineTo(box.right, py);
  }
  surface.stroke();
  surface.strokeStyle = theme.colour["line-strong"];
  surface.beginPath();
  surface.moveTo(box.left, crisp(box.bottom));
  surface.lineTo(box.right, crisp(box.bottom));
  for (const tick of axes.xTicks) {
    surface.moveTo(crisp(axes.x(tick)), box.bottom);
    surface.lineTo(crisp(axes.x(tick)), box.bottom + 4);
  }
  surface.stroke();
  surface.font = `${AXIS_FONT_PX}px ${theme.fontFamily}`;
  surface.fillStyle = theme.colour["ink-3"];
  surface.textBaseline = "alphabetic";
  if (axes.yLabel !== "" && axes.yLabel !== "1") {
    surface.textAlign = "left";
    surface.fillText(axes.yLabel, 2, box.top - 8);
  }
  if (axes.isSteps) {
    // In the corner under the y axis, where no tick can be.
    if (box.left > 40) surface.fillText(axes.xLabel, 2, box.bottom + TICK_PADDING + 10);
  } else {
    surface.textAlign = "center";
    surface.fillText(axes.xLabel, (box.left + box.right) / 2, box.bottom + TICK_PADDING + 28);
  }
  surface.restore();
}

/** Pixels of the x axis that something else covers. */
export type Covered = readonly [left: number, right: number] | null;

const isCovered = (px: number, covered: Covered): boolean =>
  covered !== null && px > covered[0] - TICK_HALF_PX && px < covered[1] + TICK_HALF_PX;

/** Hides the numbers under the cursor's tag. */
export function coverTicks(svg: SVGSVGElement, axes: Axes, covered: Covered): void {
  select(svg)
    .select("g.x")
    .selectAll<SVGGElement, number>("g.tick")
    .attr("visibility", (tick) => (isCovered(axes.x(tick), covered) ? "hidden" : null));
}

/** Tick labels, for exports: on the page d3-axis writes them. */
export function drawTickLabels(surface: Surface, axes: Axes, theme: Theme, covered: Covered = null): void {
  const { box } = axes;
  surface.save();
  surface.font = `${AXIS_FONT_PX}px ${theme.fontFamily}`;
  surface.fillStyle = theme.colour["ink-3"];
  surface.textBaseline = "middle";
  surface.textAlign = "right";
  for (const tick of axes.y.ticks)
    surface.fillText(axes.yFormat(tick), box.left - TICK_PADDING, axes.y(tick));
  surface.textBaseline = "alphabetic";
  surface.textAlign = "center";
  for (const tick of axes.xTicks) {
    if (isCovered(axes.x(tick), covered)) continue;
    surface.fillText(axes.xFormat(tick), axes.x(tick), box.bottom + TICK_PADDING + 10);
  }
  surface.restore();
}

/** The centre of a pixel: a line of one pixel, not two grey ones. */
export function crisp(pixel: number): number {
  return Math.round(pixel) + 0.5;
}
