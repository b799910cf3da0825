/** The drawing of a stream that no panel claims: everything it needs is in the stream's passport. */
import type { StreamDescriptor } from "../../shared/stream.ts";
import type { LineSeries } from "../charts/chart.ts";
import type { FieldScale } from "../data/history.ts";
import { figureAt } from "./figure.ts";
import { type Look, lookOf } from "./look.ts";
import type { Panel, Scene } from "./panel.ts";

const FIGURES = 4;
const ON: Readonly<Record<StreamDescriptor["on"], string>> = {
  minibatch: "on the minibatch",
  probe: "on the probe",
  test: "on test examples",
  theta: "from θ alone",
  run: "about the run",
};

/** Fields of one unit share an axis; another unit gets no line, only a figure. */
function linesOf(descriptor: StreamDescriptor, { history }: Scene): (LineSeries & Look)[] {
  const unit = descriptor.fields[0]?.unit;
  return descriptor.fields
    .filter((field) => field.unit === unit)
    .flatMap((field) =>
      history
        .seriesMatching(descriptor.name, field.path)
        .map((series) => ({ field, series, isOne: !field.path.includes("*") })),
    )
    .map(({ field, series, isOne }, index): LineSeries & Look => ({
      label: isOne ? field.label : `${field.label} ${indexIn(field.path, series.path)}`,
      series,
      ...lookOf(index),
      directLabel: false,
    }));
}

/** "top.*.value" and "top.3.value" → "4". */
function indexIn(pattern: string, path: string): string {
  const found = path.split(".")[pattern.split(".").indexOf("*")];
  return found === undefined ? path : String(Number(found) + 1);
}

/** A single number needs no name beside the panel's title. */
function unitLabel(unit: string): string {
  return unit === "" || unit === "1" ? "at the cursor" : unit;
}

/** null for streams without a drawable number. */
export function defaultPanel(descriptor: StreamDescriptor): Panel | null {
  const [first] = descriptor.fields;
  if (descriptor.encoding !== "json" || descriptor.heavy || first === undefined) return null;
  const other: FieldScale = first.scale === "linear" ? "symlog" : "linear";
  return {
    id: descriptor.name,
    title: descriptor.title,
    about: `${descriptor.about} (${descriptor.name}, ${ON[descriptor.on]})`,
    order: 500,
    span: 4,
    height: 144,
    streams: [descriptor.name],
    parts: [
      {
        id: descriptor.name,
        kind: "line",
        scales: [first.scale, other],
        draw: (scene) => ({
          series: linesOf(descriptor, scene),
          unit: first.unit,
          includeZero: first.scale === "linear",
        }),
        figures: (scene) => {
          const lines = linesOf(descriptor, scene);
          const isOne = lines.length === 1;
          return lines
            .slice(0, FIGURES)
            .map(({ label, series, colour, dash }) =>
              isOne
                ? figureAt(scene, unitLabel(first.unit), descriptor.name, series.path)
                : figureAt(scene, label, descriptor.name, series.path, { colour, dash }),
            );
        },
      },
    ],
  };
}
