import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { clearPage, mountDashboard } from "./support/dashboard.ts";
import { FakeServer } from "./support/fake-server.ts";
import { syntheticSession } from "./support/synthetic-session.ts";

const session = syntheticSession({ steps: 120 });
const PRESETS = [
  { name: "edge", title: "The edge of stability", about: "Sharpness meets 2/η." },
  { name: "diverge", title: "Divergence", about: "The loss overflows." },
];
let server: FakeServer;

beforeEach(() => {
  clearPage();
  server = new FakeServer().install();
});

afterEach(() => {
  clearPage();
  server.uninstall();
});

describe("without a session", () => {
  it("offers presets, and shows the run that one of them started", async () => {
    server.presets = PRESETS;
    const dashboard = mountDashboard();
    await dashboard.until(() => dashboard.text("notice-card h1") === "No session yet");
    await dashboard.until(() => dashboard.all("preset-list li").length > 0);
    server.addLive(session, 40);
    dashboard.get('[aria-label="Start The edge of stability"]').click();
    await dashboard.until(() => dashboard.text("h1") === "edge");
    await dashboard.atStep(40);
    expect(server.posted).toEqual([{ preset: "edge", replace: true }]);
  });

  it("shows a session that somebody else started, by itself", async () => {
    const dashboard = mountDashboard();
    await dashboard.until(() => dashboard.text("notice-card h1") === "No session yet");
    server.addLive(session, 30);
    await dashboard.atStep(30);
  });

  it("says so when the last one is deleted, and keeps the way to bring one in", async () => {
    server.addRecording(session);
    const dashboard = mountDashboard();
    await dashboard.atStep(120);
    dashboard.get('session-bar button[aria-label="All sessions"]').click();
    await dashboard.until(() => dashboard.all("session-list li").length === 1);
    const remove = dashboard.all("session-list drop-menu button");
    [...remove].find(({ textContent }) => textContent === "Delete")?.click();
    await dashboard.until(() => dashboard.find("session-list .danger") !== null);
    dashboard.get("session-list .danger").click();
    await dashboard.until(() => dashboard.text("notice-card h1") === "No session yet");
    await dashboard.until(() => dashboard.text("session-list .none") === "No session here.");
    expect(dashboard.find('session-bar button[aria-label="All sessions"]')).not.toBeNull();
    expect(dashboard.text("notice-card")).toContain("Import a recording");
  });

  it("says that a browser is not signed in, and what to do", async () => {
    server.unauthorised = true;
    const dashboard = mountDashboard();
    await dashboard.until(() => dashboard.text("notice-card h1") === "Not signed in");
    expect(dashboard.text("notice-card")).toContain("npm run thalweg -- open");
  });

  it("says that nobody answers, and comes up when somebody does", async () => {
    server.down = true;
    const dashboard = mountDashboard();
    await dashboard.until(() => dashboard.text("notice-card h1") === "The server does not answer");
    server.addRecording(session);
    server.down = false;
    dashboard.get("notice-card button").click();
    await dashboard.atStep(120);
  });

  it("says that an address names no session here, and offers the newest", async () => {
    server.addRecording(session);
    history.replaceState(null, "", `${location.pathname}${location.search}#run=${"0".repeat(32)}`);
    const dashboard = mountDashboard();
    await dashboard.until(() => dashboard.text("notice-card h1") === "This session cannot be shown");
    dashboard.get("notice-card button").click();
    await dashboard.atStep(120);
  });
});

describe("a fork", () => {
  const child = syntheticSession({ steps: 120 });
  const fork = { session: session.header.id, name: "edge", step: 40, thetaSha256: "00", pathLength: 1 };

  it("is begun at the step under the cursor, and asks first", async () => {
    server.presets = PRESETS;
    server.addRecording(session);
    const dashboard = mountDashboard();
    await dashboard.atStep(120);
    dashboard.press("Home");
    await dashboard.atStep(0);
    await dashboard.until(() => dashboard.text("fork-form button").includes("step 0"));
    dashboard.get("fork-form button").click();
    await dashboard.until(() => dashboard.find("fork-form form") !== null);
    expect(server.posted).toEqual([]);
    dashboard.press("End");
    await dashboard.atStep(120);
    const eta = dashboard.get("fork-form input") as HTMLInputElement;
    eta.focus();
    await userEvent.keyboard("-1{Enter}");
    expect(eta.validationMessage).toBe("A positive number, such as 0.05");
    expect(server.posted).toEqual([]);
    eta.select();
    await userEvent.keyboard("0.05{Enter}");
    await dashboard.until(() => server.posted.length > 0);
    const { id } = session.header;
    expect(server.posted).toEqual([{ fork: id, atStep: 0, steps: 120, learningRate: 0.05, replace: true }]);
  });

  it("goes on beyond the last step, as far again unless told otherwise", async () => {
    server.presets = PRESETS;
    server.addRecording(session);
    const dashboard = mountDashboard();
    await dashboard.atStep(120);
    await dashboard.until(() => dashboard.text("fork-form button") === "Fork from step 120");
    dashboard.get("fork-form button").focus();
    await userEvent.keyboard("{Enter}");
    // The keys go where the fields have come up.
    await dashboard.until(() => dashboard.find("fork-form #eta:focus") !== null);
    const steps = dashboard.get("fork-form #steps") as HTMLInputElement;
    expect([steps.value, steps.min]).toEqual(["240", "121"]);
    steps.value = "120";
    await userEvent.keyboard("{Enter}");
    expect(steps.validity.rangeUnderflow).toBe(true);
    expect(server.posted).toEqual([]);
    steps.value = "150";
    await userEvent.keyboard("{Enter}");
    await dashboard.until(() => server.posted.length > 0);
    expect(server.posted).toEqual([{ fork: session.header.id, atStep: 120, steps: 150, replace: true }]);
  });

  it("begins at the newest step up to the cursor whose weights are recorded, and the optimizer's memory where it has one", async () => {
    server.presets = PRESETS;
    const heavyBall = syntheticSession({ id: "ba".repeat(16), steps: 120, startedAtMs: 1_700_000_000_000 });
    server.addRecording(session);
    server.addRecording({
      ...heavyBall,
      header: { ...heavyBall.header, optimizer: { ...heavyBall.header.optimizer, name: "momentum" } },
    });
    const dashboard = mountDashboard();
    await dashboard.atStep(120);
    dashboard.press("ArrowLeft");
    await dashboard.until(() => dashboard.text("fork-form button") === "Fork from step 110");
    dashboard.get("fork-form button").click();
    await dashboard.until(() => dashboard.find("fork-form form") !== null);
    const picker = dashboard.get("session-bar select") as HTMLSelectElement;
    picker.value = heavyBall.header.id;
    picker.dispatchEvent(new Event("change", { bubbles: true }));
    await dashboard.until(() => location.hash.includes(`run=${heavyBall.header.id}`));
    await dashboard.until(() => dashboard.text("fork-form button") === "Fork from step 120");
    dashboard.press("ArrowLeft");
    await dashboard.until(() => dashboard.text("fork-form button") === "Fork from step 100");
  });

  it("says what it was forked from", async () => {
    const changed = { learningRate: { from: 0.2, to: 0.05 } };
    server.addRecording({ ...child, header: { ...child.header, fork: { ...fork, changed } } });
    const dashboard = mountDashboard();
    await dashboard.shows("forked from edge at step 40");
    expect(dashboard.get("credibility-line li").title).toContain("learning rate 0.05 in place of 0.2");
  });

  it("is not offered where no run can be started, nor of data that are files of the user's own", async () => {
    server.addRecording(session);
    const dashboard = mountDashboard();
    await dashboard.atStep(120);
    expect(dashboard.find("fork-form")).toBeNull();
    dashboard.element.remove();
    server.presets = PRESETS;
    const { header } = session;
    server.addRecording({
      ...session,
      header: { ...header, train: { ...header.train, dataset: "csv:own.csv" } },
    });
    const again = mountDashboard();
    await again.atStep(120);
    await again.until(() => again.find("session-bar .new-run") !== null);
    expect(again.find("fork-form")).toBeNull();
  });
});

describe("with several sessions", () => {
  it("changes to the one that is picked, and back to all of its steps", async () => {
    const other = syntheticSession({
      id: "ab".repeat(16),
      name: "edge again",
      steps: 90,
      startedAtMs: 1_700_000_000_000,
    });
    server.addRecording(session);
    server.addRecording(other);
    const dashboard = mountDashboard();
    await dashboard.atStep(120);
    await dashboard.until(() => dashboard.all("session-bar option").length === 2);
    const picker = dashboard.get("session-bar select") as HTMLSelectElement;
    picker.value = other.header.id;
    picker.dispatchEvent(new Event("change", { bubbles: true }));
    await dashboard.until(() => dashboard.text("h1") === "edge again");
    await dashboard.atStep(90);
    await dashboard.until(() => location.hash.includes(`run=${other.header.id}`));
  });

  it("offers a run that goes live while an ended one is on screen", async () => {
    server.addRecording(session);
    const dashboard = mountDashboard();
    await dashboard.atStep(120);
    const live = syntheticSession({ id: "cd".repeat(16), name: "newcomer", startedAtMs: 1_790_000_000_000 });
    server.addLive(live, 12);
    dashboard.get("session-bar select").dispatchEvent(new Event("pointerdown", { bubbles: true }));
    await dashboard.until(() => dashboard.text(".banner").includes("A run is live: newcomer."));
    dashboard.get(".banner button").click();
    await dashboard.atStep(12);
  });
});

describe("the list of sessions", () => {
  const other = syntheticSession({
    id: "ab".repeat(16),
    name: "edge again",
    steps: 90,
    startedAtMs: 1_700_000_000_000,
  });
  const row = (id: string) => `session-list li[data-session="${id}"]`;

  async function opened() {
    server.addRecording(session);
    server.addRecording(other);
    const dashboard = mountDashboard();
    await dashboard.atStep(120);
    dashboard.get('session-bar [aria-label="All sessions"]').click();
    await dashboard.until(() => dashboard.all("session-list li").length === 2);
    return dashboard;
  }

  it("opens a session", async () => {
    const dashboard = await opened();
    dashboard.get(`${row(other.header.id)} .open`).click();
    await dashboard.until(() => dashboard.text("h1") === "edge again");
    expect((dashboard.get("dialog.sessions") as HTMLDialogElement).open).toBe(false);
  });

  it("gives another title, by keyboard, and Escape leaves the old one", async () => {
    const dashboard = await opened();
    const menu = () => dashboard.get(`${row(session.header.id)} drop-menu`);
    const rename = async () => {
      menu().shadowRoot?.querySelector("button")?.click();
      [...menu().querySelectorAll("button")].find(({ textContent }) => textContent === "Rename")?.click();
      await dashboard.until(() => dashboard.find("session-list input[name=title]") !== null);
      return dashboard.get("session-list input[name=title]") as HTMLInputElement;
    };
    const field = await rename();
    expect((field.getRootNode() as ShadowRoot).activeElement).toBe(field);
    field.value = "Run 7";
    await userEvent.keyboard("{Enter}");
    await dashboard.until(() => dashboard.text("h1") === "Run 7");
    await rename();
    await userEvent.keyboard("x{Escape}");
    await dashboard.until(() => dashboard.find("session-list input[name=title]") === null);
    expect((dashboard.get("dialog.sessions") as HTMLDialogElement).open).toBe(true);
    expect(dashboard.text(`${row(session.header.id)} .open`)).toBe("Run 7");
  });

  it("deletes what is on screen after a second word, and shows another session", async () => {
    const dashboard = await opened();
    const remove = dashboard.all(`${row(session.header.id)} drop-menu button`);
    [...remove].find(({ textContent }) => textContent === "Delete")?.click();
    await dashboard.until(() => dashboard.find(".sure") !== null);
    const keep = dashboard.get(".sure button");
    await dashboard.until(() => (keep.getRootNode() as ShadowRoot).activeElement === keep);
    expect(dashboard.all("session-list li").length).toBe(2);
    dashboard.get(".danger").click();
    await dashboard.until(() => dashboard.all("session-list li").length === 1);
    await dashboard.until(() => dashboard.text("h1") === "edge again");
  });

  it("makes a link for reading one session", async () => {
    const dashboard = await opened();
    const buttons = dashboard.all(`${row(other.header.id)} drop-menu button`);
    [...buttons].find(({ textContent }) => textContent === "Share for reading")?.click();
    await dashboard.until(() => dashboard.find(".link input") !== null);
    expect((dashboard.get(".link input") as HTMLInputElement).value).toContain(`#run=${other.header.id}`);
  });

  it("brings in the parts of a recording in their order, up to one that is refused", async () => {
    const dashboard = await opened();
    const input = dashboard.get("session-list input[type=file]") as HTMLInputElement;
    const choose = (...names: string[]) => {
      const chosen = new DataTransfer();
      for (const name of names) chosen.items.add(new File(["bytes"], name));
      input.files = chosen.files;
      input.dispatchEvent(new Event("change"));
    };
    choose("a.10.mcap", "a.2.mcap", "a.mcap");
    await dashboard.until(() => server.uploaded.length === 3);
    expect(server.uploaded).toEqual(["a.mcap", "a.2.mcap", "a.10.mcap"]);
    server.refusesUploadOf = "b.2.mcap";
    choose("b.3.mcap", "b.mcap", "b.2.mcap");
    await dashboard.until(() => dashboard.text("session-list .said") === "b.2.mcap: recording: not this one");
    expect(server.uploaded.slice(3)).toEqual(["b.mcap", "b.2.mcap"]);
  });

  it("offers those who may only read no more than to open", async () => {
    server.scopes = ["read"];
    const dashboard = await opened();
    expect([...dashboard.all("session-list drop-menu"), ...dashboard.all("session-list .upload")]).toEqual(
      [],
    );
  });
});
