/** What every chart is to a panel: a host element, a model per frame, and the same data as words; for most also as CSV and as a sheet to be saved. */
import type { FieldScale, Gap } from "../data/history.ts";
import type { Series } from "../data/series.ts";
import type { Sheet } from "./sheet.ts";
import type { ColourName } from "./theme.ts";

export interface Chart<Model> {
  /** Draws the model now; call it from the frame loop. The model may be a fresh object each time; it is never kept past the next call. */
  update(model: Model): void;
  /** Measures the host again and redraws. Charts watch their host, so this is needed only after moving one between documents. */
  resize(): void;
  destroy(): void;
  /** A sentence of numbers, for aria-label: what is drawn, over which steps, and the values at the cursor. */
  describe(): string;
}

/** One that can be taken out of the page. */
export interface ExportableChart<Model> extends Chart<Model> {
  /** Every sample of every drawn series within the domain, unthinned, RFC 4180. */
  toCsv(): string;
  /** With a title, and the names of lines that the page has beside the chart. */
  sheet(title: string): Sheet;
}

export interface ChartOptions {
  /** Begins the sentence. */
  readonly title: string;
  /** Asks for another `update` soon: the chart has deferred an axis change. */
  readonly requestFrame?: () => void;
}

/** What pointers on a step axis mean; all optional, absent means inert. */
export interface StepPointer {
  /** Hovered step, null when the pointer leaves. */
  readonly onPreview?: (step: number | null) => void;
  readonly onPin?: (step: number) => void;
  /** A dragged x-range; null on double click: show everything. */
  readonly onRange?: (range: readonly [from: number, to: number] | null) => void;
}

export type Dash = "solid" | "dash" | "dot" | "dash-dot";

/** `line` joins samples; `step-after` holds each value until the next; `points` joins nothing. */
export type Mark = "line" | "step-after" | "points";

export interface LineSeries {
  /** Name in CSV and aria; unique in the chart. */
  readonly label: string;
  readonly series: Series;
  readonly colour: ColourName;
  readonly dash?: Dash;
  readonly mark?: Mark;
  /** Drawn at the line's end; default true. */
  readonly directLabel?: boolean;
  /** Half-height of an error bar at each sample, from the same channel (residual, standard error). */
  readonly whisker?: Series;
  /** 0 draws the sample hollow (an unconverged eigenvalue), anything else filled. */
  readonly certainty?: Series;
  /** The line is broken wherever this series of the same channel changes: a new v₁, a new reference. */
  readonly breakOn?: Series;
  /** 1 by default; eigenvalues after the first are drawn thinner. */
  readonly weight?: number;
}

export interface ReferenceLine {
  readonly value: number;
  readonly label: string;
}

export interface LineChartModel {
  readonly series: readonly LineSeries[];
  /** Steps shown, from `View.domain`. */
  readonly domain: readonly [from: number, to: number];
  readonly cursor: { readonly step: number; readonly kind: "live" | "pinned" | "preview" } | null;
  readonly scale: FieldScale;
  readonly unit: string;
  readonly gaps: readonly Gap[];
  readonly references?: readonly ReferenceLine[];
  /** y always contains 0 (linear and symlog only). */
  readonly includeZero?: boolean;
  /** While a replay plays: later samples are drawn faint. */
  readonly playedTo?: number | null;
  /** The domain grows with the data: axis changes may wait up to 15 frames. False while a person moves it. */
  readonly following: boolean;
}

export interface LineChartOptions extends ChartOptions, StepPointer {}

export interface ProfileCurve {
  readonly label: string;
  readonly xs: readonly number[];
  readonly ys: readonly number[];
  readonly colour: ColourName;
  /** `verdict`: solid, small filled dots. `hint`: few points, dashed between hollow dots. `curve`: so many that none is marked. `ghost`: an earlier one, faint. */
  readonly role: "verdict" | "hint" | "curve" | "ghost";
  readonly dash?: Dash;
  readonly directLabel?: boolean;
}

export interface ProfileChartModel {
  readonly curves: readonly ProfileCurve[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly scale: FieldScale;
  readonly unit: string;
  /** Vertical rules with words: plateau, the place of the draw-up. */
  readonly rules?: readonly ReferenceLine[];
}

export type ScrubberMark = {
  readonly step: number;
  readonly kind: "event" | "warning" | "error" | "measured";
  readonly label: string;
};

export interface ScrubberModel {
  /** The overview: usually train/loss. */
  readonly series: Series | null;
  readonly scale: FieldScale;
  /** Everything there is: [0, newest or planned step]. */
  readonly extent: readonly [number, number];
  readonly domain: readonly [number, number];
  readonly cursor: { readonly step: number; readonly kind: "live" | "pinned" | "preview" } | null;
  /** Newest step held; beyond it the track is empty. */
  readonly head: number;
  readonly marks: readonly ScrubberMark[];
  readonly gaps: readonly Gap[];
}

export interface ScrubberOptions extends ChartOptions {
  /** Dragging on the track. `end` is the release: freeze at `start`, thaw at `end`. */
  readonly onScrub?: (step: number, phase: "start" | "move" | "end") => void;
  /** Dragging a handle of the range, or null on double click. */
  readonly onRange?: (range: readonly [from: number, to: number] | null) => void;
}
