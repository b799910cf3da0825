/** A line falls into pieces: nothing joins what was not measured one after the other, or not against the same reference. */
import type { Gap } from "../data/history.ts";
import type { Series } from "../data/series.ts";
import type { LineSeries } from "./chart.ts";

/** Indices from ≤ i < to. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Stretches of finite values without a break between them, in order. */
export function piecesOf({ series, breakOn }: LineSeries, span: Span, gaps: readonly Gap[]): Span[] {
  const { from, to } = span;
  const missing = series.nonFinite(from, to);
  // What is not finite is cut off on both sides, and left out below.
  const cuts = [...gapsIn(series, gaps), ...changesIn(series, span, breakOn)];
  for (const index of missing) cuts.push(index, index + 1);
  const inside = cuts.filter((index) => index > from && index < to).sort((a, b) => a - b);
  const ends = [from, ...new Set(inside), to];
  return ends
    .slice(1)
    .map((end, k) => ({ from: ends[k] ?? from, to: end }))
    .filter((piece) => Number.isFinite(series.valueAt(piece.from)));
}

/** First indices after an announced omission. */
function gapsIn(series: Series, gaps: readonly Gap[]): number[] {
  return gaps.flatMap((gap) => {
    let index = series.lowerBound(gap.fromStep);
    while (index < series.length && series.seqAt(index) <= gap.toSeq) index++;
    return index > 0 && index < series.length && series.seqAt(index - 1) < gap.fromSeq ? [index] : [];
  });
}

/** First indices at which the value refers to something else than before. */
function changesIn(series: Series, { from, to }: Span, breakOn: Series | undefined): number[] {
  if (breakOn === undefined || from >= to) return [];
  const [first, last] = [series.rowAt(from), series.rowAt(to - 1)];
  return breakOn
    .changes(breakOn.indexFromRow(first), breakOn.indexFromRow(last + 1))
    .map((index) => series.indexFromRow(breakOn.rowAt(index)));
}
