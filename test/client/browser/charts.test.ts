/** Charts on a real canvas: what a fake one would believe. */
import "../../../client/theme.css";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LineChartModel, LineChartOptions } from "../../../client/charts/chart.ts";
import { createLineChart } from "../../../client/charts/line-chart.ts";
import { createProfileChart } from "../../../client/charts/profile-chart.ts";
import { createScrubberChart } from "../../../client/charts/scrubber-chart.ts";
import { sheetToPng, sheetToSvg } from "../../../client/charts/sheet.ts";
import { readTheme, themeChanged } from "../../../client/charts/theme.ts";
import { History } from "../../../client/data/history.ts";
import type { Series } from "../../../client/data/series.ts";
import type { StreamDescriptor } from "../../../shared/stream.ts";

let host: HTMLElement;

beforeEach(() => {
  document.documentElement.dataset["theme"] = "light";
  host = document.createElement("div");
  Object.assign(host.style, { width: "600px", height: "240px", position: "absolute", left: "0", top: "0" });
  document.body.append(host);
});

afterEach(() => {
  host.remove();
  delete document.documentElement.dataset["theme"];
});

function seriesOf(values: readonly number[], every = 1): Series {
  const history = new History();
  const field = { path: "", label: "", unit: "1", scale: "linear" as const };
  const rest = {
    title: "",
    about: "",
    unit: "1",
    encoding: "json",
    heavy: false,
    on: "theta",
    needs: "theta",
  } as const;
  history.describe([
    { ...rest, name: "train/loss", cadence: { kind: "step" }, fields: [field] } satisfies StreamDescriptor,
  ]);
  history.accept(
    values.map((value, i) => ({ seq: i, channel: "train/loss", step: i * every, wallTimeMs: i, value })),
  );
  return history.series("train/loss") as Series;
}

function model(series: Series, change: Partial<LineChartModel> = {}): LineChartModel {
  return {
    series: [{ label: "train", series, colour: "series-1" }],
    domain: [0, 100],
    cursor: null,
    scale: "linear",
    unit: "loss",
    gaps: [],
    following: false,
    ...change,
  };
}

function lineChart(options: Partial<LineChartOptions> = {}) {
  return createLineChart(host, { title: "Loss", ...options });
}

/** Share of the canvas that is near this colour. */
function inked(colour: string): number {
  const canvas = host.querySelector("canvas") as HTMLCanvasElement;
  const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(
    0,
    0,
    canvas.width,
    canvas.height,
  );
  const wanted = (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const isNear = wanted.every((channel, k) => Math.abs(channel - (data[i + k] ?? 0)) < 12);
    if (isNear && (data[i + 3] ?? 0) > 200) count++;
  }
  return count / (data.length / 4);
}

function pointer(type: string, clientX: number, pressed = 0): void {
  const svg = host.querySelector("svg") as SVGSVGElement;
  svg.setPointerCapture = () => {};
  svg.dispatchEvent(
    new PointerEvent(type, { clientX, clientY: 100, button: 0, buttons: pressed, bubbles: true }),
  );
}

function wordsIn(svg: string): string[] {
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
  expect(parsed.querySelector("parsererror")).toBeNull();
  return [...parsed.querySelectorAll("text")].map((text) => text.textContent ?? "");
}

describe("a line chart", () => {
  it("paints in the colours of the theme, and again when the theme changes", () => {
    const chart = lineChart();
    chart.update(model(seriesOf(Array.from({ length: 101 }, (_, i) => Math.sin(i)))));
    const light = readTheme(host).colour["series-1"];
    expect(light).toMatch(/^rgb/);
    expect(inked(light)).toBeGreaterThan(0.005);
    document.documentElement.dataset["theme"] = "dark";
    themeChanged();
    const dark = readTheme(host).colour["series-1"];
    expect(dark).not.toBe(light);
    expect(inked(dark)).toBeGreaterThan(0.005);
    expect(inked(light)).toBe(0);
    chart.destroy();
    expect(host.childElementCount).toBe(0);
  });

  it("has a canvas as sharp as the screen, and follows its host's size", async () => {
    const chart = lineChart();
    chart.update(model(seriesOf([1, 2, 3])));
    const canvas = host.querySelector("canvas") as HTMLCanvasElement;
    expect(canvas.width).toBe(Math.round(600 * devicePixelRatio));
    host.style.width = "333px";
    await vi.waitFor(() => expect(canvas.width).toBe(Math.round(333 * devicePixelRatio)));
    // Sizing a canvas clears it: it must have been drawn again.
    expect(inked(readTheme(host).colour["series-1"])).toBeGreaterThan(0);
    chart.destroy();
  });

  it("shows a spike of one sample in a hundred thousand", () => {
    const values = Array.from({ length: 100_000 }, () => 1);
    const chart = lineChart();
    chart.update(model(seriesOf(values), { domain: [0, 99_999], scale: "linear" }));
    const flat = inked(readTheme(host).colour["series-1"]);
    values[61_803] = 10;
    chart.update(model(seriesOf(values), { domain: [0, 99_999] }));
    expect(inked(readTheme(host).colour["series-1"])).toBeGreaterThan(flat + 100 / (600 * 240));
    chart.destroy();
  });

  it("moves its axes at most every 15th frame while it follows, and asks for the frame it owes", () => {
    const requestFrame = vi.fn();
    const chart = lineChart({ requestFrame });
    const series = seriesOf(Array.from({ length: 2000 }, () => 1));
    const lastTick = () => host.querySelector("g.x g.tick:last-of-type text")?.textContent;
    chart.update(model(series, { domain: [0, 100], following: true }));
    const before = lastTick();
    let frames = 0;
    while (lastTick() === before && frames < 40) {
      chart.update(model(series, { domain: [0, 1000], following: true }));
      frames++;
    }
    expect(frames).toBe(15);
    expect(requestFrame).toHaveBeenCalledTimes(14);
    // A person who zooms does not wait.
    chart.update(model(series, { domain: [0, 2000], following: false }));
    expect(lastTick()).toBe("2,000");
    chart.destroy();
  });

  it("previews, pins, and chooses a range by dragging", () => {
    const onPreview = vi.fn();
    const onPin = vi.fn();
    const onRange = vi.fn();
    const chart = lineChart({ onPreview, onPin, onRange });
    chart.update(model(seriesOf(Array.from({ length: 101 }, (_, i) => i))));
    const ticks = [...host.querySelectorAll<SVGGElement>("g.x g.tick")];
    const xOf = (step: number): number => {
      const tick = ticks.find((each) => each.textContent === String(step));
      return Number(/translate\(([\d.]+)/.exec(tick?.getAttribute("transform") ?? "")?.[1]);
    };
    pointer("pointermove", xOf(40));
    expect(onPreview).toHaveBeenLastCalledWith(40);
    pointer("pointerdown", xOf(60), 1);
    pointer("pointerup", xOf(60) + 1);
    expect(onPin).toHaveBeenLastCalledWith(60);
    pointer("pointerdown", xOf(80), 1);
    pointer("pointermove", xOf(20), 1);
    expect(host.querySelectorAll("rect.drag").length).toBe(1);
    pointer("pointerup", xOf(20));
    expect(onRange).toHaveBeenLastCalledWith([20, 80]);
    expect(host.querySelectorAll("rect.drag").length).toBe(0);
    expect(onPin).toHaveBeenCalledTimes(1);
    pointer("dblclick", xOf(20));
    expect(onRange).toHaveBeenLastCalledWith(null);
    pointer("pointerleave", 0);
    expect(onPreview).toHaveBeenLastCalledWith(null);
    chart.destroy();
  });

  it("reaches to the edge of the plot where a drag is let go beside it", () => {
    const onPin = vi.fn();
    const onRange = vi.fn();
    const chart = lineChart({ onPin, onRange });
    chart.update(model(seriesOf(Array.from({ length: 101 }, (_, i) => i))));
    const middle = 300;
    for (const [beside, range] of [
      [599, [expect.any(Number), 100]],
      [2000, [expect.any(Number), 100]],
      [-50, [0, expect.any(Number)]],
    ] as const) {
      pointer("pointerdown", middle, 1);
      pointer("pointermove", beside, 1);
      pointer("pointerup", beside);
      expect(onRange).toHaveBeenLastCalledWith(range);
    }
    expect(onRange).toHaveBeenCalledTimes(3);
    // A click beside the plot is none.
    pointer("pointerdown", 599, 1);
    pointer("pointerup", 599);
    expect(onPin).not.toHaveBeenCalled();
    chart.destroy();
  });

  it("says what it shows in a sentence of numbers", () => {
    const chart = lineChart();
    const series = seriesOf([1, 0.5, 0.25], 50);
    chart.update(model(series, { cursor: { step: 70, kind: "pinned" } }));
    expect(chart.describe()).toBe(
      "Loss in loss, steps 0 to 100. At step 70: train 0.5000 (measured at step 50), between 0.2500 and 1.",
    );
    chart.update(model(seriesOf([])));
    expect(chart.describe()).toBe("Loss: no samples yet.");
    chart.destroy();
  });

  it("exports the drawing as SVG and PNG, and all samples as CSV", async () => {
    const chart = lineChart();
    const values = Array.from({ length: 501 }, (_, i) => 1 / (i + 1));
    chart.update(model(seriesOf(values), { domain: [0, 500] }));
    expect(wordsIn(sheetToSvg(chart.sheet("Loss of it")))).toEqual(
      expect.arrayContaining(["Loss of it", "train", "loss", "500"]),
    );
    expect(chart.toCsv().trimEnd().split("\r\n").length).toBe(502);
    const bitmap = await createImageBitmap(await sheetToPng(chart.sheet("Loss of it")));
    expect(bitmap.width).toBe(1200);
    // The chart, a line of title above it, and no row of names: the only one stands in the drawing.
    expect(bitmap.height).toBe(2 * (240 + 24));
    chart.destroy();
  });

  it("names in a file every line that the page names beside the chart", () => {
    const chart = lineChart();
    const series = seriesOf([1, 2, 3]);
    const lines = ["solid", "dash", "dot"].map((dash, index) => ({
      ...{ series, label: `layer ${index}`, colour: "series-2", dash, directLabel: false },
    })) as LineChartModel["series"];
    const named: LineChartModel["series"][number] = { series, label: "λ₁", colour: "series-1" };
    const alike = { ...named, label: "λ₂", directLabel: false };
    chart.update(model(series, { series: [named, alike, ...lines] }));
    const wide = wordsIn(sheetToSvg(chart.sheet("A title of several words")));
    expect(wide).toEqual(
      expect.arrayContaining(["A title of several words", "layer 0", "layer 1", "layer 2"]),
    );
    expect(wide.filter((word) => word === "λ₁")).toEqual(["λ₁"]);
    expect(wide).not.toContain("λ₂");
    expect(sheetToSvg(chart.sheet("")).match(/stroke-dasharray="1.5 3"/g)?.length).toBe(2);
    // No room beside the plot, and not enough in a row above it.
    host.style.width = "130px";
    chart.resize();
    const narrow = wordsIn(sheetToSvg(chart.sheet("A title of several words")));
    expect(narrow.filter((word) => word === "λ₁")).toEqual(["λ₁"]);
    expect(narrow).toEqual(expect.arrayContaining(["layer 0", "layer 1", "layer 2"]));
    expect(narrow).not.toContain("A title of several words");
    expect(narrow.join(" ")).toContain("several");
    chart.destroy();
  });

  it("draws files at the files' resolution, whatever the screen's", async () => {
    const chart = lineChart();
    // Denser than the columns of the screen, not than those of the file.
    const count = Math.round(3.5 * 528);
    chart.update(model(seriesOf(Array.from({ length: count }, (_, i) => i)), { domain: [0, count - 1] }));
    const rect = vi.spyOn(CanvasRenderingContext2D.prototype, "rect");
    chart.update(model(seriesOf(Array.from({ length: count }, (_, i) => i)), { domain: [0, count - 1] }));
    expect(rect.mock.calls.length).toBeGreaterThan(400);
    rect.mockClear();
    await sheetToPng(chart.sheet("Loss"));
    expect(rect.mock.calls.length).toBeLessThan(10);
    rect.mockRestore();
    chart.destroy();
  });
});

describe("a profile chart", () => {
  it("tells the hint of 11 points from the verdict of 51", () => {
    const chart = createProfileChart(host, { title: "Line" });
    const draw = (count: number, role: "hint" | "verdict") => {
      const xs = Array.from({ length: count }, (_, i) => i / (count - 1));
      const ys = xs.map((alpha) => 1 - alpha);
      chart.update({
        curves: [{ label: "from θ₀", xs, ys, colour: "series-3", role }],
        xLabel: "α",
        yLabel: "loss",
        scale: "linear",
        unit: "loss",
      });
      return sheetToSvg(chart.sheet("Line"));
    };
    const hint = draw(11, "hint");
    const verdict = draw(51, "verdict");
    // A circle is two arcs; a hollow one is filled and stroked.
    expect(hint.match(/a3\.5 /g)?.length).toBe(11 * 2 * 2);
    expect(verdict.match(/a2 2 /g)?.length).toBe(51 * 2);
    expect(hint).toContain('stroke-dasharray="6 4"');
    expect(verdict).not.toContain("stroke-dasharray");
    expect(chart.describe()).toContain("from θ₀, 51 points: from 1 at 0 to 0 at 1");
    expect(chart.toCsv().split("\r\n")[1]).toBe("0,1");
    chart.destroy();
  });
});

describe("a scrubber", () => {
  it("marks where the loss is no number", () => {
    host.style.height = "80px";
    const chart = createScrubberChart(host, { title: "Run" });
    const scene = { scale: "log", extent: [0, 100], domain: [0, 100], cursor: null, head: 100 } as const;
    const badWith = (values: readonly number[]): number => {
      chart.update({ ...scene, series: seriesOf(values), marks: [], gaps: [] });
      return inked(readTheme(host).colour.bad);
    };
    const values = Array.from({ length: 101 }, () => 1);
    expect(badWith(values)).toBe(0);
    expect(badWith(values.map((value, i) => (i === 50 ? Number.NaN : value)))).toBeGreaterThan(0);
    chart.destroy();
  });

  it("scrubs on the track, and moves the range by its handles", () => {
    const scrubbed: string[] = [];
    const onRange = vi.fn();
    host.style.height = "80px";
    const chart = createScrubberChart(host, {
      title: "Run",
      onScrub: (step, phase) => scrubbed.push(`${phase} ${step}`),
      onRange,
    });
    const series = seriesOf(Array.from({ length: 901 }, (_, i) => 1 / (i + 1)));
    const scene = {
      series,
      scale: "log",
      extent: [0, 1000],
      domain: [200, 800],
      head: 900,
      marks: [],
      gaps: [],
    } as const;
    chart.update({ ...scene, cursor: { step: 900, kind: "live" } });
    const xOf = (step: number) => 20 + (step / 1000) * 560;
    pointer("pointerdown", xOf(500), 1);
    pointer("pointermove", xOf(600), 1);
    pointer("pointerup", xOf(990));
    expect(scrubbed).toEqual(["start 500", "move 600", "end 900"]);
    pointer("pointerdown", xOf(200), 1);
    pointer("pointermove", xOf(300), 1);
    pointer("pointerup", xOf(300));
    expect(onRange).toHaveBeenLastCalledWith([300, 800]);
    expect(chart.describe()).toBe("Run: steps 0 to 900, 0 events. Cursor at step 900, live.");
    chart.destroy();
  });
});
