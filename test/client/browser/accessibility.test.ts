import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cdp, page } from "vitest/browser";
import { clearPage, type Dashboard, mountDashboard } from "./support/dashboard.ts";
import { FakeServer } from "./support/fake-server.ts";
import { syntheticSession } from "./support/synthetic-session.ts";

let server: FakeServer;

beforeEach(async () => {
  await page.viewport(1440, 900);
  clearPage();
  server = new FakeServer().install();
  server.presets = [{ name: "edge", title: "The edge of stability", about: "Sharpness meets 2/η." }];
});

afterEach(() => {
  clearPage();
  server.uninstall();
});

async function violations(): Promise<string[]> {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.flat().join(" ")).join(" | ")}`,
  );
}

async function openSession(theme: "light" | "dark"): Promise<Dashboard> {
  localStorage.setItem("thalweg-theme", theme);
  server.addLive(syntheticSession(), 600);
  const dashboard = mountDashboard();
  await dashboard.until(() => dashboard.find("playback-bar") !== null);
  await dashboard.atStep(600);
  for (const summary of dashboard.all("verdict-list summary")) summary.click();
  dashboard.get("cursor-table summary").click();
  await dashboard.until(() => dashboard.all("cursor-table tbody tr").length > 0);
  return dashboard;
}

describe("axe finds no violation", () => {
  for (const theme of ["light", "dark"] as const) {
    it(`on a live session, ${theme}`, async () => {
      await openSession(theme);
      expect(getComputedStyle(document.documentElement).colorScheme).toBe(theme);
      expect(await violations()).toEqual([]);
    });
  }

  it("on the empty page", async () => {
    const dashboard = mountDashboard();
    await dashboard.until(() => dashboard.text("notice-card h1") === "No session yet");
    expect(await violations()).toEqual([]);
  });

  it("in the help", async () => {
    const dashboard = await openSession("light");
    dashboard.press("?");
    await dashboard.until(() => (dashboard.find("help-dialog dialog") as HTMLDialogElement | null)?.open);
    expect(await violations()).toEqual([]);
  });
});

describe("the narrow layout", () => {
  it("has one column, nothing wider than the screen, and words before charts", async () => {
    await page.viewport(390, 844);
    const dashboard = await openSession("light");
    const lefts = new Set(
      dashboard.all("stream-panel").map((panel) => Math.round(panel.getBoundingClientRect().left)),
    );
    expect(lefts.size).toBe(1);
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(390);
    const verdicts = dashboard.get("verdict-list").getBoundingClientRect();
    expect(verdicts.bottom).toBeLessThanOrEqual(dashboard.panel("loss").getBoundingClientRect().top);
  });

  it.each([320, 360])("has room for all of the bar below at %i px", async (width) => {
    await page.viewport(width, 740);
    const dashboard = await openSession("light");
    dashboard.press("Home");
    await dashboard.until(() => dashboard.text(".live .new") === "+600");
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
    const [buttons, step, live, track] = [".buttons", ".step", ".live", ".track"].map((part) =>
      dashboard.get(`playback-bar ${part}`).getBoundingClientRect(),
    );
    expect(buttons?.right).toBeLessThanOrEqual(step?.left ?? 0);
    expect(step?.right).toBeLessThanOrEqual(live?.left ?? 0);
    for (const part of [live, track]) expect(part?.right).toBeLessThanOrEqual(width - 16);
  });
});

describe("forced colours", () => {
  const emulate = (value: string) =>
    (cdp() as unknown as { send(method: string, params: object): Promise<unknown> }).send(
      "Emulation.setEmulatedMedia",
      { features: [{ name: "forced-colors", value }] },
    );

  afterEach(() => emulate("none"));

  it("keep the colours of swatches and dots, and mark what is chosen", async () => {
    const dashboard = await openSession("light");
    const groundsOf = (...selectors: string[]) =>
      selectors
        .flatMap((selector) => dashboard.all(selector))
        .map((element) => getComputedStyle(element).backgroundColor);
    const telling = () => [
      ...groundsOf("link-badge .dot"),
      ...dashboard.all("stream-panel .swatch").map((swatch) => getComputedStyle(swatch).stroke),
    ];
    const before = telling();
    await emulate("active");
    expect(matchMedia("(forced-colors: active)").matches).toBe(true);
    expect(telling()).toEqual(before);
    expect(new Set(before).size).toBeGreaterThan(3);
    const [chosen, other] = ["true", "false"].map(
      (pressed) => groundsOf(`stream-panel .scales [aria-pressed="${pressed}"]`)[0],
    );
    expect(chosen).not.toBe(other);
    const words = getComputedStyle(dashboard.get('stream-panel .scales [aria-pressed="true"]'));
    expect(words.forcedColorAdjust).toBe("none");
  });
});

describe("the theme", () => {
  it("changes by the button, is kept, and reaches the canvases", async () => {
    const dashboard = await openSession("light");
    const ground = () => getComputedStyle(dashboard.element).backgroundColor;
    const light = ground();
    dashboard.get('session-bar [aria-label="Theme: light"]').click();
    await dashboard.until(() => document.documentElement.dataset["theme"] === "dark");
    expect(ground()).not.toBe(light);
    expect(localStorage.getItem("thalweg-theme")).toBe("dark");
  });

  it("tells of each chart in a sentence of numbers", async () => {
    const dashboard = await openSession("light");
    await dashboard.until(() =>
      dashboard.panel("loss").shadowRoot?.querySelector("canvas")?.ariaLabel?.includes("600"),
    );
    expect(dashboard.panel("loss").shadowRoot?.querySelector("canvas")?.ariaLabel).toMatch(/Loss.*probe/);
  });
});
