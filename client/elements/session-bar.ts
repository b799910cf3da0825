/** The top line: which session, how it stands, how the connection stands. */
import { html, LitElement, type TemplateResult } from "lit";
import type { EndReason, SessionState, SessionSummary } from "../../shared/header.ts";
import { standing } from "../../shared/session-words.ts";
import { INITIAL_LINK, type LinkState } from "../connection/link.ts";
import {
  formatCost,
  formatCount,
  formatNumber,
  formatPercent,
  formatStep,
  isNoise,
} from "../data/formats.ts";
import type { Reading } from "../data/series.ts";
import "./link-badge.ts";
import { icons } from "./icons.ts";
import { sessionBarStyles } from "./session-bar-styles.ts";
import { base, buttons } from "./styles.ts";
import type { ThemeChoice } from "./theme-choice.ts";

/** Of the session on screen. */
export interface Standing {
  readonly id: string;
  readonly state: SessionState;
  readonly reason: EndReason | null;
  readonly isLive: boolean;
  /** It goes on, but the server is not heard: how it stood when it was. */
  readonly isLastKnown: boolean;
  readonly step: number;
  readonly steps: number;
  /** On the probe, where it is measured there. */
  readonly loss: Pick<Reading, "value" | "ageSteps"> | null;
  /** null once it has ended, and while the server is not heard. */
  readonly stepsPerSecond: number | null;
  readonly overhead: number | null;
  readonly newestMs: number | null;
  readonly gapCount: number;
}

const THEMES: Readonly<Record<ThemeChoice, string>> = {
  system: "Theme: as the system",
  light: "Theme: light",
  dark: "Theme: dark",
};

export class SessionBar extends LitElement {
  static override properties = {
    sessions: { attribute: false },
    standing: { attribute: false },
    link: { attribute: false },
    theme: { type: String },
    hasPresets: { type: Boolean },
  };

  static override styles = [base, buttons, sessionBarStyles];

  declare sessions: readonly SessionSummary[];
  declare standing: Standing | null;
  declare link: LinkState;
  declare theme: ThemeChoice;
  declare hasPresets: boolean;

  constructor() {
    super();
    this.sessions = [];
    this.standing = null;
    this.link = INITIAL_LINK;
    this.theme = "system";
    this.hasPresets = false;
  }

  override render(): TemplateResult {
    const { standing } = this;
    return html`<header>
      <div class="brand" title="Thalweg">${MARK}<span>Thalweg</span></div>
      ${this.#picker()}
      <button class="quiet icon all" aria-label="All sessions" title="All sessions" @click=${() => this.#say("all-sessions")}>${icons.list}</button>
      ${standing === null ? null : this.#standing(standing)}
      <span class="space"></span>
      <div class="tools">
        <link-badge .link=${this.link} .isLive=${standing?.isLive ?? false} .newestMs=${standing?.newestMs ?? null}
          .gapCount=${standing?.gapCount ?? 0}></link-badge>
        ${this.hasPresets ? html`<button class="new-run" aria-label="New run" @click=${() => this.#say("new-run")}>${icons.plus}<span>New run</span></button>` : null}
        <button class="quiet icon" aria-label=${THEMES[this.theme]} title=${THEMES[this.theme]} @click=${() => this.#say("theme")}>
          ${this.theme === "system" ? icons.system : this.theme === "light" ? icons.sun : icons.moon}
        </button>
        <button class="quiet icon" aria-label="Keys and words" title="Keys and words (?)" @click=${() => this.#say("help")}>${icons.help}</button>
      </div>
    </header>`;
  }

  #picker(): TemplateResult | null {
    if (this.sessions.length === 0) return null;
    const live = this.sessions.filter((session) => session.live);
    const recorded = this.sessions.filter((session) => !session.live);
    const chosen = this.standing?.id ?? "";
    const option = (session: SessionSummary) =>
      html`<option value=${session.id} ?selected=${session.id === chosen}>${session.name} · ${formatStart(session.startedAtMs)}</option>`;
    return html`<div class="picker">
      <select aria-label="Session" .value=${chosen} @pointerdown=${() => this.#say("list-sessions")} @focus=${() => this.#say("list-sessions")}
        @change=${this.#onPick}>
        ${live.length > 0 ? html`<optgroup label="Live">${live.map(option)}</optgroup>` : null}
        ${recorded.length > 0 ? html`<optgroup label="Recorded">${recorded.map(option)}</optgroup>` : null}
      </select>
      ${icons.chevron}
    </div>`;
  }

  #standing({
    state,
    reason,
    isLastKnown,
    step,
    steps,
    loss,
    stepsPerSecond,
    overhead,
  }: Standing): TemplateResult {
    const hasEnded = state === "ended" && reason !== null;
    const words = `${isLastKnown ? "last known: " : ""}${standing({ state, reason: hasEnded ? reason : null, step, steps })}`;
    const tone = isLastKnown ? "last-known" : hasEnded ? reason : state;
    return html`<div class="standing">
      <span class="state" role="status" data-state=${tone}>${words.charAt(0).toUpperCase()}${words.slice(1)}</span>
      <dl>
        <div><dt>step</dt><dd>${formatStep(step)} <span>/ ${formatStep(steps)}</span></dd></div>
        <div class="loss"><dt>loss</dt><dd>${formatNumber(loss?.value, 3)}${
          loss === null || loss.ageSteps === 0
            ? null
            : html` <span>${formatCount(loss.ageSteps, "step")} old</span>`
        }</dd></div>
        ${stepsPerSecond === null ? null : html`<div class="rate"><dt>steps/s</dt><dd>${formatNumber(stepsPerSecond, 3)}</dd></div>`}
        ${overhead === null ? null : html`<div class="overhead" title=${overheadTitle(overhead)}><dt>overhead</dt><dd>${formatCost(overhead)}</dd></div>`}
      </dl>
    </div>`;
  }

  readonly #onPick = (event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    this.dispatchEvent(
      new CustomEvent<string>("pick-session", { detail: value, bubbles: true, composed: true }),
    );
  };

  #say(what: "all-sessions" | "new-run" | "theme" | "help" | "list-sessions"): void {
    this.dispatchEvent(new Event(what, { bubbles: true, composed: true }));
  }
}

const MARK = html`<svg viewBox="0 0 32 32" aria-hidden="true">
  <rect width="32" height="32" rx="7" fill="#0b62a8" />
  <path d="M5 8c4 0 5 15 11 15S23 8 27 8" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" />
  <path d="M9 13.5l11 2-8.5 3 7 2-2.5 2" fill="none" stroke="#9fd3f4" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" />
</svg>`;

function formatStart(startedAtMs: number): string {
  const options = {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  } as const;
  return new Date(startedAtMs).toLocaleString(undefined, options);
}

function overheadTitle(overhead: number): string {
  const title = "Share of training speed that measuring takes";
  return isNoise(overhead) ? `${title}: not above the noise, measured as ${formatPercent(overhead)}` : title;
}

customElements.define("session-bar", SessionBar);

declare global {
  interface HTMLElementTagNameMap {
    "session-bar": SessionBar;
  }
}
