/** Series as CSV: every sample, no thinning, one row per step and repetition. */
import type { Series } from "../data/series.ts";

/**
 * RFC 4180, "\r\n", header `step,<key>,…`. Cells are empty where a series has no sample at that step; NaN and ±∞ are written so.
 *
 * @param domain  steps, both ends included.
 */
export function seriesCsv(series: readonly Series[], domain: readonly [number, number]): string {
  const next = series.map((each) => each.lowerBound(Math.ceil(domain[0])));
  const end = series.map((each) => each.lowerBound(Math.floor(domain[1]) + 1));
  const lines = [["step", ...series.map((each) => cell(each.key))].join(",")];
  for (;;) {
    let step = Number.POSITIVE_INFINITY;
    series.forEach((each, i) => {
      if ((next[i] as number) < (end[i] as number)) step = Math.min(step, each.stepAt(next[i] as number));
    });
    if (step === Number.POSITIVE_INFINITY) break;
    const row = [String(step)];
    series.forEach((each, i) => {
      const index = next[i] as number;
      const isHere = index < (end[i] as number) && each.stepAt(index) === step;
      row.push(isHere ? String(each.valueAt(index)) : "");
      if (isHere) next[i] = index + 1;
    });
    lines.push(row.join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** Columns of equal or unequal length side by side. */
export function columnsCsv(
  columns: readonly { readonly name: string; readonly values: readonly number[] }[],
): string {
  const lines = [columns.map(({ name }) => cell(name)).join(",")];
  const length = Math.max(0, ...columns.map(({ values }) => values.length));
  for (let i = 0; i < length; i++)
    lines.push(columns.map(({ values }) => (values[i] === undefined ? "" : String(values[i]))).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
