import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StreamDescriptor } from "../../../shared/stream.ts";
import { clearPage, type Dashboard, mountDashboard } from "./support/dashboard.ts";
import { FakeServer } from "./support/fake-server.ts";
import { syntheticSession } from "./support/synthetic-session.ts";

const session = syntheticSession();
let server: FakeServer;

function valueAt(channel: string, step: number): unknown {
  return session.events.findLast((event) => event.channel === channel && event.step <= step)?.value;
}

async function open(hash = ""): Promise<Dashboard> {
  history.replaceState(null, "", `${location.pathname}${location.search}${hash}`);
  const dashboard = mountDashboard();
  await dashboard.until(() => dashboard.find("playback-bar") !== null && !Number.isNaN(dashboard.step));
  return dashboard;
}

beforeEach(() => {
  clearPage();
  server = new FakeServer().install();
  server.addRecording(session);
});

afterEach(() => {
  clearPage();
  server.uninstall();
});

describe("a recorded session", () => {
  it("says what was run, on what, and how far the instruments can be trusted", async () => {
    const dashboard = await open();
    expect(dashboard.text("h1")).toBe("edge");
    const facts = dashboard.text("credibility-line ul");
    for (const fact of [
      "784-100-10 tanh",
      "half-sum-mse",
      "gd, η 0.2, full batch",
      "mnist, 1,000 examples",
      "seed 0",
      "wasm",
      "curvature on the training set of 1,000 (9b1c44e7)",
      "self-test: gradient 8.1e−8, Hv 2.3e−7",
      "hessian every 30",
    ])
      expect(facts).toContain(fact);
    expect(dashboard.text("session-bar .state")).toBe("Finished");
  });

  it("shows the numbers of the last step, as they were recorded", async () => {
    const dashboard = await open();
    await dashboard.atStep(1500);
    const loss = valueAt("path/loss", 1500) as number;
    const spectrum = valueAt("hessian/eigenvalues", 1500) as { top: { value: number }[]; ratio: number };
    await dashboard.until(() => dashboard.figures("loss")["Probe"] !== "–");
    expect(Number(dashboard.figures("loss")["Probe"])).toBeCloseTo(loss, 4);
    expect(Number.parseFloat(dashboard.figures("eigenvalues")["λ₁"] ?? "")).toBeCloseTo(
      spectrum.top[0]?.value ?? 0,
      2,
    );
    expect(Number.parseFloat(dashboard.figures("sharpness-ratio")["λ₁ / threshold"] ?? "")).toBeCloseTo(
      spectrum.ratio,
      2,
    );
  });

  it("replays by itself, from the step and at the speed that the address asks for", async () => {
    const dashboard = await open("#speed=3&step=1200");
    await dashboard.until(() => dashboard.step > 1200);
    const speed = dashboard.find("playback-bar select") as HTMLSelectElement;
    expect(speed.selectedOptions[0]?.textContent).toBe("3×");
    expect(dashboard.find('playback-bar button[aria-label="Pause replay"]')).not.toBeNull();
  });

  it("keeps the path and the straight line apart, each under its own name", async () => {
    const dashboard = await open();
    const panel = dashboard.panel("path-and-line");
    const titles = [...(panel.shadowRoot?.querySelectorAll("h3") ?? [])].map(
      ({ textContent }) => textContent,
    );
    expect(titles).toEqual(["Along the path", "Along the straight line"]);
    await dashboard.until(() => dashboard.figures("path-and-line")["Control"] !== undefined);
    const monotone = [...(panel.shadowRoot?.querySelectorAll(".figures dd[data-tone]") ?? [])]
      .map(({ textContent }) => textContent?.trim())
      .filter((text) => text === "yes" || text === "no");
    expect(monotone).toEqual(["no", "yes"]);
  });

  it("draws marks on every chart that has data", async () => {
    const dashboard = await open();
    await dashboard.until(() => dashboard.all<HTMLCanvasElement>("stream-panel canvas").length >= 10);
    await dashboard.until(() => dashboard.all<HTMLCanvasElement>("stream-panel canvas").every(hasInk));
  });

  it("answers each verdict's how, and jumps to its evidence", async () => {
    const dashboard = await open();
    await dashboard.until(() => dashboard.text('[data-verdict="edge-of-stability"] .answer') === "Yes");
    const item = dashboard.get('[data-verdict="edge-of-stability"]');
    item.querySelector("summary")?.click();
    expect(item.querySelector("details")?.open).toBe(true);
    expect(item.querySelector(".how")?.textContent).toMatch(/consecutive measurements/);
    const jump = [...item.querySelectorAll("button")].find(({ textContent }) =>
      textContent?.includes("hessian/eigenvalues"),
    );
    jump?.click();
    await dashboard.until(() => dashboard.panel("eigenvalues").hasAttribute("marked"));
    const { steps } = { steps: jump?.textContent?.match(/to ([\d,]+)|step ([\d,]+)/) };
    await dashboard.atStep(Number((steps?.[1] ?? steps?.[2] ?? "").replaceAll(",", "")));
  });

  it("says how old a sparse measurement is at a cursor between two of them", async () => {
    const dashboard = await open("#step=427");
    await dashboard.atStep(427);
    await dashboard.until(() => dashboard.figures("sharpness-ratio")["λ₁ / threshold"]?.includes("old"));
    const shown = dashboard.figures("sharpness-ratio")["λ₁ / threshold"] ?? "";
    // Measured every 30 steps: the newest at or before 427 is that of step 420.
    expect(shown).toContain("7 steps old");
    const at420 = valueAt("hessian/eigenvalues", 420) as { ratio: number };
    expect(Number.parseFloat(shown)).toBeCloseTo(at420.ratio, 2);
  });

  it("draws a stream that no panel knows, from its descriptor alone", async () => {
    const dashboard = await open();
    const panel = dashboard.panel("sharpness/sam");
    expect(panel.shadowRoot?.querySelector("h2")?.textContent).toBe("Sharpness in the sense of SAM");
    await dashboard.until(() => Object.keys(dashboard.figures("sharpness/sam")).length === 1);
    const { value } = valueAt("sharpness/sam", 1500) as { value: number };
    expect(Number.parseFloat(dashboard.figures("sharpness/sam")["loss"] ?? "")).toBeCloseTo(value, 3);
  });

  it("draws the density of all eigenvalues in words and as a curve", async () => {
    const dashboard = await open();
    await dashboard.atStep(1500);
    await dashboard.until(() => dashboard.figures("density")["Outliers"] !== undefined);
    expect(dashboard.figures("density")["Trace"]).toContain("± 21");
    expect(dashboard.figures("density")["Outliers"]).toContain("10");
    const canvas = dashboard.panel("density").shadowRoot?.querySelector("canvas");
    expect(canvas?.width).toBeGreaterThan(0);
  });

  it("exports every sample of a panel as CSV, and its drawing as SVG", async () => {
    const dashboard = await open();
    await dashboard.atStep(1500);
    const files: { name: string; blob: Blob }[] = [];
    vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
      files.push({ name: "", blob: blob as Blob });
      return "blob:test";
    });
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      const last = files.at(-1);
      if (last !== undefined) last.name = this.download;
    });
    const commands = [
      ...(dashboard.panel("loss").shadowRoot?.querySelectorAll<HTMLElement>(".command") ?? []),
    ];
    for (const command of commands.filter(({ textContent }) => textContent !== "PNG")) command.click();
    const csv = await files.find(({ name }) => name.endsWith(".csv"))?.blob.text();
    const svg = await files.find(({ name }) => name.endsWith(".svg"))?.blob.text();
    expect(files.map(({ name }) => name).sort()).toEqual([
      "edge-loss-step-1500.csv",
      "edge-loss-step-1500.svg",
    ]);
    expect(csv?.trim().split("\r\n").length).toBe(1502);
    expect(svg).toMatch(/^<svg[\s>]/);
    vi.restoreAllMocks();
  });

  it("replays at the recorded pace and pauses where it is told", async () => {
    const dashboard = await open("#step=100");
    await dashboard.atStep(100);
    dashboard.press(" ");
    await dashboard.until(() => dashboard.step > 103);
    dashboard.press(" ");
    await dashboard.until(() => dashboard.find('[aria-label="Replay"]') !== null);
    const paused = dashboard.step;
    expect(paused).toBeLessThan(1500);
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    expect(dashboard.step).toBe(paused);
  });

  it("says in one panel that a sample cannot be read, and goes on in the others", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const events = session.events.map((event) =>
      event.channel === "hessian/eigenvalues" ? { ...event, value: { ratio: 1 } } : event,
    );
    server.addRecording({ header: { ...session.header, id: "cd".repeat(16) }, events });
    const dashboard = await open(`#run=${"cd".repeat(16)}`);
    await dashboard.until(() => dashboard.figures("eigenvalues")["This sample"] === "cannot be read");
    expect(dashboard.figures("loss")["Probe"]).toMatch(/^0\.\d+/);
    expect(said).toHaveBeenCalled();
    said.mockRestore();
  });

  it("begins at the step where a fork left its parent", async () => {
    const fork = {
      ...{ session: session.header.id, name: "edge", step: 200 },
      ...{ thetaSha256: "0".repeat(64), pathLength: 3, changed: {} },
    };
    server.addRecording({
      header: { ...session.header, id: "ef".repeat(16), fork },
      events: session.events.filter(({ step }) => step >= 200).map((event, seq) => ({ ...event, seq })),
    });
    const dashboard = await open(`#run=${"ef".repeat(16)}`);
    const last = session.header.steps;
    await dashboard.atStep(last);
    const cursor = dashboard.get("playback-bar input[type=range]") as HTMLInputElement;
    expect([cursor.min, cursor.max]).toEqual(["200", String(last)]);
    dashboard.press("Home");
    await dashboard.atStep(200);
    await dashboard.until(() =>
      dashboard
        .get("playback-bar canvas")
        .getAttribute("aria-label")
        ?.includes(`steps 200 to ${last.toLocaleString("en")},`),
    );
  });

  it("opens the table of all numbers at the cursor", async () => {
    const dashboard = await open("#step=300");
    await dashboard.atStep(300);
    dashboard.get("cursor-table summary").click();
    await dashboard.until(() => dashboard.all("cursor-table tbody tr").length > 20);
    const row = dashboard
      .all("cursor-table tbody tr")
      .find(({ textContent }) => textContent?.includes("train/update-norm"));
    const value = valueAt("train/update-norm", 300) as number;
    expect(Number(row?.querySelector("td.number")?.textContent)).toBeCloseTo(value, 5);
  });

  it("names parameters in that table, and says why a number is not there", async () => {
    const passport = session.header.channels.find(({ name }) => name === "train/loss") as StreamDescriptor;
    const extra = [
      { ...passport, name: "lab/heavy", heavy: true },
      { ...passport, name: "lab/never" },
    ];
    const channels = [...session.header.channels, ...extra];
    server.addRecording({ ...session, header: { ...session.header, id: "fa".repeat(16), channels } });
    const dashboard = await open(`#run=${"fa".repeat(16)}&step=10`);
    await dashboard.atStep(10);
    dashboard.get("cursor-table summary").click();
    await dashboard.until(() => dashboard.all("cursor-table tbody tr").length > 20);
    const rows = dashboard
      .all("cursor-table tbody tr")
      .map((row) => [...row.children].map((cell) => cell.textContent?.trim() ?? ""));
    const measuredOf = (name: string) => rows.find(([channel]) => channel === name)?.at(-1);
    expect(measuredOf("lab/heavy")).toBe("not sent to this page");
    expect(measuredOf("lab/never")).toBe("not in this session");
    const whats = rows.filter(([channel]) => channel === "distance/to-init").map(([, what]) => what);
    for (const { name } of session.header.parameters) {
      expect(whats).toContain(`distance per parameter ${name}`);
      expect(whats).toContain(`1 − cos(θ_t, θ₀) per parameter ${name}`);
    }
  });
});

function hasInk(canvas: HTMLCanvasElement): boolean {
  const { width, height } = canvas;
  if (width === 0 || height === 0) return false;
  const data = canvas.getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
  // Grid lines are there without data: a mark is a strongly coloured pixel.
  for (let i = 0; i < data.length; i += 4) {
    const [r = 0, g = 0, b = 0, a = 0] = [data[i], data[i + 1], data[i + 2], data[i + 3]];
    if (a > 100 && Math.max(r, g, b) - Math.min(r, g, b) > 60) return true;
  }
  return false;
}
