/** Series over steps: marks on canvas, d3 axes, one cursor. */
import { formatStep } from "../data/formats.ts";
import {
  type Axes,
  type Covered,
  coverTicks,
  drawGrid,
  makeAxes,
  type PlotBox,
  renderAxes,
  stepScale,
  yTickCount,
} from "./axes.ts";
import type { ExportableChart, LineChartModel, LineChartOptions } from "./chart.ts";
import { seriesCsv } from "./csv.ts";
import { drawCursor } from "./cursor-mark.ts";
import { COMPACT_BELOW_PX, COMPACT_MARGIN_PX, drawLabels, labelMargin, labelsOf, wordsOf } from "./labels.ts";
import { drawSeries } from "./marks.ts";
import { drawGaps, drawNonFinite } from "./missing-marks.ts";
import { listenToPointer } from "./pointer.ts";
import { drawReferences } from "./reference-lines.ts";
import { SettledDomain } from "./settled-domain.ts";
import type { Sheet } from "./sheet.ts";
import { Stage } from "./stage.ts";
import type { Surface } from "./surface.ts";
import { valueScale } from "./value-scale.ts";

/** The same on every chart, so that the steps of stacked panels stand above each other. */
const LEFT_PX = 52;
const BOTTOM_PX = 26;
const TOP_PX = 22;

/** While following, axes move at most this often, in frames: they cost more than all marks together. */
const AXIS_EVERY_FRAMES = 15;

export function createLineChart(
  host: HTMLElement,
  options: LineChartOptions,
): ExportableChart<LineChartModel> {
  return new LineChart(host, options);
}

class LineChart implements ExportableChart<LineChartModel> {
  readonly #options: LineChartOptions;
  readonly #stage: Stage;
  readonly #releasePointer: () => void;
  #model: LineChartModel | null = null;
  #axes: Axes | null = null;
  /** What the SVG axes show; redrawn when it changes. */
  #axesKey = "";
  readonly #values = new SettledDomain();
  #margin = 0;
  #hasCovered = false;
  #framesSinceAxes = AXIS_EVERY_FRAMES;

  constructor(host: HTMLElement, options: LineChartOptions) {
    this.#options = options;
    this.#stage = new Stage(host, () => {
      if (this.#model) this.#paint(this.#model, false);
    });
    const isInteractive = options.onPreview || options.onPin || options.onRange;
    const { svg } = this.#stage;
    svg.style.cursor = isInteractive ? "crosshair" : "default";
    this.#releasePointer = listenToPointer(
      { svg, axes: () => this.#axes, accent: () => this.#stage.theme.colour.accent },
      options,
    );
  }

  update(model: LineChartModel): void {
    this.#model = model;
    this.#paint(model, model.following);
  }

  resize(): void {
    this.#stage.resize();
  }

  destroy(): void {
    this.#releasePointer();
    this.#stage.destroy();
    this.#model = null;
  }

  describe(): string {
    const model = this.#model;
    if (!model || model.series.every(({ series }) => series.length === 0))
      return `${this.#options.title}: no samples yet.`;
    const [from, to] = model.domain;
    const step = model.cursor?.step ?? null;
    const at = step === null ? "Newest" : `At step ${formatStep(step)}`;
    const unit = model.unit === "" || model.unit === "1" ? "" : ` in ${model.unit}`;
    const named = model.series.filter(({ directLabel = true }) => directLabel);
    const spoken = named.length > 0 ? named : model.series;
    const more = model.series.length - spoken.length;
    const words = spoken.map((entry) => wordsOf(entry, model.domain, step)).join("; ");
    const rest = more > 0 ? `; and ${more} more series` : "";
    return `${this.#options.title}${unit}, steps ${formatStep(from)} to ${formatStep(to)}. ${at}: ${words}${rest}.`;
  }

  toCsv(): string {
    return this.#model
      ? seriesCsv(
          this.#model.series.map(({ series }) => series),
          this.#model.domain,
        )
      : "step\r\n";
  }

  sheet(title: string): Sheet {
    const model = this.#model;
    const axes = this.#axes;
    return {
      ...{ title, stage: this.#stage, sentence: this.describe(), axes },
      labels: labelsOf(model?.series ?? [], axes),
      draw: (surface, ratio) => (model && axes ? this.#draw(surface, model, axes, ratio) : null),
    };
  }

  #paint(model: LineChartModel, mayWait: boolean): void {
    const surface = this.#stage.begin();
    if (!surface) return;
    const axes = this.#layOut(surface, model, mayWait);
    const covered = this.#draw(surface, model, axes, this.#stage.ratio);
    const { theme, width } = this.#stage;
    drawLabels(surface, axes, labelsOf(model.series, axes), theme, width);
    if (covered || this.#hasCovered) coverTicks(this.#stage.svg, axes, covered);
    this.#hasCovered = covered !== null;
  }

  /** Axes and marks always agree: while the axes wait, the marks keep to the old ones. */
  #layOut(surface: Surface, model: LineChartModel, mayWait: boolean): Axes {
    const stage = this.#stage;
    this.#framesSinceAxes++;
    const isCompact = stage.width < COMPACT_BELOW_PX;
    const margin = isCompact
      ? COMPACT_MARGIN_PX
      : labelMargin(surface, labelsOf(model.series, null), stage.width, stage.theme);
    const box: PlotBox = {
      left: Math.min(LEFT_PX, stage.width / 3),
      top: TOP_PX,
      right: Math.max(stage.width / 3 + 1, stage.width - margin),
      bottom: Math.max(TOP_PX + 1, stage.height - BOTTOM_PX),
    };
    const count = yTickCount(box.bottom - box.top);
    const previous = this.#axes;
    const isYounger = this.#framesSinceAxes < AXIS_EVERY_FRAMES;
    const sameFrame =
      previous !== null && this.#margin === margin && this.#axesKey.startsWith(`${stage.version}|`);
    const waits = mayWait && isYounger && sameFrame;
    const domain = waits ? (previous.x.domain() as [number, number]) : model.domain;
    const [low, high] = this.#values.around(model, domain, count);
    const key = [stage.version, domain, low, high, model.scale, model.unit, margin].join("|");
    if (waits && (domain[0] !== model.domain[0] || domain[1] !== model.domain[1]))
      this.#options.requestFrame?.();
    if (key === this.#axesKey && previous) return previous;
    const axes = makeAxes(
      box,
      stepScale(domain, box),
      valueScale(model.scale, [low, high], [box.bottom, box.top], count),
      { x: "step", y: model.unit, isSteps: true },
    );
    this.#margin = margin;
    this.#axes = axes;
    this.#axesKey = key;
    this.#framesSinceAxes = 0;
    renderAxes(stage.svg, axes, stage.theme);
    return axes;
  }

  #draw(surface: Surface, model: LineChartModel, axes: Axes, ratio: number): Covered {
    const { theme } = this.#stage;
    const { box } = axes;
    const holdTo = Math.max(0, ...model.series.map(({ series }) => series.latest()?.step ?? 0));
    drawGrid(surface, axes, theme);
    surface.save();
    surface.beginPath();
    // Half a dot beyond the edges, so that the first and the last are whole.
    surface.rect(box.left - 4, box.top - 4, box.right - box.left + 8, box.bottom - box.top + 5);
    surface.clip();
    drawGaps(surface, axes, model.gaps, theme);
    drawReferences(surface, axes, model.references ?? [], theme);
    const drawAll = (): void => {
      for (const entry of model.series)
        drawSeries(surface, axes, entry, theme, { gaps: model.gaps, ratio, holdTo });
    };
    const { playedTo = null } = model;
    if (playedTo === null) drawAll();
    else {
      surface.globalAlpha = 0.22;
      drawAll();
      surface.globalAlpha = 1;
      surface.save();
      surface.beginPath();
      surface.rect(box.left - 4, box.top - 4, axes.x(playedTo) - box.left + 4, box.bottom - box.top + 8);
      surface.clip();
      drawAll();
      surface.restore();
    }
    drawNonFinite(surface, axes, model.series, theme);
    surface.restore();
    return model.cursor ? drawCursor(surface, axes, model.cursor, model.series, theme) : null;
  }
}
