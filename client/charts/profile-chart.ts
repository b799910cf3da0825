/** Curves over a coordinate of their own, as of the loss along a line in weight space. */
import { scaleLinear } from "d3-scale";
import { formatNumber } from "../data/formats.ts";
import { type Axes, crisp, drawGrid, makeAxes, type PlotBox, renderAxes, yTickCount } from "./axes.ts";
import type { ChartOptions, ExportableChart, ProfileChartModel, ProfileCurve } from "./chart.ts";
import { columnsCsv } from "./csv.ts";
import {
  COMPACT_BELOW_PX,
  COMPACT_MARGIN_PX,
  drawLabels,
  fontOf,
  type Label,
  labelMargin,
} from "./labels.ts";
import { DASHES } from "./marks.ts";
import type { Sheet } from "./sheet.ts";
import { Stage } from "./stage.ts";
import type { Surface } from "./surface.ts";
import { roundDomain, valueScale } from "./value-scale.ts";

const LEFT_PX = 52;
/** Two rows: numbers, and what they count. */
const BOTTOM_PX = 42;
const TOP_PX = 22;

export function createProfileChart(
  host: HTMLElement,
  options: ChartOptions,
): ExportableChart<ProfileChartModel> {
  return new ProfileChart(host, options);
}

class ProfileChart implements ExportableChart<ProfileChartModel> {
  readonly #options: ChartOptions;
  readonly #stage: Stage;
  #model: ProfileChartModel | null = null;
  #axes: Axes | null = null;
  #axesKey = "";

  constructor(host: HTMLElement, options: ChartOptions) {
    this.#options = options;
    this.#stage = new Stage(host, () => {
      if (this.#model) this.update(this.#model);
    });
  }

  update(model: ProfileChartModel): void {
    this.#model = model;
    const surface = this.#stage.begin();
    if (!surface) return;
    const axes = this.#layOut(surface, model);
    this.#draw(surface, model, axes);
    drawLabels(surface, axes, labelsOf(model, axes), this.#stage.theme, this.#stage.width);
  }

  resize(): void {
    this.#stage.resize();
  }

  destroy(): void {
    this.#stage.destroy();
    this.#model = null;
  }

  describe(): string {
    const model = this.#model;
    if (!model || model.curves.length === 0) return `${this.#options.title}: not measured yet.`;
    const words = model.curves.map(({ label, xs, ys }) => {
      const finite = ys.filter(Number.isFinite);
      const ends = `${formatNumber(ys[0])} at ${formatNumber(xs[0])} to ${formatNumber(ys.at(-1))} at ${formatNumber(xs.at(-1))}`;
      const range = `between ${formatNumber(Math.min(...finite))} and ${formatNumber(Math.max(...finite))}`;
      return `${label}, ${xs.length} points: from ${ends}, ${range}`;
    });
    return `${this.#options.title}. ${words.join("; ")}.`;
  }

  toCsv(): string {
    return columnsCsv(
      (this.#model?.curves ?? []).flatMap(({ label, xs, ys }) => [
        { name: `${label}: x`, values: xs },
        { name: `${label}: y`, values: ys },
      ]),
    );
  }

  sheet(title: string): Sheet {
    const model = this.#model;
    const axes = this.#axes;
    return {
      ...{ title, stage: this.#stage, sentence: this.describe(), axes },
      labels: model ? labelsOf(model, axes) : [],
      draw: (surface) => {
        if (model && axes) this.#draw(surface, model, axes);
        return null;
      },
    };
  }

  #layOut(surface: Surface, model: ProfileChartModel): Axes {
    const stage = this.#stage;
    const isCompact = stage.width < COMPACT_BELOW_PX;
    const margin = isCompact
      ? COMPACT_MARGIN_PX
      : labelMargin(surface, labelsOf(model, null), stage.width, stage.theme);
    const box: PlotBox = {
      left: Math.min(LEFT_PX, stage.width / 3),
      top: TOP_PX,
      right: Math.max(stage.width / 3 + 1, stage.width - margin),
      bottom: Math.max(TOP_PX + 1, stage.height - BOTTOM_PX),
    };
    const count = yTickCount(box.bottom - box.top);
    const xs = model.curves.flatMap((curve) => curve.xs).filter(Number.isFinite);
    const isLog = model.scale === "log";
    const ys = model.curves
      .flatMap((curve) => curve.ys)
      .filter((y) => Number.isFinite(y) && (!isLog || y > 0));
    const xDomain: [number, number] = xs.length > 0 ? [Math.min(...xs), Math.max(...xs)] : [0, 1];
    const [min, max] = ys.length > 0 ? [Math.min(...ys), Math.max(...ys)] : isLog ? [0.1, 1] : [0, 1];
    const [low, high] = roundDomain(model.scale, min, max, count);
    const key = [stage.version, xDomain, low, high, model.scale, model.xLabel, model.yLabel, margin].join(
      "|",
    );
    if (key === this.#axesKey && this.#axes) return this.#axes;
    this.#axesKey = key;
    this.#axes = makeAxes(
      box,
      scaleLinear().domain(xDomain).range([box.left, box.right]),
      valueScale(model.scale, [low, high], [box.bottom, box.top], count),
      { x: model.xLabel, y: model.yLabel, isSteps: false },
    );
    renderAxes(stage.svg, this.#axes, stage.theme);
    return this.#axes;
  }

  #draw(surface: Surface, model: ProfileChartModel, axes: Axes): void {
    const { theme } = this.#stage;
    drawGrid(surface, axes, theme);
    this.#drawRules(surface, model, axes);
    const { box } = axes;
    surface.save();
    surface.beginPath();
    surface.rect(box.left - 4, box.top - 4, box.right - box.left + 8, box.bottom - box.top + 8);
    surface.clip();
    for (const curve of model.curves) this.#drawCurve(surface, curve, axes);
    surface.restore();
  }

  #drawCurve(surface: Surface, curve: ProfileCurve, axes: Axes): void {
    const { theme } = this.#stage;
    const isGhost = curve.role === "ghost";
    surface.save();
    surface.strokeStyle = theme.colour[curve.colour];
    surface.fillStyle = theme.colour[curve.colour];
    surface.globalAlpha = isGhost ? 0.6 : 1;
    surface.lineWidth = curve.role === "verdict" ? 2 : 1.5;
    surface.lineJoin = "round";
    surface.setLineDash(DASHES[dashOf(curve)]);
    const points: [number, number][] = [];
    let isDown = false;
    surface.beginPath();
    curve.xs.forEach((alpha, i) => {
      const value = curve.ys[i] ?? Number.NaN;
      if (!Number.isFinite(value)) {
        isDown = false;
        return;
      }
      const px = axes.x(alpha);
      const py = axes.y(value);
      if (isDown) surface.lineTo(px, py);
      else surface.moveTo(px, py);
      isDown = true;
      points.push([px, py]);
    });
    surface.stroke();
    surface.setLineDash([]);
    if (!isGhost && curve.role !== "curve") {
      const isHint = curve.role === "hint";
      // Hollow: a few points that hint. Filled and many: the points that carry the verdict.
      if (isHint) surface.fillStyle = theme.colour.surface;
      for (const [px, py] of points) {
        surface.beginPath();
        surface.arc(px, py, isHint ? 3.5 : 2, 0, 2 * Math.PI);
        surface.fill();
        if (isHint) surface.stroke();
      }
    }
    surface.restore();
  }

  #drawRules(surface: Surface, model: ProfileChartModel, axes: Axes): void {
    const { theme } = this.#stage;
    surface.save();
    surface.strokeStyle = theme.colour["ink-3"];
    surface.fillStyle = theme.colour["ink-3"];
    surface.lineWidth = 1;
    surface.font = fontOf(theme);
    surface.textBaseline = "top";
    surface.setLineDash([2, 3]);
    for (const { value, label } of model.rules ?? []) {
      const px = axes.x(value);
      const isLeft = px > (axes.box.left + axes.box.right) / 2;
      surface.beginPath();
      surface.moveTo(crisp(px), axes.box.top);
      surface.lineTo(crisp(px), axes.box.bottom);
      surface.stroke();
      surface.textAlign = isLeft ? "right" : "left";
      surface.fillText(label, px + (isLeft ? -5 : 5), axes.box.top + 2);
    }
    surface.restore();
  }
}

function dashOf(curve: ProfileCurve) {
  return curve.dash ?? (curve.role === "hint" ? "dash" : "solid");
}

function labelsOf(model: ProfileChartModel, axes: Axes | null): Label[] {
  return model.curves
    .filter(({ ys }) => ys.length > 0)
    .map((curve) => {
      const last = curve.ys.findLast(Number.isFinite);
      const wanted = axes && last !== undefined ? axes.y(last) : (axes?.box.top ?? 0);
      const { label: name, colour, directLabel: isDirect = true } = curve;
      return { name, colour, dash: dashOf(curve), isDirect, wanted };
    });
}
