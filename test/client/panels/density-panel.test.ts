import { describe, expect, it } from "vitest";
import { History } from "../../../client/data/history.ts";
import { panel } from "../../../client/panels/density.panel.ts";
import type { Scene } from "../../../client/panels/panel.ts";
import { hessianDensityStream } from "../../../server/streams/hessian-density.ts";
import type { HessianDensity } from "../../../shared/readings.ts";
import { syntheticSession } from "../browser/support/synthetic-session.ts";

const { header } = syntheticSession({ steps: 1 });

/** A bulk of everything at zero and one eigenvalue in D at 10. */
function value(rest: Partial<HessianDensity> = {}): HessianDensity {
  const lambda = Array.from({ length: 161 }, (_, i) => -0.5 + (11 * i) / 160);
  const width = 0.1;
  const hill = (at: number, centre: number) =>
    Math.exp(-0.5 * ((at - centre) / width) ** 2) / (width * Math.sqrt(2 * Math.PI));
  return {
    lambda,
    density: lambda.map((at) => hill(at, 0) + hill(at, 10) / header.parameterCount),
    kernelWidth: width,
    trace: 485.1,
    traceStdErr: 20.66,
    nearZeroFraction: 0.9925,
    nearZeroStdErr: 0.0001,
    nearZeroBounds: [0.992, 0.993],
    nearZeroBelow: 0.1,
    negativeMass: 0,
    negativeBounds: [0, 0],
    outliers: { count: 9, lowest: 6, gap: 2.4, secondGap: 1.3, among: 11 },
    probes: 4,
    lanczosSteps: 24,
    n: 1000,
    hvps: 96,
    ...rest,
  };
}

function sceneOf(samples: readonly (readonly [number, HessianDensity])[], step: number): Scene {
  const history = new History();
  history.describe([hessianDensityStream.descriptor]);
  history.accept(
    samples.map(([at, one], seq) => ({
      seq,
      channel: "hessian/density",
      step: at,
      wallTimeMs: at,
      value: structuredClone(one) as never,
    })),
  );
  return {
    history,
    header,
    state: "running",
    domain: [0, 100],
    cursor: null,
    step,
    following: false,
    playedTo: null,
    scales: {},
  };
}

const [part] = panel.parts;
const drawn = (scene: Scene) => (part.kind === "profile" ? part.draw(scene) : null);
const texts = (scene: Scene) =>
  Object.fromEntries((part.figures?.(scene) ?? []).map(({ label, text, note }) => [label, [text, note]]));

describe("the density panel", () => {
  it("draws the density of the step at the cursor beside that of step 0, on a logarithmic axis", () => {
    const scene = sceneOf(
      [
        [0, value()],
        [50, value()],
        [100, value()],
      ],
      70,
    );
    const model = drawn(scene);
    expect(model?.curves.map(({ label, role }) => [label, role])).toEqual([
      ["at step 0", "ghost"],
      ["at step 50", "curve"],
    ]);
    expect(model?.scale).toBe("log");
    expect(drawn(sceneOf([[0, value()]], 0))?.curves.map(({ label }) => label)).toEqual(["at step 0"]);
    expect(drawn(sceneOf([], 0))).toBeNull();
  });

  it("shows a single eigenvalue among all, and no tail of a kernel", () => {
    const { xs = [], ys = [] } = drawn(sceneOf([[0, value()]], 0))?.curves[0] ?? {};
    const at = (lambda: number) => ys[xs.findIndex((x) => x >= lambda)];
    expect(at(10)).toBeGreaterThan(0);
    expect(at(5)).toBeNaN();
  });

  it("says trace, shares and outliers in words, with errors and limits", () => {
    const scene = sceneOf([[0, value()]], 30);
    expect(texts(scene)).toEqual({
      Trace: ["485.1", "± 21"],
      "Near zero": ["99.25 %", "|λ| < 0.10"],
      Negative: ["0 %", "λ < −0.10"],
      Outliers: ["9", "× 2.40, next 1.30"],
      "Averaged over": ["4 vectors", "30 steps old"],
    });
    expect(panel.note?.(scene)).toContain("single ones of 79,510 eigenvalues");
    expect(panel.note?.(scene)).toContain("24 Lanczos steps");
    expect(drawn(scene)?.rules?.map(({ label }) => label)).toEqual(["near zero", "9 outliers"]);
  });

  it("counts no outliers where the largest gap is hardly larger than the next", () => {
    const outliers = { count: 1, lowest: 8, gap: 1.16, secondGap: 1.1, among: 6 };
    const scene = sceneOf([[0, value({ outliers })]], 0);
    expect(texts(scene)["Outliers"]?.[0]).toBe("no clear gap");
    expect(drawn(scene)?.rules?.map(({ label }) => label)).toEqual(["near zero"]);
  });

  it("survives a Hessian that was not finite", () => {
    const nothing = value({
      lambda: [],
      density: [],
      kernelWidth: Number.NaN,
      trace: Number.NaN,
      nearZeroBelow: Number.NaN,
      outliers: null,
    });
    const scene = sceneOf([[0, nothing]], 0);
    expect(texts(scene)["Trace"]?.[0]).toBe("NaN");
    expect(drawn(scene)?.rules).toEqual([]);
  });
});
