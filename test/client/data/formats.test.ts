import { describe, expect, it } from "vitest";
import {
  formatAge,
  formatCost,
  formatDuration,
  formatNumber,
  formatPercent,
  formatQuantity,
  formatStep,
  formatStepTick,
  tickFormat,
} from "../../../client/data/formats.ts";

describe("formats", () => {
  it.each([
    [0.23127, "0.2313"],
    [0.2, "0.2000"],
    [12, "12"],
    [12.5, "12.50"],
    [1234.5, "1,235"],
    [-3.25, "−3.250"],
    [0, "0"],
    [-0, "0"],
    [1.2346e-5, "1.235e−5"],
    [1e-4, "1e−4"],
    [2.5e9, "2.5e9"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "−∞"],
  ])("writes %d as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it("writes what is missing as a dash, with no unit", () => {
    expect(formatNumber(null)).toBe("–");
    expect(formatQuantity(undefined, "loss")).toBe("–");
    expect(formatStep(-1)).toBe("–");
    expect(formatPercent(null)).toBe("–");
    expect(formatDuration(Number.NaN)).toBe("–");
  });

  it("adds a unit unless the quantity has none", () => {
    expect(formatQuantity(2, "ms")).toBe("2 ms");
    expect(formatQuantity(2, "1")).toBe("2");
  });

  it.each([
    [0, "0 ms"],
    [0.0426, "0.043 ms"],
    [3.24, "3.2 ms"],
    [9.96, "10 ms"],
    [12, "12 ms"],
    [999.6, "1 s"],
    [3240, "3.2 s"],
    [59_949, "59.9 s"],
    [59_960, "1 min 00 s"],
    [245_000, "4 min 05 s"],
    [3_599_600, "1 h 00 min"],
    [7_620_000, "2 h 07 min"],
  ])("writes %d ms as %s", (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });

  it("writes ages and steps", () => {
    expect([0, 1, 1204].map(formatAge)).toEqual(["at this step", "1 step before", "1,204 steps before"]);
    expect([0, 500, 9_999, 12_000].map(formatStepTick)).toEqual(["0", "500", "9,999", "12k"]);
  });

  it.each([
    [0, "0 %"],
    [-0, "0 %"],
    [3e-7, "< 0.01 %"],
    [-3e-7, "> −0.01 %"],
    [0.0003, "0.030 %"],
    [0.004, "0.40 %"],
    [-0.0123, "−1.2 %"],
    [0.0996, "10.0 %"],
    [0.12, "12 %"],
    [0.8551, "86 %"],
    [0.9779, "97.8 %"],
    [0.996, "99.60 %"],
    [0.99985, "99.985 %"],
    [0.99996, "> 99.99 %"],
    [1, "100 %"],
    [1.004, "100.40 %"],
    [3.14, "314 %"],
    [null, "–"],
    [Number.NaN, "NaN"],
  ])("writes a share of %d as %s", (share, text) => {
    expect(formatPercent(share)).toBe(text);
  });

  it("says 0 % and 100 % of nothing but none and all", () => {
    for (let exponent = -17; exponent < 0; exponent += 0.25)
      for (const share of [10 ** exponent, 1 - 10 ** exponent]) {
        if (share === 1) continue;
        expect(Number.parseFloat(formatPercent(share)), String(share)).not.toBe(0);
        expect(formatPercent(share)).not.toMatch(/^100/);
      }
  });

  it("writes as many decimals of a share as are asked for", () => {
    expect([0.8551, 0.9, 0.99712, 1].map((share) => formatPercent(share, 1))).toEqual([
      ...["85.5 %", "90.0 %", "99.71 %", "100 %"],
    ]);
  });

  it("writes a cost below nothing as none", () => {
    expect([-0.03, -1e-9, 0, 0.12, Number.NaN, null].map(formatCost)).toEqual([
      ...["0 %", "0 %", "0 %", "12 %", "NaN", "–"],
    ]);
  });

  it("gives the ticks of an axis one notation, with as many digits as tell them apart", () => {
    const write = (ticks: readonly number[], scale: "linear" | "log" | "symlog" = "linear") =>
      ticks.map(tickFormat(ticks, scale));
    expect(write([0, 0.05, 0.1])).toEqual(["0.00", "0.05", "0.10"]);
    expect(write([-2, 0, 2])).toEqual(["−2", "0", "2"]);
    expect(write([1000, 1002.5, 1005])).toEqual(["1,000.0", "1,002.5", "1,005.0"]);
    expect(write([0, 2e-5, 4e-5])).toEqual(["0", "2e−5", "4e−5"]);
    expect(write([0.05, 0.1, 0.2], "log")).toEqual(["0.05", "0.1", "0.2"]);
    expect(write([1e-6, 1e-3, 1], "log")).toEqual(["1e−6", "1e−3", "1e0"]);
    expect(write([-1e9, 0, 1e9], "symlog")).toEqual(["−1e9", "0", "1e9"]);
  });

  it("never writes two ticks of an axis alike", () => {
    for (const span of [1e-9, 1e-3, 0.02, 0.7, 3, 40, 1e4, 1e7]) {
      const ticks = Array.from({ length: 6 }, (_, i) => (i * span) / 5);
      const texts = ticks.map(tickFormat(ticks, "linear"));
      expect(new Set(texts).size).toBe(ticks.length);
    }
  });
});
