/** The whole run at a glance, under a slider: loss, what happened, what was measured, and which part the charts show. */
import { scaleLinear } from "d3-scale";
import { formatCount, formatStep } from "../data/formats.ts";
import { type Axes, crisp, makeAxes, type PlotBox, renderAxes } from "./axes.ts";
import type { Chart, ScrubberMark, ScrubberModel, ScrubberOptions } from "./chart.ts";
import { drawSeries, visibleExtremes } from "./marks.ts";
import { drawGaps, drawNonFinite } from "./missing-marks.ts";
import { type Grip, listenToScrubber } from "./scrubber-pointer.ts";
import { Stage } from "./stage.ts";
import type { Surface } from "./surface.ts";
import type { ColourName } from "./theme.ts";
import { valueScale } from "./value-scale.ts";

/** Half of the last number of the axis. */
const SIDE_PX = 20;
/** Row of event marks above the track, and of measured ticks at its foot. */
const MARKS_PX = 14;
const TICKS_PX = 5;
const AXIS_PX = 20;
const HANDLE_PX = 7;

const MARK_COLOUR: Readonly<Record<ScrubberMark["kind"], ColourName>> = {
  event: "ink-3",
  measured: "axis",
  warning: "warn",
  error: "bad",
};

export function createScrubberChart(host: HTMLElement, options: ScrubberOptions): Chart<ScrubberModel> {
  return new ScrubberChart(host, options);
}

class ScrubberChart implements Chart<ScrubberModel> {
  readonly #options: ScrubberOptions;
  readonly #stage: Stage;
  readonly #releasePointer: () => void;
  #model: ScrubberModel | null = null;
  #axes: Axes | null = null;
  #axesKey = "";

  constructor(host: HTMLElement, options: ScrubberOptions) {
    this.#options = options;
    this.#stage = new Stage(host, () => {
      if (this.#model) this.update(this.#model);
    });
    this.#releasePointer = listenToScrubber(
      this.#stage.svg,
      {
        stepAt: (clientX) => this.#stepAt(clientX),
        gripAt: (clientX) => this.#gripAt(clientX),
        range: () => this.#model?.domain ?? [0, 1],
      },
      options,
    );
  }

  update(model: ScrubberModel): void {
    this.#model = model;
    const surface = this.#stage.begin();
    if (surface) this.#draw(surface, model, this.#layOut(model));
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
    if (!model || model.head < 0) return `${this.#options.title}: no steps yet.`;
    const noted = model.marks.filter(({ kind }) => kind !== "measured").length;
    const at = model.cursor
      ? ` Cursor at step ${formatStep(model.cursor.step)}${model.cursor.kind === "live" ? ", live" : ""}.`
      : "";
    return `${this.#options.title}: steps ${formatStep(model.extent[0])} to ${formatStep(model.head)}, ${formatCount(noted, "event")}.${at}`;
  }

  #layOut(model: ScrubberModel): Axes {
    const stage = this.#stage;
    const box: PlotBox = {
      left: SIDE_PX,
      top: MARKS_PX,
      right: Math.max(SIDE_PX + 1, stage.width - SIDE_PX),
      bottom: Math.max(MARKS_PX + 1, stage.height - AXIS_PX),
    };
    const isLog = model.scale === "log";
    const found = model.series ? visibleExtremes(model.series, model.extent, isLog) : { min: 1, max: 0 };
    const [low, high] = found.min <= found.max ? [found.min, found.max] : [1, 2];
    // Half a tenth of air, so that the line touches neither edge.
    const domain: [number, number] = isLog
      ? [low * 0.9, Math.max(high, low) * 1.1]
      : [low - (high - low || Math.abs(low) || 1) * 0.05, high + (high - low || Math.abs(high) || 1) * 0.05];
    const key = [stage.version, model.extent, domain, model.scale].join("|");
    if (key === this.#axesKey && this.#axes) return this.#axes;
    const previous = this.#axes;
    const isSameX =
      previous !== null && this.#axesKey.startsWith(`${[stage.version, model.extent].join("|")}|`);
    this.#axesKey = key;
    this.#axes = makeAxes(
      box,
      scaleLinear().domain([model.extent[0], model.extent[1]]).range([box.left, box.right]),
      valueScale(model.scale, domain, [box.bottom - TICKS_PX - 2, box.top + 3], 2),
      { x: "step", y: "", isSteps: true },
    );
    if (!isSameX)
      renderAxes(
        stage.svg,
        { ...this.#axes, y: { ...this.#axes.y, ticks: [] } as unknown as Axes["y"] },
        stage.theme,
      );
    return this.#axes;
  }

  #draw(surface: Surface, model: ScrubberModel, axes: Axes): void {
    const { theme } = this.#stage;
    const { box, x } = axes;
    const { ratio } = this.#stage;
    const fill = (
      colour: ColourName,
      left: number,
      right: number,
      top = box.top,
      bottom = box.bottom,
    ): void => {
      surface.fillStyle = theme.colour[colour];
      surface.beginPath();
      surface.rect(left, top, Math.max(0, right - left), bottom - top);
      surface.fill();
    };
    const end = Math.max(box.left, Math.min(box.right, x(Math.max(model.extent[0], model.head))));
    fill("sunken", box.left, box.right);
    surface.save();
    surface.beginPath();
    surface.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    surface.clip();
    const from = Math.max(box.left, x(model.domain[0]));
    const to = Math.min(box.right, x(model.domain[1]));
    fill("surface", from, Math.min(to, end));
    drawGaps(surface, axes, model.gaps, theme);
    this.#drawMarks(surface, model, axes, "measured");
    if (model.series) {
      const entry = { label: "loss", series: model.series, colour: "series-1" as const, weight: 0.75 };
      drawSeries(surface, axes, entry, theme, { gaps: model.gaps, ratio, holdTo: model.head });
      drawNonFinite(surface, axes, [entry], theme);
    }
    surface.globalAlpha = 0.62;
    fill("sunken", box.left, from);
    fill("sunken", to, box.right);
    surface.globalAlpha = 1;
    surface.restore();
    this.#frame(surface, axes, from, to);
    this.#drawMarks(surface, model, axes, "events");
    this.#drawCursor(surface, model, axes);
  }

  #frame(surface: Surface, axes: Axes, from: number, to: number): void {
    const { theme } = this.#stage;
    const { box } = axes;
    surface.save();
    surface.lineWidth = 1;
    surface.strokeStyle = theme.colour["line-strong"];
    surface.beginPath();
    surface.rect(
      Math.floor(box.left) + 0.5,
      box.top + 0.5,
      Math.floor(box.right - box.left) - 1,
      box.bottom - box.top - 1,
    );
    surface.stroke();
    if (this.#options.onRange) {
      surface.strokeStyle = theme.colour["ink-3"];
      surface.lineWidth = 3;
      const middle = (box.top + box.bottom) / 2;
      surface.beginPath();
      for (const edge of [from, to]) {
        surface.moveTo(edge, middle - 7);
        surface.lineTo(edge, middle + 7);
      }
      surface.stroke();
    }
    surface.restore();
  }

  #drawMarks(surface: Surface, model: ScrubberModel, axes: Axes, which: "measured" | "events"): void {
    const { theme } = this.#stage;
    const { box, x } = axes;
    surface.save();
    for (const mark of model.marks) {
      if ((mark.kind === "measured") !== (which === "measured")) continue;
      const px = x(mark.step);
      surface.strokeStyle = theme.colour[MARK_COLOUR[mark.kind]];
      surface.fillStyle = theme.colour[MARK_COLOUR[mark.kind]];
      surface.lineWidth = 1;
      surface.beginPath();
      if (mark.kind === "measured") {
        surface.moveTo(crisp(px), box.bottom - TICKS_PX);
        surface.lineTo(crisp(px), box.bottom - 1);
        surface.stroke();
      } else {
        // A small flag that points at its step; warnings and errors are bigger.
        const size = mark.kind === "event" ? 3 : 4.5;
        surface.moveTo(px - size, MARKS_PX - 4 - size);
        surface.lineTo(px + size, MARKS_PX - 4 - size);
        surface.lineTo(px, MARKS_PX - 2);
        surface.fill();
      }
    }
    surface.restore();
  }

  #drawCursor(surface: Surface, { cursor }: ScrubberModel, axes: Axes): void {
    if (!cursor) return;
    const { theme } = this.#stage;
    const { box, x } = axes;
    const px = Math.max(box.left, Math.min(box.right, x(cursor.step)));
    surface.save();
    surface.strokeStyle = theme.colour[cursor.kind === "live" ? "accent" : "cursor"];
    surface.fillStyle = surface.strokeStyle;
    surface.lineWidth = 2;
    if (cursor.kind === "preview") surface.setLineDash([3, 3]);
    surface.beginPath();
    surface.moveTo(px, box.top - 1);
    surface.lineTo(px, box.bottom + 1);
    surface.stroke();
    surface.beginPath();
    surface.arc(px, box.bottom + 1, 4, 0, 2 * Math.PI);
    surface.fill();
    surface.restore();
  }

  /** The handles of the range, where they are not under the cursor. */
  #gripAt(clientX: number): Grip {
    const axes = this.#axes;
    const model = this.#model;
    if (!axes || !model || !this.#options.onRange) return "cursor";
    const px = clientX - this.#stage.svg.getBoundingClientRect().left;
    const near = (step: number): boolean =>
      Math.abs(px - Math.max(axes.box.left, Math.min(axes.box.right, axes.x(step)))) <= HANDLE_PX;
    if (model.cursor && near(model.cursor.step)) return "cursor";
    if (near(model.domain[0])) return "from";
    return near(model.domain[1]) ? "to" : "cursor";
  }

  #stepAt(clientX: number): number | null {
    const axes = this.#axes;
    const model = this.#model;
    if (!axes || !model) return null;
    const px = clientX - this.#stage.svg.getBoundingClientRect().left;
    return Math.max(model.extent[0], Math.min(model.head, Math.round(axes.x.invert(px))));
  }
}
