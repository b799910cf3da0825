import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { clearPage, type Dashboard, mountDashboard } from "./support/dashboard.ts";
import { FakeServer } from "./support/fake-server.ts";
import { syntheticSession } from "./support/synthetic-session.ts";

const session = syntheticSession();
const { id } = session.header;
let server: FakeServer;

async function follow(): Promise<Dashboard> {
  const dashboard = mountDashboard();
  await dashboard.until(() => dashboard.find("playback-bar") !== null);
  await dashboard.atStep(server.stepOf(id));
  return dashboard;
}

function subscriptions() {
  return server.received.filter((message) => message.op === "subscribe");
}

beforeEach(() => {
  clearPage();
  server = new FakeServer().install();
  server.addLive(session, 200);
});

afterEach(() => {
  clearPage();
  server.uninstall();
});

describe("a live session", () => {
  it("follows the newest step as it comes", async () => {
    const dashboard = await follow();
    expect(dashboard.get(".live").getAttribute("aria-pressed")).toBe("true");
    for (const step of [260, 420, 730]) {
      server.advance(id, step);
      await dashboard.atStep(step);
    }
    expect(dashboard.text("session-bar .state")).toBe("Running");
  });

  it("goes back in time while data keep arriving, and returns on LIVE", async () => {
    const dashboard = await follow();
    dashboard.press("Home");
    await dashboard.atStep(0);
    server.advance(id, 900);
    await dashboard.until(() => dashboard.text(".live .new") !== "");
    expect(dashboard.step).toBe(0);
    await dashboard.until(() => dashboard.text(".live").includes("900"));
    expect(dashboard.get(".live").getAttribute("aria-pressed")).toBe("false");
    dashboard.click(".live");
    await dashboard.atStep(900);
    server.advance(id, 910);
    await dashboard.atStep(910);
  });

  it.each(["stream-panel .chart svg", "playback-bar .overview svg"])(
    "shows everything on a double click on %s, and leaves the cursor where it was",
    async (selector) => {
      const dashboard = await follow();
      const svg = dashboard.get(selector) as unknown as SVGSVGElement;
      svg.setPointerCapture = () => {};
      const doubleClick = (): void => {
        const { left, width } = svg.getBoundingClientRect();
        const at = { clientX: left + width / 3, button: 0, bubbles: true, composed: true };
        for (const type of ["pointerdown", "pointerup", "pointerdown", "pointerup"])
          svg.dispatchEvent(new PointerEvent(type, at));
        svg.dispatchEvent(new MouseEvent("dblclick", at));
      };
      doubleClick();
      expect(location.hash).not.toContain("step=");
      server.advance(id, 260);
      await dashboard.atStep(260);
      dashboard.press("ArrowLeft");
      dashboard.press("]");
      await dashboard.until(() => location.hash.includes("range=0-259"));
      doubleClick();
      await dashboard.until(() => !location.hash.includes("range="));
      await dashboard.atStep(259);
    },
  );

  it("shows the numbers of the step it was sent back to, not the newest", async () => {
    const dashboard = await follow();
    const slider = dashboard.get('playback-bar input[type="range"]') as HTMLInputElement;
    slider.value = "64";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await dashboard.atStep(64);
    server.advance(id, 400);
    const loss = session.events.find(({ channel, step }) => channel === "path/loss" && step === 64)
      ?.value as number;
    await dashboard.until(() => Math.abs(Number(dashboard.figures("loss")["Probe"]) - loss) < 1e-4);
    expect(dashboard.step).toBe(64);
  });

  it("freezes on space while data keep arriving, and thaws on space", async () => {
    const dashboard = await follow();
    dashboard.press(" ");
    server.advance(id, 350);
    await dashboard.until(() => dashboard.text(".live .new").includes("150"));
    expect(dashboard.step).toBe(200);
    dashboard.press(" ");
    await dashboard.atStep(350);
  });

  it("comes back after the line is cut, without a gap and without a repetition", async () => {
    const dashboard = await follow();
    const [first] = subscriptions();
    expect(first).toMatchObject({ from: "start", session: id, mode: "lossless" });
    const lastSeq = server.headSeqOf(id);
    server.keepWaiting();
    server.cut();
    await dashboard.until(() => dashboard.text("link-badge .badge").includes("Reconnecting"));
    await dashboard.until(() => dashboard.text(".banner").includes("What arrived until then is still here"));
    expect(dashboard.text("h1")).toBe("edge");
    server.advance(id, 500);
    server.answer();
    await dashboard.until(() => dashboard.text("link-badge .badge").includes("Connected"));
    await dashboard.atStep(500);
    expect(subscriptions().at(-1)).toMatchObject({ session: id, from: { seq: lastSeq + 1 } });
    await dashboard.until(() => dashboard.find(".banner") === null);

    // The table counts nothing twice: its path length is the recorded one.
    const recorded = session.events.findLast(
      ({ channel, step }) => channel === "distance/to-init" && step <= 500,
    );
    const pathLength = (recorded?.value as { pathLength: number } | undefined)?.pathLength ?? Number.NaN;
    await dashboard.until(() => Math.abs(Number(dashboard.figures("distance")["Path"]) - pathLength) < 0.01);
  });

  it("announces samples that the server left out", async () => {
    const dashboard = await follow();
    server.omit(id, 25);
    server.advance(id, 260);
    await dashboard.until(() => dashboard.text("link-badge .badge").includes("25 samples left out, 1 gap"));
  });

  it("sends what the controls say, and shows what came of it", async () => {
    const dashboard = await follow();
    dashboard.get("run-controls button").click();
    await dashboard.until(() => dashboard.text("session-bar .state") === "Paused");
    await dashboard.until(
      () =>
        dashboard.text("status-log").length >= 0 &&
        dashboard.text("status-log li .what") === "Control: pause",
    );
    const step = [...dashboard.all("run-controls button")].find(({ textContent }) =>
      textContent?.includes("Step"),
    );
    step?.click();
    await dashboard.atStep(201);
    const eta = dashboard.get("run-controls #eta") as HTMLInputElement;
    eta.value = "0.05";
    (dashboard.get("run-controls form") as HTMLFormElement).requestSubmit();
    await dashboard.until(() => dashboard.text("status-log li .what") === "Control: η set to 0.05");
    const actions = server.received.flatMap((message) => (message.op === "control" ? [message.action] : []));
    expect(actions).toEqual(["pause", "step", "set"]);
  });

  it.each(["abc", "-1", "0", "1e999", "{Backspace}"])("says what a learning rate is to %s", async (typed) => {
    const dashboard = await follow();
    const eta = dashboard.get("run-controls #eta") as HTMLInputElement;
    eta.focus();
    await userEvent.keyboard(`${typed}{Enter}`);
    expect(eta.validationMessage).toBe("A positive number, such as 0.05");
    eta.select();
    await userEvent.keyboard("5e-2{Enter}");
    await dashboard.until(() => eta.value === "");
    const sent = server.received.filter(({ op }) => op === "control");
    expect(sent).toMatchObject([{ action: "set", learningRate: 0.05 }]);
  });

  it("says that what it shows is the last it knows, while the server is not heard", async () => {
    const dashboard = await follow();
    const isPressed = () => dashboard.get(".live").getAttribute("aria-pressed");
    await dashboard.until(() => dashboard.text("session-bar .state") === "Running");
    expect(dashboard.find("session-bar .rate")).not.toBeNull();
    server.keepWaiting();
    server.cut();
    await dashboard.until(() => dashboard.text("session-bar .state") === "Last known: running");
    expect(dashboard.get("session-bar .state").dataset["state"]).not.toBe("running");
    expect(dashboard.find("session-bar .rate")).toBeNull();
    expect(isPressed()).toBe("false");
    server.answer();
    await dashboard.until(() => dashboard.text("session-bar .state") === "Running");
    expect(isPressed()).toBe("true");
    server.advance(id, 210);
    await dashboard.atStep(210);
  });

  it("says how old the loss beside the newest step is", async () => {
    const events = session.events.filter(({ channel, step }) => channel !== "path/loss" || step <= 5);
    const header = { ...session.header, id: "e5".repeat(16), startedAtMs: 1_790_000_000_000 };
    server.addLive({ header, events }, 72);
    const dashboard = mountDashboard();
    await dashboard.until(() => dashboard.text("session-bar .loss").includes("67 steps old"));
    expect(dashboard.text("session-bar dl")).toMatch(/^step ?72 \/ 1,500 loss ?[\d.]+ 67 steps old/);
  });

  it("asks once more before it stops a run", async () => {
    const dashboard = await follow();
    const stop = () =>
      [...dashboard.all("run-controls button")].find(({ textContent }) =>
        textContent?.trim().startsWith("Stop"),
      );
    stop()?.click();
    await dashboard.until(() => stop()?.textContent?.includes("for good"));
    expect(server.stateOf(id)).toBe("running");
    stop()?.click();
    await dashboard.until(() => dashboard.text("session-bar .state") === "Stopped");
    expect(dashboard.find("run-controls")).toBeNull();
  });

  it("keeps its controls from those who may only read", async () => {
    server.scopes = ["read"];
    const dashboard = await follow();
    expect(dashboard.find("run-controls")).toBeNull();
  });

  it("marks divergence as a fact and stays open", async () => {
    const diverging = syntheticSession({
      id: "d1".repeat(16),
      name: "diverge",
      divergesAt: 17,
      startedAtMs: 1_790_000_000_000,
    });
    server.addLive(diverging, 10);
    const dashboard = mountDashboard();
    await dashboard.until(() => dashboard.text("h1") === "diverge");
    server.advance(diverging.header.id, 100);
    await dashboard.until(() => dashboard.text("session-bar .state") === "Diverged");
    await dashboard.until(() => dashboard.text("status-log li .what").startsWith("Diverged at step 18"));
    await dashboard.until(() => dashboard.text('[data-verdict="diverged"] .answer') === "Yes");
  });
});
