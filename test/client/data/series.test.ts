import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rows, Series } from "../../../client/data/series.ts";

/** Absent values have a row of the channel, and none of the series. */
function seriesOf(values: readonly (number | null)[]): Series {
  const rows = new Rows();
  const series = new Series("path/top-mode", "referenceStep", rows);
  values.forEach((value, row) => {
    rows.push(row, row, row);
    if (value !== null) series.push(value);
  });
  return series;
}

describe("Series", () => {
  it("finds every change that looking at each neighbour finds", () => {
    const values = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 40 })), { maxLength: 20 });
    fc.assert(
      fc.property(values, fc.nat(400), fc.nat(400), (runs, a, b) => {
        const flat = runs.flatMap(([value, length]) => Array.from({ length }, () => value));
        const series = seriesOf(flat);
        const [from, to] = [Math.min(a, b, flat.length), Math.min(Math.max(a, b), flat.length)];
        const wanted = flat.map((_, i) => i).filter((i) => i > from && i < to && flat[i] !== flat[i - 1]);
        expect(series.changes(from, to)).toEqual(wanted);
      }),
    );
  });

  it("finds the index in a row or after it, also where samples lack the field", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(9)), { maxLength: 30 }), fc.nat(35), (values, row) => {
        const series = seriesOf(values);
        const rows = values.flatMap((value, at) => (value === null ? [] : [at]));
        const wanted = rows.findIndex((at) => at >= row);
        expect(series.indexFromRow(row)).toBe(wanted < 0 ? rows.length : wanted);
        expect(series.indexOfRow(row)).toBe(rows.indexOf(row));
      }),
    );
  });
});
