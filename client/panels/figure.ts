/** Figures read off series at the cursor: the newest measurement at or before it, and how old that is. Never interpolated. */
import { formatCount, formatNumber } from "../data/formats.ts";
import type { Figure, Scene } from "./panel.ts";

/** One number of a stream at the cursor; a dash before its first sample. */
export function figureAt(
  scene: Scene,
  label: string,
  channel: string,
  path = "",
  look: Pick<Figure, "colour" | "dash"> = {},
): Figure {
  const reading = scene.history.series(channel, path)?.at(scene.step) ?? null;
  return {
    label,
    text: formatNumber(reading?.value ?? null),
    ...ageNote(reading?.ageSteps ?? 0),
    ...look,
  };
}

/** A whole sample at the cursor, with its age. */
export function sampleAt<V>(
  scene: Scene,
  channel: string,
): { readonly step: number; readonly value: V; readonly ageSteps: number } | null {
  const found = scene.history.rawAtOrBefore<V>(channel, scene.step);
  return found === undefined ? null : { ...found, ageSteps: scene.step - found.step };
}

/** Numbers of one sample at the cursor, each where that sample has it. Of a long run they are held when {@link sampleAt} no longer is. */
export function numbersAt<V>(
  { history, step }: Scene,
  channel: string,
  paths: readonly (keyof V & string)[],
): { readonly value: { readonly [K in keyof V]?: number }; readonly ageSteps: number } | null {
  const columns = paths.flatMap((path) => history.series(channel, path) ?? []);
  const rows = columns[0]?.rows;
  const row = (rows?.steps.lowerBound(step + 1) ?? 0) - 1;
  if (rows === undefined || row < 0) return null;
  const numbers = columns
    .map((series) => [series.path, series.indexOfRow(row), series] as const)
    .filter(([, index]) => index >= 0)
    .map(([path, index, series]) => [path, series.valueAt(index)]);
  return { value: Object.fromEntries(numbers), ageSteps: step - rows.steps.at(row) };
}

/** Empty at the step itself: most panels need no words for "now". */
export function ageNote(ageSteps: number): { readonly note?: string } {
  return ageSteps > 0 ? { note: `${formatCount(ageSteps, "step")} old` } : {};
}
