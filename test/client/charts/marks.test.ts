import { scaleLinear } from "d3-scale";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Axes, makeAxes, type PlotBox } from "../../../client/charts/axes.ts";
import type { Dash, LineSeries } from "../../../client/charts/chart.ts";
import { drawSeries, visibleExtremes } from "../../../client/charts/marks.ts";
import { drawNonFinite } from "../../../client/charts/missing-marks.ts";
import { SvgSurface } from "../../../client/charts/surface.ts";
import type { Theme } from "../../../client/charts/theme.ts";
import { valueScale } from "../../../client/charts/value-scale.ts";
import { type Gap, History } from "../../../client/data/history.ts";
import type { Series } from "../../../client/data/series.ts";
import { descriptor } from "../data/descriptors.ts";

const BOX: PlotBox = { left: 0, top: 0, right: 100, bottom: 100 };
const THEME: Theme = {
  colour: new Proxy({}, { get: (_, name) => String(name) }) as Theme["colour"],
  fontFamily: "sans-serif",
};

function seriesOf(values: readonly number[], seqOf = (index: number) => index): Series {
  const history = new History();
  history.describe([descriptor("train/loss")]);
  history.accept(
    values.map((value, i) => ({ seq: seqOf(i), channel: "train/loss", step: i, wallTimeMs: i, value })),
  );
  return history.series("train/loss") as Series;
}

function axesOver(domain: readonly [number, number], values: readonly [number, number]): Axes {
  const x = scaleLinear().domain([domain[0], domain[1]]).range([BOX.left, BOX.right]);
  return makeAxes(BOX, x, valueScale("linear", values, [BOX.bottom, BOX.top], 4), {
    x: "step",
    y: "",
    isSteps: true,
  });
}

/** A displacement, and the step that it refers to. */
function topMode(count: number, at: (step: number) => readonly [projection: number, referenceStep: number]) {
  const history = new History();
  history.describe([descriptor("path/top-mode", ["projection", "referenceStep"])]);
  history.accept(
    Array.from({ length: count }, (_, step) => {
      const [projection, referenceStep] = at(step);
      return {
        seq: step,
        channel: "path/top-mode",
        step,
        wallTimeMs: 0,
        value: { projection, referenceStep },
      };
    }),
  );
  return {
    projection: history.series("path/top-mode", "projection") as Series,
    reference: history.series("path/top-mode", "referenceStep") as Series,
  };
}

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly bottom: number;
}

/** Rectangles that a dense series is drawn as. */
function rectanglesOf(
  series: Series,
  axes: Axes,
  dash: Dash = "solid",
  more: Partial<LineSeries> = {},
  gaps: readonly Gap[] = [],
): Rectangle[] {
  const rectangles: Rectangle[] = [];
  const surface = new SvgSurface(100, 100, "");
  surface.rect = (left, top, _width, height) => {
    rectangles.push({ left, top, bottom: top + height });
  };
  drawSeries(surface, axes, { label: "loss", series, colour: "series-1", dash, ...more }, THEME, {
    gaps,
    ratio: 1,
    holdTo: 0,
  });
  return rectangles;
}

/** Points of the line that a sparse series is drawn as; null lifts the pen. */
function pathOf(
  entry: Partial<LineSeries> & Pick<LineSeries, "series">,
  axes: Axes,
  gaps: Parameters<typeof drawSeries>[4]["gaps"] = [],
) {
  const points: ([number, number] | null)[] = [];
  const surface = new SvgSurface(100, 100, "");
  surface.moveTo = (px, py) => {
    points.push(null, [px, py]);
  };
  surface.lineTo = (px, py) => {
    points.push([px, py]);
  };
  surface.arc = () => {
    points.length -= 2;
  };
  drawSeries(surface, axes, { label: "loss", colour: "series-1", ...entry }, THEME, {
    gaps,
    ratio: 1,
    holdTo: 100,
  });
  return points;
}

describe("drawSeries", () => {
  it("shows the least and the greatest value of every column of pixels, wherever the spikes are", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 500, max: 4_000 }),
        fc.array(fc.tuple(fc.nat(3_999), fc.double({ min: -50, max: 50, noNaN: true })), { maxLength: 30 }),
        (count, spikes) => {
          const values = Array.from({ length: count }, (_, i) => Math.sin(i));
          for (const [at, value] of spikes) if (at < count) values[at] = value;
          const axes = axesOver([0, count - 1], [-50, 50]);
          const rectangles = rectanglesOf(seriesOf(values), axes);
          values.forEach((value, step) => {
            const px = axes.x(step);
            const py = axes.y(value);
            const shown = rectangles.some(
              ({ left, top, bottom }) =>
                Math.abs(left - px) <= 1.0001 && top <= py + 1e-6 && bottom >= py - 1e-6,
            );
            expect(shown).toBe(true);
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it("dashes what is quiet, and no spike", () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i % 90 === 0 ? 10 : 1));
    const axes = axesOver([0, 999], [0, 10]);
    const solid = rectanglesOf(seriesOf(values), axes);
    const dashed = rectanglesOf(seriesOf(values), axes, "dash");
    expect(dashed.length).toBeLessThan(solid.length - 20);
    const spikes = (rectangles: readonly Rectangle[]) =>
      rectangles.filter(({ top }) => top <= 0).map(({ left }) => left);
    expect(spikes(dashed)).toEqual(spikes(solid));
  });

  it("joins neighbouring columns, but not across NaN", () => {
    const values = Array.from({ length: 1000 }, (_, i): number => (i < 500 ? 0 : 10));
    const axes = axesOver([0, 999], [0, 10]);
    const tall = (rectangles: readonly Rectangle[]) =>
      rectangles.filter(({ top, bottom }) => bottom - top > 50).length;
    expect(tall(rectanglesOf(seriesOf(values), axes))).toBe(1);
    // In the midst of a column, at its edge, and over more than one.
    for (const [from, to] of [
      [500, 503],
      [499, 500],
      [490, 510],
    ] as const) {
      const broken = values.map((value, i) => (i >= from && i < to ? Number.NaN : value));
      expect(tall(rectanglesOf(seriesOf(broken), axes))).toBe(0);
    }
  });

  it("joins no columns across an announced omission", () => {
    const values = Array.from({ length: 1000 }, (_, i): number => (i < 500 ? 0 : 10));
    const series = seriesOf(values, (index) => (index < 500 ? index : index + 10));
    const gap = {
      ...{ fromSeq: 500, toSeq: 509, count: 10, reason: "conflated" as const },
      ...{ fromStep: 499, toStep: 500 },
    };
    const axes = axesOver([0, 999], [0, 10]);
    const tall = (gaps: readonly Gap[]) =>
      rectanglesOf(series, axes, "solid", {}, gaps).filter(({ top, bottom }) => bottom - top > 50).length;
    expect(tall([])).toBe(1);
    expect(tall([gap])).toBe(0);
  });

  it("joins no columns across a change of what the value refers to, and splits the column of the change", () => {
    // Changed between two columns, and in the midst of one.
    for (const changeAt of [1000, 1007]) {
      const { projection, reference } = topMode(2000, (step) => (step < changeAt ? [5, 0] : [0, changeAt]));
      const axes = axesOver([0, 1999], [0, 5]);
      const rectangles = rectanglesOf(projection, axes, "solid", { breakOn: reference });
      expect(rectangles.filter(({ top, bottom }) => bottom - top > 50)).toEqual([]);
      expect(rectanglesOf(projection, axes).some(({ top, bottom }) => bottom - top > 50)).toBe(true);
      for (const step of [0, changeAt - 1, changeAt, 1999])
        expect(
          rectangles.some(
            ({ left, top, bottom }) =>
              Math.abs(left - axes.x(step)) <= 1.0001 &&
              top <= axes.y(projection.valueAt(step)) + 1e-6 &&
              bottom >= axes.y(projection.valueAt(step)) - 1e-6,
          ),
        ).toBe(true);
    }
  });

  it("joins every sample of a sparse series, and breaks at NaN", () => {
    const axes = axesOver([0, 5], [0, 10]);
    expect(pathOf({ series: seriesOf([0, 10, Number.NaN, 10, 0, 0]) }, axes)).toEqual([
      null,
      [0, 100],
      [20, 0],
      null,
      [60, 0],
      [80, 100],
      [100, 100],
    ]);
  });

  it("breaks at an announced omission", () => {
    const series = seriesOf([0, 0, 0, 0], (index) => (index < 2 ? index : index + 10));
    const gap = { fromSeq: 2, toSeq: 11, count: 10, reason: "conflated" as const, fromStep: 1, toStep: 2 };
    const lifts = pathOf({ series }, axesOver([0, 3], [0, 1]), [gap]).filter((point) => point === null);
    expect(lifts.length).toBe(2);
  });

  it("breaks where what the value refers to changes", () => {
    const { projection: series, reference: breakOn } = topMode(4, (step) => [step, step < 2 ? 0 : 2]);
    const axes = axesOver([0, 3], [0, 3]);
    expect(pathOf({ series }, axes).filter((point) => point === null).length).toBe(1);
    expect(pathOf({ series, breakOn }, axes).filter((point) => point === null).length).toBe(2);
  });

  it("holds a threshold until the next, and to the end", () => {
    expect(
      pathOf({ series: seriesOf([10, 10, 0]), mark: "step-after" }, axesOver([0, 100], [0, 10])),
    ).toEqual([null, [0, 0], [1, 0], [1, 0], [2, 0], [2, 100], [100, 100]]);
  });
});

describe("drawNonFinite", () => {
  it("counts every NaN in view and marks at least one", () => {
    const surface = new SvgSurface(100, 100, "");
    let crosses = 0;
    surface.moveTo = () => {
      crosses += 0.5;
    };
    const series = seriesOf(Array.from({ length: 200 }, (_, i) => (i >= 50 && i < 60 ? Number.NaN : 1)));
    expect(
      drawNonFinite(surface, axesOver([0, 199], [0, 1]), [{ label: "", series, colour: "bad" }], THEME),
    ).toBe(10);
    expect(crosses).toBeGreaterThanOrEqual(1);
    expect(
      drawNonFinite(surface, axesOver([100, 199], [0, 1]), [{ label: "", series, colour: "bad" }], THEME),
    ).toBe(0);
  });
});

describe("visibleExtremes", () => {
  it("takes only what lies above zero for a log scale", () => {
    const series = seriesOf([-5, 0, 0.25, 4, Number.NaN, 2]);
    expect(visibleExtremes(series, [0, 5], false)).toEqual({ min: -5, max: 4 });
    expect(visibleExtremes(series, [0, 5], true)).toEqual({ min: 0.25, max: 4 });
    expect(visibleExtremes(series, [4, 4], true).min).toBe(Number.POSITIVE_INFINITY);
  });
});
