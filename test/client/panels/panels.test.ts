import { describe, expect, it } from "vitest";
import { History, type HistorySample } from "../../../client/data/history.ts";
import { panelsFor } from "../../../client/panels/index.ts";
import { lookOf } from "../../../client/panels/look.ts";
import type { Panel, Scene } from "../../../client/panels/panel.ts";
import { preconditionedEigenvaluesStream } from "../../../server/streams/hessian-preconditioned.ts";
import { runChannels, streams } from "../../../server/streams/index.ts";
import type { Sample, StreamDescriptor } from "../../../shared/stream.ts";
import { verdictsOf } from "../../../shared/verdicts.ts";
import { syntheticSession } from "../browser/support/synthetic-session.ts";

const announced = [...streams.map(({ descriptor }) => descriptor), ...runChannels];

function sceneOf(step: number, options: { batchSize?: number } = {}): Scene {
  const session = syntheticSession({ steps: 300, ...options });
  const history = new History();
  history.describe(session.header.channels);
  history.accept(session.events as readonly HistorySample[]);
  return {
    history,
    header: session.header,
    state: "ended",
    domain: [0, 300],
    cursor: { step, kind: "pinned" },
    step,
    following: false,
    playedTo: null,
    scales: {},
  };
}

function panelOf(id: string, scene: Scene): Panel {
  const found = panelsFor(scene.header.channels).find((panel) => panel.id === id);
  if (found === undefined) throw new Error(`no panel ${id}`);
  return found;
}

describe("panelsFor", () => {
  it("shows every json stream of the server somewhere", () => {
    const drawn = new Set(panelsFor(announced).flatMap((panel) => panel.streams));
    const wanted = announced.filter(({ encoding, name }) => encoding === "json" && name !== "run/status");
    expect(wanted.map(({ name }) => name).filter((name) => !drawn.has(name))).toEqual([]);
  });

  it("shows no panel of which no stream is announced", () => {
    const only = announced.filter(({ name }) => name === "train/loss");
    expect(panelsFor(only).map(({ id }) => id)).toEqual(["loss"]);
  });

  it("asks each panel's fields of streams that have them", () => {
    // Panels name paths in values; a renamed field would leave an empty chart behind.
    const scene = sceneOf(300);
    const series = panelsFor(scene.header.channels)
      .flatMap(({ parts }) => parts)
      .flatMap((part) => (part.kind === "line" ? part.draw(scene).series : []));
    expect(series.length).toBeGreaterThan(15);
    expect(series.filter(({ series }) => series.length === 0).map(({ label }) => label)).toEqual([]);
  });

  it("gives every figure the colour and the dash of the line it reads", () => {
    const scene = sceneOf(300, { batchSize: 100 });
    let compared = 0;
    for (const { parts } of panelsFor(scene.header.channels))
      for (const part of parts) {
        if (part.kind !== "line") continue;
        const lines = part.draw(scene).series.map(({ colour, dash = "solid" }) => `${colour} ${dash}`);
        for (const { colour, dash = "solid" } of part.figures?.(scene) ?? []) {
          if (colour === undefined) continue;
          expect(lines, part.id).toContain(`${colour} ${dash}`);
          compared++;
        }
      }
    expect(compared).toBeGreaterThan(15);
  });

  it("tells the layers' lines apart by the dash and by the colour", () => {
    const scene = sceneOf(300);
    const [part] = panelOf("layers", scene).parts;
    const lines = part.kind === "line" ? part.draw(scene).series : [];
    expect(lines.length).toBeGreaterThan(3);
    lines.slice(1).forEach(({ colour, dash }, index) => {
      expect(colour).not.toBe(lines[index]?.colour);
      expect(dash).not.toBe(lines[index]?.dash);
    });
    const looks = Array.from({ length: 24 }, (_, index) => lookOf(index));
    expect(new Set(looks.map(({ colour, dash }) => `${colour} ${dash}`)).size).toBe(24);
  });

  it("draws only fields that the server's streams announce", () => {
    const scene = sceneOf(300, { batchSize: 100 });
    const server = new History();
    server.describe(announced);
    const drawn = panelsFor(scene.header.channels)
      .flatMap(({ parts }) => parts)
      .flatMap((part) => (part.kind === "line" ? part.draw(scene).series : []))
      .map(({ series }) => series)
      .filter(({ channel }) => server.descriptor(channel) !== undefined);
    expect(drawn.length).toBeGreaterThan(15);
    expect(drawn.filter(({ channel, path }) => server.field(channel, path) === undefined)).toEqual([]);
  });

  it("gives an unknown stream a panel from its descriptor, with the lines of one unit", () => {
    const unknown: StreamDescriptor = {
      name: "lab/temperature",
      title: "Temperature",
      about: "Of the room.",
      unit: "K",
      encoding: "json",
      heavy: false,
      on: "run",
      needs: "trainer",
      cadence: { kind: "step" },
      fields: [
        { path: "inside", label: "inside", unit: "K", scale: "linear" },
        { path: "outside", label: "outside", unit: "K", scale: "linear" },
        { path: "humidity", label: "humidity", unit: "1", scale: "linear" },
      ],
    };
    const [panel] = panelsFor([unknown]);
    const history = new History();
    history.describe([unknown]);
    history.accept([
      {
        seq: 0,
        channel: "lab/temperature",
        step: 0,
        wallTimeMs: 0,
        value: { inside: 293, outside: 281, humidity: 0.4 },
      },
    ]);
    const scene: Scene = { ...sceneOf(0), history };
    expect(panel).toMatchObject({ id: "lab/temperature", title: "Temperature" });
    const [part] = panel?.parts ?? [];
    expect(part?.kind === "line" && part.draw(scene).series.map(({ label }) => label)).toEqual([
      "inside",
      "outside",
    ]);
    expect(part?.figures?.(scene).map(({ text }) => text)).toEqual(["293", "281"]);
  });

  it("draws no panel for bytes and for heavy streams", () => {
    const heavy = announced.filter(({ heavy }) => heavy);
    expect(heavy.length).toBeGreaterThan(0);
    expect(panelsFor(heavy)).toEqual([]);
  });
});

describe("the eigenvalue panel", () => {
  it("calls the full-batch line a bound, and greys it, when there are minibatches", () => {
    const scene = sceneOf(300, { batchSize: 100 });
    const [part] = panelOf("eigenvalues", scene).parts;
    if (part.kind !== "line") throw new Error("expected a line");
    const bound = part.draw(scene).series.find(({ label }) => label === "full-batch bound");
    expect(bound?.colour).toBe("ink-3");
    expect(part.figures?.(scene).find(({ label }) => label === "Threshold")?.note).toBe("full-batch bound");
  });

  it("reads a sample without the lower end", () => {
    const scene = sceneOf(300);
    const history = new History();
    history.describe(announced);
    const value = {
      top: [{ value: 9, residual: 0.01, converged: true }],
      threshold: 10,
      rule: "gd",
      ratio: 0.9,
      probeStdErr: null,
      coldGap: null,
    };
    history.accept([{ seq: 0, channel: "hessian/eigenvalues", step: 300, wallTimeMs: 0, value }]);
    const [part] = panelOf("eigenvalues", scene).parts;
    expect(part.figures?.({ ...scene, history }).map(({ label, text }) => [label, text])).toEqual([
      ["λ₁", "9"],
      ["Threshold", "10"],
      ["Converged", "all"],
      ["Cold check", "–"],
    ]);
  });

  it.each([
    [0.02, "2.0 %"],
    [3e-6, "< 0.01 %"],
    [-3e-6, "0 %"],
  ])("says of a cold start that found %d more that it found %s", (coldGap, text) => {
    const scene = sceneOf(300);
    const history = new History();
    history.describe(announced);
    const top = [{ value: 9, residual: 0.01, converged: true }];
    const value = { top, threshold: 10, rule: "gd", ratio: 0.9, probeStdErr: null, coldGap };
    history.accept([{ seq: 0, channel: "hessian/eigenvalues", step: 300, wallTimeMs: 0, value }]);
    const [part] = panelOf("eigenvalues", scene).parts;
    const cold = part.figures?.({ ...scene, history }).find(({ label }) => label === "Cold check");
    expect(cold?.text).toBe(text);
  });

  it("says how many eigenvalues have not converged", () => {
    // The synthetic session leaves one unconverged at each multiple of 90.
    const [part] = panelOf("eigenvalues", sceneOf(270)).parts;
    const converged = (step: number) =>
      part.figures?.(sceneOf(step)).find(({ label }) => label === "Converged");
    expect(converged(270)).toMatchObject({ text: "13 of 14", tone: "warn" });
    expect(converged(240)).toMatchObject({ text: "all" });
  });

  it("keeps its figures in their places, whatever was measured at the cursor", () => {
    const [part] = panelOf("eigenvalues", sceneOf(300)).parts;
    const labels = [0, 90, 240, 300].map((step) => part.figures?.(sceneOf(step)).map(({ label }) => label));
    for (const each of labels) expect(each).toEqual(labels[0]);
  });
});

describe("the overhead panel", () => {
  it("gives no cost below nothing, and the interval as it was measured", () => {
    const scene = sceneOf(300);
    const history = new History();
    history.describe(announced);
    const value = {
      total: -0.03,
      interval: [-0.12, 0.06],
      stepsPerSecond: 50,
      bareStepMs: 20,
      perStream: {},
    };
    history.accept([{ seq: 0, channel: "run/overhead", step: 300, wallTimeMs: 0, value }]);
    const [part] = panelOf("overhead", scene).parts;
    const [figure] = part.figures?.({ ...scene, history }) ?? [];
    expect(figure).toMatchObject({ label: "Overhead", text: "0 %", note: "−12 % to 6.0 %" });
    if (part.kind !== "line") throw new Error("expected a line");
    const [line] = part.draw({ ...scene, history }).series;
    expect(line?.series.latest()?.value, "the line is what was measured").toBe(-0.03);
  });
});

describe("the panel of losses", () => {
  it("names the training loss, and no probe, where the path is left out", () => {
    const scene = sceneOf(300);
    const drawnOf = (history: History) => {
      const [part] = panelOf("loss", scene).parts;
      if (part.kind !== "line") throw new Error("expected a line");
      const of = { ...scene, history };
      return {
        named: part.draw(of).series.flatMap(({ label, directLabel = true }) => (directLabel ? [label] : [])),
        figures: part.figures?.(of).map(({ label }) => label),
      };
    };
    const without = new History();
    without.describe(scene.header.channels.filter(({ name }) => !name.startsWith("path/")));
    expect(drawnOf(without)).toEqual({ named: ["train", "test"], figures: ["Train", "Test"] });
    const withPath = drawnOf(scene.history);
    expect(withPath.named).toEqual(["test", "probe"]);
    expect(withPath.figures?.slice(0, 3)).toEqual(["Probe", "Train", "Test"]);
  });
});

describe("the panel of path and line", () => {
  const monotone = (channel: "path/monotonicity" | "line/profile", value: object) => {
    const scene = sceneOf(300);
    const history = new History();
    history.describe(announced);
    const samples = [
      { channel: "path/loss", step: 0, value: 4 },
      { channel, step: 300, value },
    ] as Sample[];
    history.accept(samples.map((sample, seq) => ({ ...sample, seq, wallTimeMs: 0 })) as HistorySample[]);
    const parts = panelOf("path-and-line", scene).parts;
    const part = parts.find(({ id }) => id === (channel === "path/monotonicity" ? "path" : "line"));
    const text = part?.figures?.({ ...scene, history }).find(({ label }) => label === "Monotone")?.text;
    const id = channel === "path/monotonicity" ? "path-monotone" : "line-monotone";
    // The verdict wants two measurements.
    const again = samples.slice(1).map((sample) => ({ ...sample, step: 301 }));
    const verdict = verdictsOf(scene.header, [...samples, ...again], "ended").find((each) => each.id === id);
    return { panel: text, verdict: verdict?.state };
  };
  it("does not forget a rise when the loss is no longer finite", () => {
    const scene = sceneOf(300);
    const history = new History();
    history.describe(announced);
    const samples = [
      { channel: "path/loss", step: 0, value: 4 },
      { channel: "path/monotonicity", step: 299, value: path(1e30) },
      { channel: "path/monotonicity", step: 300, value: path(Number.NaN) },
    ] as const;
    history.accept(samples.map((sample, seq) => ({ ...sample, seq, wallTimeMs: 0 })));
    const [part] = panelOf("path-and-line", scene).parts;
    const figures = part.figures?.({ ...scene, history });
    expect(figures?.find(({ label }) => label === "Monotone")?.text).toBe("no");
    const verdict = verdictsOf(scene.header, samples, "diverged").find(({ id }) => id === "path-monotone");
    expect(verdict).toMatchObject({ state: "no", sentence: expect.stringContaining("1.0e30 above") });
  });

  const path = (drawUp: number, every = 1) => ({
    ...{ excess: 0, upFraction: 0.1, populationDrawUp: drawUp, pairedStdErr: null },
    ...{ drawUp, every },
  });
  const line = (drawUp: number, monotoneOnProbe: boolean, monotoneInPopulation: boolean | null = null) => ({
    ...{ alphas: [0, 1], losses: [4, 1], carriesVerdict: true, plateau: 0.5, pathSteps: [], projection: [] },
    ...{ residual: [], noiseFloor: 1e-6, pairedStdErr: 0.01, control: null },
    ...{ drawUp, monotoneOnProbe, monotoneInPopulation },
  });

  it.each([
    ["a rise below rounding", "path/monotonicity", path(2.7e-6), "yes"],
    ["a rise above rounding", "path/monotonicity", path(4.1e-6), "no"],
    ["none seen at every tenth step", "path/monotonicity", path(0, 10), "undecided"],
    ["a rise at every tenth step", "path/monotonicity", path(0.1, 10), "no"],
    ["a loss that is not finite", "path/monotonicity", path(Number.NaN), "undecided"],
    ["no rise on the line", "line/profile", line(0, true), "yes"],
    ["less than a thousandth", "line/profile", line(0.003, false), "yes"],
    ["more, whatever its error", "line/profile", line(0.02, false), "no"],
    ["a hint of few points", "line/profile", { ...line(0, true), carriesVerdict: false }, "undecided"],
    ["a line that is not finite", "line/profile", line(Number.NaN, false), "undecided"],
  ] as const)("answers as the verdict does: %s", (_, channel, value, answer) => {
    expect(monotone(channel, value)).toEqual({ panel: answer, verdict: answer });
  });
});

describe("the control of the line", () => {
  it.each([
    [{ drawUp: 0, monotoneOnProbe: true }, ["0", "monotone too"]],
    [{ drawUp: 0.5, monotoneOnProbe: false }, ["0.500", "rises"]],
    [{ drawUp: Number.NaN, monotoneOnProbe: false }, ["NaN", undefined]],
  ])("is not said to rise where it is no number: %o", (control, words) => {
    const scene = sceneOf(300);
    const history = new History();
    history.describe(announced);
    const value = {
      ...{ alphas: [0, 1], losses: [4, 1], carriesVerdict: true, drawUp: 0, plateau: 0.5, pathSteps: [] },
      ...{ projection: [], residual: [], noiseFloor: 1e-6, pairedStdErr: 0.01, monotoneOnProbe: true },
      ...{ monotoneInPopulation: true, control: { losses: [4, 1], ...control } },
    };
    history.accept([{ seq: 0, channel: "line/profile", step: 300, wallTimeMs: 0, value }]);
    const part = panelOf("path-and-line", scene).parts.find(({ id }) => id === "line");
    const figure = part?.figures?.({ ...scene, history }).find(({ label }) => label === "Control");
    expect([figure?.text, figure?.note]).toEqual(words);
  });
});

describe("a run so long that whole samples of its beginning are held no more", () => {
  const steps = 25_000;
  const valueAt = (step: number) => ({
    "path/loss": 4,
    "path/monotonicity": {
      ...{ excess: 0, drawUp: step / 1000, upFraction: step / 50_000, every: 5 },
      ...{ populationDrawUp: 0, pairedStdErr: step < 1000 ? null : 0.25 },
    },
    "path/top-mode": { projection: -step, modeStep: step - (step % 50), referenceStep: step },
  });
  const historyOf = (from: number, to: number) => {
    const history = new History();
    history.describe(announced);
    const samples = Array.from({ length: to - from + 1 }, (_, i) =>
      Object.entries(valueAt(from + i)).map(([channel, value]) => ({ channel, step: from + i, value })),
    );
    history.accept(samples.flat().map((sample, seq) => ({ ...sample, seq, wallTimeMs: 0 })));
    return history;
  };
  const long = historyOf(0, steps);

  it.each([
    [100, ["no", "≥ 0.100"]],
    [1800, ["no", "≥ 1.80"]],
    [4999, ["no", "≥ 5.00"]],
    [steps, ["no", "≥ 25"]],
  ])("has the same figures at step %i as a short one", (step, words) => {
    const scene = sceneOf(300);
    const figuresOf = (history: History) =>
      ["path-and-line", "top-mode"].map((id) =>
        panelOf(id, scene).parts[0].figures?.({ ...scene, history, step }),
      );
    const [path] = figuresOf(long);
    expect(figuresOf(long)).toEqual(figuresOf(historyOf(step - 1, step)));
    expect(path?.slice(0, 2).map(({ text }) => text)).toEqual(words);
  });
});

describe("the panel of the parts of sharpness", () => {
  it("draws the whole, the Gauss–Newton matrix and each layer by its name", () => {
    const scene = sceneOf(300);
    const [part] = panelOf("sharpness-parts", scene).parts;
    if (part.kind !== "line") throw new Error("expected a line");
    const names = ["λ₁ of all", "Gauss–Newton", "dense", "dense_1"];
    expect(part.draw(scene).series.map(({ label }) => label)).toEqual(names);
    expect(part.figures?.(scene).map(({ label }) => label)).toEqual(names);
  });
});

describe("the panel of the top subspace", () => {
  it("names the steps that the subspace of now is compared with", () => {
    const scene = sceneOf(300);
    const [share, overlap] = panelOf("top-subspace", scene).parts;
    expect(share.figures?.(scene).map(({ text }) => text)).toEqual(["0.857", "4e−4", "9"]);
    expect(overlap?.figures?.(scene).map(({ label }) => label)).toEqual([
      "With step 270",
      "With step 0",
      "With step 16",
      "With step 128",
      "Random",
    ]);
  });
});

describe("the panel of preconditioned sharpness", () => {
  it("holds λ₁(P⁻¹H) against 38/η, and is there for Adam alone", () => {
    const scene = sceneOf(300);
    expect(panelsFor(scene.header.channels).map(({ id }) => id)).not.toContain("preconditioned");
    const { descriptor } = preconditionedEigenvaluesStream;
    const panels = panelsFor([descriptor]);
    const history = new History();
    history.describe([descriptor]);
    const value = {
      top: [{ value: 19_200, residual: 12, converged: true }],
      threshold: 19_000,
      rule: "adam",
      ratio: 1.0105,
      eta: 0.002,
      n: 1000,
      hvps: 20,
      coldGap: null,
    };
    history.accept([{ seq: 0, channel: "hessian/preconditioned", step: 300, wallTimeMs: 0, value }]);
    const own = { ...scene, history, header: { ...scene.header, channels: [descriptor] } };
    const partOf = (id: string) => {
      const part = panels.find((panel) => panel.id === id)?.parts[0];
      if (part?.kind !== "line") throw new Error("expected a line");
      return part;
    };
    const part = partOf("preconditioned");
    expect(part.draw(own).series.map(({ label }) => label)).toEqual(["λ₁(P⁻¹H)", "38/η"]);
    expect(part.figures?.(own).map(({ text, note }) => [text, note])).toEqual([
      ["19,200", "± 12"],
      ["19,000", "38/η"],
      ["1.01", undefined],
    ]);
    // And it, not λ₁ of the Hessian, is what stands at the edge.
    const ratio = partOf("sharpness-ratio");
    expect(ratio.draw(own).series.map(({ label, series }) => [label, series.latest()?.value])).toEqual([
      ["λ₁(P⁻¹H) / threshold", 1.0105],
    ]);
    expect(ratio.figures?.(own).map(({ label, text }) => [label, text])).toEqual([
      ["λ₁(P⁻¹H) / threshold", "1.01"],
      ["η", "0.00200"],
    ]);
  });
});

describe("the panel of layers", () => {
  it("names every line that it draws, or says how many more there are", () => {
    const scene = sceneOf(300);
    const [part] = panelOf("layers", scene).parts;
    if (part?.kind !== "line") throw new Error("expected a line");
    const shownOf = (count: number) => {
      const history = new History();
      history.describe(scene.header.channels);
      const value = {
        l2: 1,
        relative: 1,
        pathLength: 1,
        straightness: 1,
        perLayer: new Array(count).fill(1),
        rotation: [],
      };
      history.accept([{ seq: 0, channel: "distance/to-init", step: 300, wallTimeMs: 0, value }]);
      const of = { ...scene, history };
      return {
        drawn: part.draw(of).series.length,
        labels: part.figures?.(of).map(({ label }) => label) ?? [],
      };
    };
    expect(shownOf(10)).toMatchObject({ drawn: 10, labels: { length: 10 } });
    expect(shownOf(15).drawn).toBe(15);
    expect(shownOf(15).labels.at(-1)).toBe("and 3 more");
  });
});
