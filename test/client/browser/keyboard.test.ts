import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import type { DropMenu } from "../../../client/elements/drop-menu.ts";
import { clearPage, type Dashboard, mountDashboard } from "./support/dashboard.ts";
import { FakeServer } from "./support/fake-server.ts";
import { syntheticSession } from "./support/synthetic-session.ts";

let server: FakeServer;

async function open(hash: string): Promise<Dashboard> {
  history.replaceState(null, "", `${location.pathname}${location.search}${hash}`);
  const dashboard = mountDashboard();
  await dashboard.until(() => dashboard.find("playback-bar") !== null && dashboard.step >= 0);
  return dashboard;
}

beforeEach(() => {
  clearPage();
  server = new FakeServer().install();
  server.addRecording(syntheticSession());
});

afterEach(() => {
  clearPage();
  server.uninstall();
});

describe("the keyboard", () => {
  it("moves the cursor by one step, and with shift to the next measurement", async () => {
    const dashboard = await open("#step=100");
    await dashboard.atStep(100);
    dashboard.press("ArrowRight");
    await dashboard.atStep(101);
    dashboard.press("ArrowLeft");
    await dashboard.atStep(100);
    // Measured every 30 steps.
    dashboard.press("ArrowRight", { shiftKey: true });
    await dashboard.atStep(120);
    dashboard.press("ArrowLeft", { shiftKey: true });
    await dashboard.atStep(90);
    dashboard.press("l");
    await dashboard.atStep(1500);
  });

  it("sets the range of all panels at the cursor, and puts it into the address", async () => {
    const dashboard = await open("#step=300");
    await dashboard.atStep(300);
    dashboard.press("[");
    dashboard.press("ArrowRight", { shiftKey: true });
    await dashboard.atStep(330);
    dashboard.press("]");
    await dashboard.until(() => location.hash.includes("range=300-330"));
    expect(location.hash).toContain("step=330");
    dashboard.press("0");
    await dashboard.until(() => !location.hash.includes("range="));
  });

  it("opens the help on a question mark", async () => {
    const dashboard = await open("#step=300");
    dashboard.press("?", { shiftKey: true });
    await dashboard.until(() => (dashboard.find("help-dialog dialog") as HTMLDialogElement | null)?.open);
    expect(dashboard.text("help-dialog dialog")).toContain("Follow the newest step");
  });

  it("leaves keys alone where somebody types", async () => {
    const dashboard = await open("#step=300");
    await dashboard.atStep(300);
    const field = document.createElement("input");
    document.body.append(field);
    field.focus();
    dashboard.press("ArrowRight");
    field.blur();
    field.remove();
    dashboard.press("ArrowLeft");
    await dashboard.atStep(299);
  });

  it("does the same with the focus on the slider", async () => {
    const dashboard = await open("#step=100");
    const slider = dashboard.get('playback-bar input[type="range"]') as HTMLInputElement;
    slider.focus();
    await userEvent.keyboard("{ArrowRight}");
    await dashboard.atStep(101);
    await userEvent.keyboard("{Shift>}{ArrowRight}{/Shift}");
    await dashboard.atStep(120);
    await userEvent.keyboard("[[");
    await dashboard.until(() => location.hash.includes("range=120-"));
    await userEvent.keyboard(" ");
    await dashboard.until(() => dashboard.find('[aria-label="Pause replay"]') !== null);
    await userEvent.keyboard(" ");
    await dashboard.until(() => dashboard.find('[aria-label="Replay"]') !== null);
    await userEvent.keyboard("{Home}");
    await dashboard.atStep(0);
    await userEvent.keyboard("l");
    await dashboard.atStep(1500);
    expect(slider.value).toBe("1500");
    await userEvent.keyboard("?");
    await dashboard.until(() => (dashboard.find("help-dialog dialog") as HTMLDialogElement | null)?.open);
  });

  it("leaves keys alone in a dialog", async () => {
    const dashboard = await open("#step=300");
    await dashboard.atStep(300);
    dashboard.get('session-bar [aria-label="All sessions"]').click();
    await dashboard.until(() => dashboard.find("session-list .open") !== null);
    dashboard.get("session-list .open").focus();
    await userEvent.keyboard("{ArrowRight}l");
    await userEvent.keyboard("{Escape}");
    expect((dashboard.get("dialog.sessions") as HTMLDialogElement).open).toBe(false);
    await userEvent.keyboard("{ArrowLeft}");
    await dashboard.atStep(299);
  });

  it("closes an open menu on Escape, wherever in it the focus is, and leaves the dialog around it open", async () => {
    const dashboard = await open("#step=300");
    const about = dashboard.get('stream-panel drop-menu[label="What is this?"]') as DropMenu;
    about.shadowRoot?.querySelector("button")?.focus();
    await userEvent.keyboard("{Enter}");
    await dashboard.until(() => about.open);
    await userEvent.keyboard("{Escape}");
    expect(about.open).toBe(false);
    dashboard.get('session-bar [aria-label="All sessions"]').click();
    await dashboard.until(() => dashboard.find("session-list drop-menu") !== null);
    const menu = dashboard.get("session-list drop-menu") as DropMenu;
    for (const focused of [menu.shadowRoot?.querySelector("button"), menu.querySelector("button")]) {
      menu.open = true;
      await menu.updateComplete;
      focused?.focus();
      await userEvent.keyboard("{Escape}");
      expect(menu.open).toBe(false);
      expect((dashboard.get("dialog.sessions") as HTMLDialogElement).open).toBe(true);
    }
    await userEvent.keyboard("{Escape}");
    expect((dashboard.get("dialog.sessions") as HTMLDialogElement).open).toBe(false);
  });

  it("takes step, range and scale from the address", async () => {
    const dashboard = await open("#step=612&range=500-700&scale=loss:linear");
    await dashboard.atStep(612);
    const pressed = dashboard.panel("loss").shadowRoot?.querySelector('.scales [aria-pressed="true"]');
    expect(pressed?.textContent?.trim()).toBe("linear");
  });
});
