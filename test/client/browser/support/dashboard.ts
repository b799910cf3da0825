/** A dashboard in the page, and ways to look at it through its shadow roots. */
import "../../../../client/theme.css";
import "../../../../client/elements/thalweg-dashboard.ts";
import { expect, vi } from "vitest";
import type { ThalwegDashboard } from "../../../../client/elements/thalweg-dashboard.ts";

/** A busy machine draws late; what never comes still fails well before the test's own limit. */
const PATIENCE_MS = 15_000;

/** Removes what an earlier test has left, address and theme included. */
export function clearPage(): void {
  document.querySelector("thalweg-dashboard")?.remove();
  history.replaceState(null, "", location.pathname + location.search);
  localStorage.clear();
  delete document.documentElement.dataset["theme"];
  document.documentElement.lang = "en";
  document.title = "Thalweg";
  // The runner's page has one of its own.
  document.body.style.margin = "0";
}

export function mountDashboard(): Dashboard {
  const element = document.createElement("thalweg-dashboard");
  element.page = true;
  document.body.append(element);
  return new Dashboard(element);
}

export class Dashboard {
  readonly element: ThalwegDashboard;

  constructor(element: ThalwegDashboard) {
    this.element = element;
  }

  /** First match in any shadow root below the dashboard. */
  find<E extends HTMLElement = HTMLElement>(selector: string): E | null {
    return findIn<E>(this.element, selector)[0] ?? null;
  }

  all<E extends HTMLElement = HTMLElement>(selector: string): readonly E[] {
    return findIn<E>(this.element, selector);
  }

  get(selector: string): HTMLElement {
    const found = this.find(selector);
    if (found === null) throw new Error(`nothing matches ${selector}`);
    return found;
  }

  /** Words of the first match, spaces collapsed. */
  text(selector: string): string {
    return wordsOf(this.find(selector));
  }

  panel(id: string): HTMLElement {
    return this.get(`stream-panel[data-panel="${id}"]`);
  }

  /** Figures of a panel: label → "number note". */
  figures(id: string): Record<string, string> {
    const rows = findIn<HTMLElement>(this.panel(id), ".figures > div");
    return Object.fromEntries(
      rows.map((row) => [wordsOf(row.querySelector("dt")), wordsOf(row.querySelector("dd"))]),
    );
  }

  /** The step that the bar below shows. */
  get step(): number {
    return Number(this.text("playback-bar .step b").replaceAll(",", ""));
  }

  async shows(text: string): Promise<void> {
    await vi.waitFor(() => expect(allWords(this.element)).toContain(text), { timeout: PATIENCE_MS });
  }

  async until(condition: () => unknown): Promise<void> {
    await vi.waitFor(() => expect(condition()).toBeTruthy(), { timeout: PATIENCE_MS });
  }

  async atStep(step: number): Promise<void> {
    await vi.waitFor(() => expect(this.step).toBe(step), { timeout: PATIENCE_MS });
  }

  press(key: string, modifiers: KeyboardEventInit = {}): void {
    const target = document.activeElement ?? document.body;
    target.dispatchEvent(
      new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true, ...modifiers }),
    );
  }

  click(selector: string): void {
    this.get(selector).click();
  }
}

function findIn<E extends HTMLElement>(root: Element | ShadowRoot, selector: string): E[] {
  const found = [...root.querySelectorAll<E>(selector)];
  const inner =
    root instanceof Element && root.shadowRoot !== null ? findIn<E>(root.shadowRoot, selector) : [];
  const below = [...root.querySelectorAll("*")].flatMap((element) =>
    element.shadowRoot === null ? [] : findIn<E>(element.shadowRoot, selector),
  );
  // "playback-bar .step" names a host and something inside it.
  const [host, ...rest] = selector.split(" ");
  const across =
    rest.length === 0 || host === undefined || !host.includes("-")
      ? []
      : [...root.querySelectorAll(host)].flatMap((element) =>
          element.shadowRoot === null ? [] : findIn<E>(element.shadowRoot, rest.join(" ")),
        );
  return [...new Set([...across, ...found, ...inner, ...below])];
}

function wordsOf(element: Element | null): string {
  return (element?.textContent ?? "").replaceAll(/\s+/g, " ").trim();
}

function allWords(root: Element | ShadowRoot): string {
  const own = wordsOf(root as Element);
  const inner = [root, ...root.querySelectorAll("*")]
    .flatMap((element) =>
      element instanceof Element && element.shadowRoot !== null ? [element.shadowRoot] : [],
    )
    .map((shadow) =>
      [...shadow.children]
        .filter((child) => child.tagName !== "STYLE")
        .map(allWordsOf)
        .join(" "),
    );
  return [own, ...inner].join(" ");
}

function allWordsOf(element: Element): string {
  return allWords(element);
}
