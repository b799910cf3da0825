/** A panel: words, numbers and charts of some streams. Plain data and pure functions of a scene; `<stream-panel>` does the rest. */
import type { SessionHeader, SessionState } from "../../shared/header.ts";
import type { Dash, LineChartModel, ProfileChartModel } from "../charts/chart.ts";
import type { ColourName } from "../charts/theme.ts";
import type { FieldScale, History } from "../data/history.ts";
import type { Cursor } from "../data/view.ts";

/** What every panel sees in one frame. */
export interface Scene {
  readonly history: History;
  readonly header: SessionHeader;
  readonly state: SessionState;
  /** Steps on every x axis. */
  readonly domain: readonly [from: number, to: number];
  readonly cursor: Cursor | null;
  /** Step at the cursor; −1 before the first sample. */
  readonly step: number;
  /** The domain grows with the data. */
  readonly following: boolean;
  readonly playedTo: number | null;
  readonly scales: Readonly<Record<string, FieldScale>>;
}

/** A number in words beside a chart. */
export interface Figure {
  readonly label: string;
  readonly text: string;
  /** After the number: age, standard error, "not converged". */
  readonly note?: string;
  /** Colour of its line, shown as a swatch. */
  readonly colour?: ColourName;
  readonly dash?: Dash;
  readonly tone?: "good" | "warn" | "bad";
}

/** What a chart draws beyond what the scene gives to all charts. */
export type LineDrawing = Pick<LineChartModel, "series" | "unit" | "references" | "includeZero">;

interface PartCommon {
  /** Unique in the dashboard; the address refers to it. */
  readonly id: string;
  /** Present where a panel has several parts. */
  readonly title?: string;
  readonly subtitle?: string;
  readonly figures?: (scene: Scene) => readonly Figure[];
}

export interface LinePart extends PartCommon {
  readonly kind: "line";
  /** The first is the default; more than one gives a switch. */
  readonly scales: readonly [FieldScale, ...FieldScale[]];
  readonly draw: (scene: Scene) => LineDrawing;
}

export interface ProfilePart extends PartCommon {
  readonly kind: "profile";
  /** null until there is a measurement. */
  readonly draw: (scene: Scene) => ProfileChartModel | null;
}

export type Part = LinePart | ProfilePart;

export interface Panel {
  /** Its file's name. */
  readonly id: string;
  readonly title: string;
  /** What is drawn, for somebody who meets it here first. */
  readonly about: string;
  /** Lower comes first. */
  readonly order: number;
  /** Columns of twelve. */
  readonly span: 4 | 5 | 6 | 7 | 8 | 12;
  /** Streams it draws; they get no default panel. Shown when at least one is announced. */
  readonly streams: readonly string[];
  /** Height of its charts in CSS pixels. */
  readonly height: number;
  readonly parts: readonly [Part, ...Part[]];
  /** A sentence under the charts that depends on the run. */
  readonly note?: (scene: Scene) => string | null;
}
