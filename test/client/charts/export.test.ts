import { describe, expect, it } from "vitest";
import { columnsCsv, seriesCsv } from "../../../client/charts/csv.ts";
import { SvgSurface } from "../../../client/charts/surface.ts";
import { History } from "../../../client/data/history.ts";
import type { Series } from "../../../client/data/series.ts";
import { descriptor } from "../data/descriptors.ts";

describe("seriesCsv", () => {
  it("holds every sample of the domain once, NaN and infinities included", () => {
    const history = new History();
    history.describe([descriptor("train/loss"), descriptor("hessian/eigenvalues", ["top.*.value"])]);
    history.accept([
      { seq: 0, channel: "hessian/eigenvalues", step: 0, wallTimeMs: 0, value: { top: [{ value: 1.5 }] } },
      { seq: 1, channel: "train/loss", step: 1, wallTimeMs: 0, value: 0.1 + 0.2 },
      { seq: 2, channel: "train/loss", step: 2, wallTimeMs: 0, value: Number.NaN },
      {
        seq: 3,
        channel: "hessian/eigenvalues",
        step: 2,
        wallTimeMs: 0,
        value: { top: [{ value: Number.POSITIVE_INFINITY }] },
      },
      // Measured again at the same step, on demand.
      { seq: 4, channel: "hessian/eigenvalues", step: 2, wallTimeMs: 0, value: { top: [{ value: 2 }] } },
      { seq: 5, channel: "train/loss", step: 9, wallTimeMs: 0, value: 1 },
    ]);
    const series = [
      history.series("train/loss"),
      history.series("hessian/eigenvalues", "top.0.value"),
    ] as Series[];
    expect(seriesCsv(series, [0, 8.5])).toBe(
      [
        "step,train/loss,hessian/eigenvalues:top.0.value",
        "0,,1.5",
        "1,0.30000000000000004,",
        "2,NaN,Infinity",
        "2,,2",
        "",
      ].join("\r\n"),
    );
  });

  it("quotes names that need it, and pads short columns", () => {
    expect(
      columnsCsv([
        { name: 'a, "b"', values: [1, 2] },
        { name: "c", values: [3] },
      ]),
    ).toBe('"a, ""b""",c\r\n1,3\r\n2,\r\n');
  });
});

describe("SvgSurface", () => {
  it("writes what a canvas would draw, groups closed and words escaped", () => {
    const surface = new SvgSurface(200, 100, "Loss < 1 & falling");
    surface.save();
    surface.beginPath();
    surface.rect(0, 0, 50, 50);
    surface.clip();
    surface.save();
    surface.strokeStyle = "rgb(1, 2, 3)";
    surface.setLineDash([4, 2]);
    surface.beginPath();
    surface.moveTo(0, 0);
    surface.lineTo(10.123456, 20);
    surface.stroke();
    surface.restore();
    surface.restore();
    surface.textAlign = "right";
    surface.font = "600 12px Fira Sans";
    surface.fillText('<"λ₁">', 5, 6);
    const text = surface.toString();
    expect(text).toContain("<title>Loss &#60; 1 &#38; falling</title>");
    expect(text).toContain('<path d="M0 0L10.12 20" fill="none" stroke="rgb(1, 2, 3)"');
    expect(text).toContain('stroke-dasharray="4 2"');
    expect(text).toContain('font-weight="600" text-anchor="end"');
    expect(text).toContain("&#60;&#34;λ₁&#34;&#62;</text>");
    expect(text.match(/<g /g)?.length).toBe(text.match(/<\/g>/g)?.length);
    // What was set between save and restore is gone.
    surface.beginPath();
    surface.moveTo(0, 0);
    surface.lineTo(1, 1);
    surface.stroke();
    expect(surface.toString()).toContain('stroke="#000" stroke-width="1"');
  });
});
