/** A chart as a file of its own. What the page says around it comes along: its title, and the names of lines that it does not name itself. */
import { type Axes, type Covered, drawTickLabels } from "./axes.ts";
import {
  COMPACT_BELOW_PX,
  drawLabel,
  drawLabels,
  fontOf,
  type Label,
  labelsAside,
  labelWidth,
} from "./labels.ts";
import type { Stage } from "./stage.ts";
import { type Surface, SvgSurface } from "./surface.ts";

/** Pixels of a PNG per CSS pixel. Vector files have none to speak of: as many columns as the PNG. */
const RATIO = 2;
const LEFT_PX = 2;
const TITLE_LINE_PX = 20;
const LABEL_LINE_PX = 16;
/** Between a label and the next. */
const LABEL_GAP_PX = 14;

export interface Sheet {
  readonly title: string;
  readonly stage: Stage;
  /** The sentence of numbers, for those who do not see it. */
  readonly sentence: string;
  /** null before anything was drawn. */
  readonly axes: Axes | null;
  readonly labels: readonly Label[];
  /** Grid and marks, onto the chart's own place; `ratio` is in pixels per CSS pixel. */
  readonly draw: (surface: Surface, ratio: number) => Covered;
}

export function sheetToSvg(sheet: Sheet): string {
  const { stage } = sheet;
  const head = headOf(sheet);
  const surface = new SvgSurface(stage.width, head.height + stage.height, sheet.sentence, -head.height);
  draw(surface, sheet, head);
  return surface.toString();
}

/** At twice the size on screen. */
export function sheetToPng(sheet: Sheet): Promise<Blob> {
  const { stage } = sheet;
  const head = headOf(sheet);
  const canvas = stage.canvas.ownerDocument.createElement("canvas");
  canvas.width = Math.max(1, stage.width) * RATIO;
  canvas.height = (head.height + Math.max(1, stage.height)) * RATIO;
  const context = canvas.getContext("2d");
  if (!context) return Promise.reject(new Error("canvas: expected a 2d context, got none"));
  context.setTransform(RATIO, 0, 0, RATIO, 0, head.height * RATIO);
  draw(context, sheet, head);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("The browser could not write the PNG."))),
      "image/png",
    );
  });
}

/** What stands above the chart, so that y is below 0 there. */
interface Head {
  readonly height: number;
  readonly titleFont: string;
  readonly titles: readonly (readonly string[])[];
  readonly labels: readonly (readonly Label[])[];
  readonly widthOf: (label: Label) => number;
}

function headOf({ stage, title, labels }: Sheet): Head {
  const titleFont = `600 13px ${stage.theme.fontFamily}`;
  const room = stage.width - 2 * LEFT_PX;
  const widthOf = ({ name }: Label): number =>
    labelWidth(stage.measure(name, fontOf(stage.theme))) + LABEL_GAP_PX;
  const head = {
    titles: inRows(title.split(" "), (word) => stage.measure(`${word} `, titleFont), room),
    labels: inRows(labelsAside(labels, stage.width), widthOf, room + LABEL_GAP_PX),
  };
  const height = head.titles.length * TITLE_LINE_PX + head.labels.length * LABEL_LINE_PX + 4;
  return { ...head, height, titleFont, widthOf };
}

/** One after the other, in as many rows as that takes. */
function inRows<T>(items: readonly T[], widthOf: (item: T) => number, room: number): T[][] {
  const rows: T[][] = [];
  let left = room;
  for (const item of items) {
    const width = widthOf(item);
    if (rows.length === 0 || width > left) {
      rows.push([]);
      left = room;
    }
    rows.at(-1)?.push(item);
    left -= width;
  }
  return rows;
}

function draw(surface: Surface, sheet: Sheet, head: Head): void {
  const { theme, width, height } = sheet.stage;
  surface.fillStyle = theme.colour.surface;
  surface.beginPath();
  surface.rect(0, -head.height, width, head.height + height);
  surface.fill();
  let top = -head.height;
  surface.font = head.titleFont;
  surface.fillStyle = theme.colour.ink;
  surface.textAlign = "left";
  surface.textBaseline = "middle";
  for (const words of head.titles) {
    surface.fillText(words.join(" "), LEFT_PX, top + TITLE_LINE_PX / 2);
    top += TITLE_LINE_PX;
  }
  for (const row of head.labels) {
    let left = LEFT_PX;
    for (const label of row) {
      drawLabel(surface, label, left, top + LABEL_LINE_PX / 2, theme);
      left += head.widthOf(label);
    }
    top += LABEL_LINE_PX;
  }
  const covered = sheet.draw(surface, RATIO);
  if (!sheet.axes) return;
  drawTickLabels(surface, sheet.axes, theme, covered);
  if (width >= COMPACT_BELOW_PX) drawLabels(surface, sheet.axes, sheet.labels, theme, width);
}
