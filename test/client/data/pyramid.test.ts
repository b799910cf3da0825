import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { float64Column } from "../../../client/data/column.ts";
import { Pyramid } from "../../../client/data/pyramid.ts";

const value = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);

function bruteForce(values: readonly number[], from: number, to: number) {
  const finite = values.slice(from, to).filter(Number.isFinite);
  return { min: Math.min(...finite), max: Math.max(...finite) };
}

describe("Pyramid", () => {
  it("gives the extremes of any stretch, as a scan does, however the column grew", () => {
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 1200 }),
        fc.array(fc.tuple(fc.nat(1300), fc.nat(1300)), { minLength: 1, maxLength: 20 }),
        fc.nat(1200),
        (values, ranges, halfway) => {
          const column = float64Column();
          const pyramid = new Pyramid(column);
          const out = { min: 0, max: 0 };
          values.forEach((each, i) => {
            column.push(each);
            // A query in the middle of growth must not freeze what it saw.
            if (i === halfway) pyramid.query(0, i + 1, out);
          });
          for (const [from, to] of ranges) {
            pyramid.query(from, to, out);
            expect(out).toEqual(bruteForce(values, from, to));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("keeps one spike in a million values visible at every zoom", () => {
    const column = float64Column();
    const pyramid = new Pyramid(column);
    for (let i = 0; i < 1_000_000; i++) column.push(i === 654_321 ? 9 : 0.5);
    const out = { min: 0, max: 0 };
    for (const columns of [1, 7, 600, 4_000]) {
      let spikes = 0;
      for (let i = 0; i < columns; i++) {
        pyramid.query(Math.floor((i * 1e6) / columns), Math.floor(((i + 1) * 1e6) / columns), out);
        if (out.max === 9) spikes++;
      }
      expect(spikes).toBe(1);
    }
    // 16 B per group of 8 and its parents, and the slack of doubling.
    expect(pyramid.byteLength).toBeLessThan(1e6 * 6);
  });

  it("says that nothing finite is there by min > max", () => {
    const column = float64Column();
    column.push(Number.NaN);
    const out = { min: 0, max: 0 };
    new Pyramid(column).query(0, 1, out);
    expect(out.min).toBeGreaterThan(out.max);
  });
});
