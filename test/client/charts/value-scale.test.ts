import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { yTickCount } from "../../../client/charts/axes.ts";
import { roundDomain, valueScale } from "../../../client/charts/value-scale.ts";
import { tickFormat } from "../../../client/data/formats.ts";

const magnitude = fc.double({ min: -8, max: 8, noNaN: true }).map((exponent) => 10 ** exponent);

describe("value scales", () => {
  it("round outwards: nothing visible falls off the axis", () => {
    fc.assert(
      fc.property(
        magnitude,
        magnitude,
        fc.boolean(),
        fc.integer({ min: 2, max: 8 }),
        (a, b, isNegative, count) => {
          for (const kind of ["linear", "log", "symlog"] as const) {
            const sign = isNegative && kind !== "log" ? -1 : 1;
            const [min, max] = [Math.min(sign * a, b), Math.max(sign * a, b)];
            const [from, to] = roundDomain(kind, min, max, count);
            expect(from).toBeLessThan(to);
            expect(from).toBeLessThanOrEqual(min * (1 + Math.sign(min) * 1e-9));
            expect(to).toBeGreaterThanOrEqual(max * (1 - Math.sign(max) * 1e-9));
          }
        },
      ),
    );
  });

  it("have few ticks, inside the domain, ascending, each with words of its own", () => {
    fc.assert(
      fc.property(magnitude, magnitude, fc.integer({ min: 2, max: 8 }), (a, b, count) => {
        for (const kind of ["linear", "log", "symlog"] as const) {
          const domain = roundDomain(kind, Math.min(a, b), Math.max(a, b), count);
          const { ticks } = valueScale(kind, domain, [100, 0], count);
          expect(ticks.length).toBeLessThanOrEqual(2 * count + 2);
          expect([...ticks].sort((x, y) => x - y)).toEqual(ticks);
          for (const tick of ticks) expect(tick).toBeLessThanOrEqual(domain[1] * (1 + 1e-9));
          expect(new Set(ticks.map(tickFormat(ticks, kind))).size).toBe(ticks.length);
        }
      }),
    );
  });

  it.each(["linear", "log", "symlog"] as const)(
    "have two ticks or more on a %s axis, each with room for its number",
    (kind) => {
      for (const height of [96, 240])
        for (let exponent = -6; exponent < 4; exponent++)
          for (const mantissa of [1, 1.5, 2, 3, 5, 7, 9])
            for (const span of [1, 1.02, 1.2, 1.5, 2, 3, 5, 8, 10, 20, 50, 100, 1000, 1e7])
              for (const below of kind === "log" ? [1] : [1, 0, -1, -span]) {
                const min = mantissa * 10 ** exponent;
                const count = yTickCount(height);
                const domain = roundDomain(kind, min * below, min * span, count);
                const scale = valueScale(kind, domain, [height, 0], count);
                const places = scale.ticks.map(scale);
                const which = `${domain} at ${height} px: ${scale.ticks}`;
                expect(places.length, which).toBeGreaterThan(1);
                for (let i = 1; i < places.length; i++)
                  expect((places[i - 1] ?? 0) - (places[i] ?? 0), which).toBeGreaterThanOrEqual(14);
              }
    },
  );

  it("ends, with few ticks, also where nothing is above zero or a double's range", () => {
    for (const kind of ["log", "symlog"] as const)
      for (const domain of [
        [0, 0],
        [0, 1],
        [-2, -1],
        [5e-324, 1],
        [1, Number.MAX_VALUE],
        [1, Number.POSITIVE_INFINITY],
      ] as const)
        expect(valueScale(kind, domain, [100, 0], 3).ticks.length).toBeLessThan(9);
  });

  it("gives a constant series an axis", () => {
    for (const kind of ["linear", "log", "symlog"] as const) {
      const [from, to] = roundDomain(kind, 3, 3, 4);
      expect(from).toBeLessThan(3);
      expect(to).toBeGreaterThan(3);
    }
    expect(roundDomain("linear", 0, 0, 4)).toEqual([-1, 1]);
  });

  it("puts what is not above zero on the lower edge of a log axis, and NaN nowhere", () => {
    const scale = valueScale("log", [0.1, 10], [100, 0], 3);
    expect([scale(0.1), scale(10), scale(0), scale(-4)]).toEqual([100, 0, 100, 100]);
    expect(scale(1)).toBeCloseTo(50);
    expect(scale(Number.NaN)).toBeNaN();
  });

  it("treats the two signs of a symlog axis alike", () => {
    const scale = valueScale("symlog", [-100, 100], [100, 0], 5);
    expect(scale(0)).toBeCloseTo(50);
    expect(scale(7) + scale(-7)).toBeCloseTo(100);
    expect(scale.ticks).toContain(0);
  });

  it("leaves room for each number of a symlog axis, and always shows zero", () => {
    for (const domain of [
      [-1e9, 1e9],
      [-5, 1e30],
      [0, 3],
      [-2e-4, 1],
    ] as const)
      for (const height of [60, 100, 300]) {
        const scale = valueScale("symlog", domain, [height, 0], 4);
        expect(scale.ticks).toContain(0);
        const places = scale.ticks.map(scale);
        for (let i = 1; i < places.length; i++)
          expect((places[i - 1] as number) - (places[i] as number)).toBeGreaterThanOrEqual(14);
      }
  });
});
