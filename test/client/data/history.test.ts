import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RAW_LIMIT } from "../../../client/data/channel-table.ts";
import { History, type HistorySample } from "../../../client/data/history.ts";
import type { Value } from "../../../shared/value.ts";
import { descriptor } from "./descriptors.ts";

function history(): History {
  const made = new History();
  made.describe([
    descriptor("train/loss"),
    descriptor("hessian/eigenvalues", ["top.*.value", "threshold", "coldGap"]),
    descriptor("distance/to-init", ["l2", "perLayer.*"]),
    descriptor("run/status", []),
  ]);
  return made;
}

function sample(seq: number, step: number, value: Value, channel = "train/loss"): HistorySample {
  return { seq, step, value, channel, wallTimeMs: 1000 + seq };
}

function points(from: History, channel = "train/loss", path = ""): (readonly [number, number])[] {
  const series = from.series(channel, path);
  return Array.from({ length: series?.length ?? 0 }, (_, i) => [
    series?.stepAt(i) ?? -1,
    series?.valueAt(i) ?? 0,
  ]);
}

describe("History", () => {
  it("expands lists into one series an element, and takes in those that appear later", () => {
    const made = history();
    const spectrum = (values: readonly number[]) => ({
      top: values.map((value) => ({ value })),
      threshold: 10,
      coldGap: null,
    });
    made.accept([
      sample(0, 0, spectrum([3, 2]), "hessian/eigenvalues"),
      sample(1, 50, spectrum([4, 3, 1]), "hessian/eigenvalues"),
    ]);
    expect(made.seriesMatching("hessian/eigenvalues", "top.*.value").map(({ key }) => key)).toEqual([
      "hessian/eigenvalues:top.0.value",
      "hessian/eigenvalues:top.1.value",
      "hessian/eigenvalues:top.2.value",
    ]);
    expect(points(made, "hessian/eigenvalues", "top.0.value")).toEqual([
      [0, 3],
      [50, 4],
    ]);
    expect(points(made, "hessian/eigenvalues", "top.2.value")).toEqual([[50, 1]]);
    expect(made.field("hessian/eigenvalues", "top.2.value")?.path).toBe("top.*.value");
  });

  it("gives a field that is null at most samples only the samples it has", () => {
    const made = history();
    [null, 0.1, null, 0.2].forEach((coldGap, i) => {
      made.accept([sample(i, i * 10, { top: [], threshold: 1, coldGap }, "hessian/eigenvalues")]);
    });
    expect(points(made, "hessian/eigenvalues", "coldGap")).toEqual([
      [10, 0.1],
      [30, 0.2],
    ]);
    expect(made.series("hessian/eigenvalues", "coldGap")?.at(29)).toEqual({
      index: 0,
      step: 10,
      value: 0.1,
      ageSteps: 19,
    });
    expect(made.series("hessian/eigenvalues", "coldGap")?.at(9)).toBeNull();
  });

  it("fills a series asked for late from the samples it has kept, booleans as 1 and 0", () => {
    const made = history();
    made.accept([
      sample(0, 0, { top: [{ value: 1, converged: true }], threshold: 1 }, "hessian/eigenvalues"),
      sample(1, 5, { top: [{ value: 2, converged: false }], threshold: 1 }, "hessian/eigenvalues"),
    ]);
    const before = points(made, "hessian/eigenvalues", "top.0.value");
    expect(points(made, "hessian/eigenvalues", "top.0.converged")).toEqual([
      [0, 1],
      [5, 0],
    ]);
    expect(points(made, "hessian/eigenvalues", "top.0.value")).toEqual(before);
    made.accept([sample(2, 9, { top: [{ value: 3, converged: true }] }, "hessian/eigenvalues")]);
    expect(points(made, "hessian/eigenvalues", "top.0.converged").at(-1)).toEqual([9, 1]);
  });

  it("keeps NaN and infinities as marked samples, out of the extremes", () => {
    const made = history();
    made.accept([1, Number.NaN, Number.POSITIVE_INFINITY, 2].map((value, i) => sample(i, i, value)));
    const series = made.series("train/loss");
    expect([...(series?.nonFinite(0, 4) ?? [])]).toEqual([1, 2]);
    expect(series?.extremes(0, 4)).toEqual({ min: 1, max: 2 });
    expect(series?.at(1)?.value).toBeNaN();
  });

  it("passes over a sample that comes again without a seek, and counts it", () => {
    const made = history();
    made.accept([sample(0, 0, 1), sample(1, 1, 2)]);
    made.accept([sample(1, 1, 99), sample(2, 2, 3)]);
    expect(points(made)).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    expect(made.repeatedCount).toBe(1);
  });

  it("ends with the same columns in whatever pieces, also where one begins within the one before", () => {
    const steps = 120;
    const all = Array.from({ length: steps }, (_, i) =>
      i % 3 === 0
        ? sample(i, i, { l2: i / 7, perLayer: [i, -i] }, "distance/to-init")
        : sample(i, i, i % 10 === 1 ? Number.NaN : Math.sin(i)),
    );
    const expected = history();
    expected.accept(all);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(steps), fc.nat(steps)), { maxLength: 8 }), (pieces) => {
        const made = history();
        let done = 0;
        for (const [back, end] of [...pieces, [0, steps] as const].sort(([, a], [, b]) => a - b)) {
          made.accept(all.slice(Math.max(0, done - back), end));
          done = Math.max(done, end);
        }
        for (const [channel, path] of [
          ["train/loss", ""],
          ["distance/to-init", "l2"],
          ["distance/to-init", "perLayer.1"],
        ] as const) {
          expect(points(made, channel, path)).toEqual(points(expected, channel, path));
          const series = made.series(channel, path);
          const length = series?.length ?? 0;
          expect(series?.extremes(0, length)).toEqual(expected.series(channel, path)?.extremes(0, length));
          expect([...(series?.nonFinite(0, length) ?? [])]).toEqual([
            ...(expected.series(channel, path)?.nonFinite(0, 999) ?? []),
          ]);
        }
        expect([...made.raw("distance/to-init")]).toEqual([...expected.raw("distance/to-init")]);
        expect(made.headStep).toBe(steps - 1);
      }),
      { numRuns: 60 },
    );
  });

  it("snaps to the newest sample at or before a step, as a scan does", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(500), { minLength: 1, maxLength: 60 }), fc.nat(600), (steps, at) => {
        const made = history();
        steps.sort((a, b) => a - b);
        made.accept(steps.map((step, i) => sample(i, step, step * 2)));
        expect(made.series("train/loss")?.indexAtOrBefore(at)).toBe(
          steps.findLastIndex((step) => step <= at),
        );
      }),
    );
  });

  it("remembers an announced omission with the steps on either side of it", () => {
    const made = history();
    made.accept([sample(0, 0, 1), sample(1, 1, 1)]);
    made.acceptGap({ fromSeq: 2, toSeq: 5, count: 4, reason: "conflated" });
    made.acceptGap({ fromSeq: 6, toSeq: 7, count: 2, reason: "conflated" });
    made.accept([sample(8, 8, 1)]);
    expect(made.gaps).toEqual([
      { fromSeq: 2, toSeq: 7, count: 6, reason: "conflated", fromStep: 1, toStep: 8 },
    ]);
  });

  it("keeps the newest raw values only, and every number", () => {
    const made = history();
    const count = RAW_LIMIT * 2;
    const batch = Array.from({ length: count }, (_, i) =>
      sample(i, i, { l2: i, perLayer: [] }, "distance/to-init"),
    );
    made.accept(batch);
    expect(made.series("distance/to-init", "l2")?.length).toBe(count);
    const kept = [...made.raw("distance/to-init")];
    expect(kept.length).toBeLessThanOrEqual(RAW_LIMIT * 1.25);
    expect(kept.length).toBeGreaterThanOrEqual(RAW_LIMIT);
    expect(kept.at(-1)?.step).toBe(count - 1);
    expect(made.rawAtOrBefore("distance/to-init", 0)).toBeUndefined();
    expect(made.rawAtOrBefore("distance/to-init", count + 5)?.step).toBe(count - 1);
    // A late sample must not lose the numbers whose raw values are gone.
    made.accept([sample(count, 0, { l2: 0, perLayer: [] }, "distance/to-init")]);
    expect(points(made, "distance/to-init", "l2").length).toBe(count + 1);
  });

  it("keeps what happened apart from what was measured", () => {
    const made = history();
    made.accept([sample(0, 3, { level: "info", code: "paused", message: "Paused." }, "run/status")]);
    expect(made.events).toEqual([
      { seq: 0, step: 3, wallTimeMs: 1000, status: { level: "info", code: "paused", message: "Paused." } },
    ]);
  });
});
