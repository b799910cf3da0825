import type { LineChartModel } from "./chart.ts";
import { visibleExtremes } from "./marks.ts";
import { roundDomain, valueScale } from "./value-scale.ts";

/** Round ends of a value axis around what is visible; kept while the data fill at least half of them, so that the axis does not tremble. */
export class SettledDomain {
  #domain: readonly [number, number] | null = null;
  #key = "";

  /** @param domain  of steps that are visible. @param count  of ticks, about. */
  around(model: LineChartModel, domain: readonly [number, number], count: number): readonly [number, number] {
    const [min, max] = extremesOf(model, domain);
    const key = [model.scale, model.unit, count, model.series.map(({ label }) => label)].join("|");
    const kept = this.#domain;
    const position = valueScale(model.scale, kept ?? [1, 2], [0, 1], count);
    const isInside = kept !== null && min >= kept[0] && max <= kept[1];
    const fills = kept !== null && position(max) - position(min) >= 0.5;
    if (kept !== null && key === this.#key && isInside && fills) return kept;
    this.#key = key;
    this.#domain = roundDomain(model.scale, min, max, count);
    return this.#domain;
  }
}

function extremesOf(model: LineChartModel, domain: readonly [number, number]): [min: number, max: number] {
  const isLog = model.scale === "log";
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const { series } of model.series) {
    const extremes = visibleExtremes(series, domain, isLog);
    min = Math.min(min, extremes.min);
    max = Math.max(max, extremes.max);
  }
  for (const { value } of model.references ?? []) {
    if (isLog && value <= 0) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  if (min > max) return isLog ? [0.1, 1] : [0, 1];
  if (!model.includeZero || isLog) return [min, max];
  const [low, high] = [Math.min(min, 0), Math.max(max, 0)];
  // Nothing but zeros: they lie on the ground.
  return [low, low === high ? 1 : high];
}
