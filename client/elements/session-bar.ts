/** The top line: which session, how it stands, how the connection stands. */
import { css, html, LitElement, type TemplateResult } from "lit";
import type { EndReason, SessionState, SessionSummary } from "../../shared/header.ts";
import { formatNumber, formatPercent, formatStep } from "../data/formats.ts";
import { INITIAL_LINK, type LinkState } from "../data/link.ts";
import "./link-badge.ts";
import { icons } from "./icons.ts";
import { base, buttons } from "./styles.ts";
import type { ThemeChoice } from "./theme-choice.ts";

/** Of the session on screen. */
export interface Standing {
  readonly id: string;
  readonly state: SessionState;
  readonly reason: EndReason | null;
  readonly isLive: boolean;
  readonly step: number;
  readonly steps: number;
  readonly loss: number | null;
  /** null once it has ended. */
  readonly stepsPerSecond: number | null;
  readonly overhead: number | null;
  readonly newestMs: number | null;
  readonly gapCount: number;
}

const STATES: Readonly<Record<SessionState, string>> = {
  running: "Running",
  paused: "Paused",
  diverged: "Diverged",
  ended: "Ended",
};
const REASONS: Readonly<Record<EndReason, string>> = {
  finished: "Finished",
  failed: "Failed",
  stopped: "Stopped",
  interrupted: "Interrupted",
};
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

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
        position: sticky;
        top: 0;
        z-index: 15;
        background: var(--surface);
        border-bottom: 1px solid var(--line);
      }
      header {
        display: flex;
        align-items: center;
        gap: 8px 16px;
        min-height: 56px;
        max-width: 1680px;
        margin: 0 auto;
        padding: 8px 24px;
      }
      .brand {
        display: flex;
        align-items: center;
        gap: 8px;
        font-size: 15px;
        font-weight: 600;
        letter-spacing: -0.01em;
      }
      .brand svg {
        width: 24px;
        height: 24px;
      }
      .picker {
        position: relative;
        display: flex;
        align-items: center;
        min-width: 0;
      }
      .picker svg {
        position: absolute;
        right: 8px;
        pointer-events: none;
        color: var(--ink-3);
      }
      select {
        appearance: none;
        font: inherit;
        color: var(--ink);
        height: 32px;
        max-width: 280px;
        min-width: 0;
        padding: 0 28px 0 12px;
        border: 1px solid var(--line-strong);
        border-radius: var(--radius-small);
        background: var(--surface);
        text-overflow: ellipsis;
        cursor: pointer;
      }
      option,
      optgroup {
        background: var(--surface);
        color: var(--ink);
      }
      .state {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        height: 24px;
        padding: 0 8px;
        border-radius: 12px;
        font-size: 12px;
        font-weight: 600;
        background: var(--sunken);
        color: var(--ink-2);
        white-space: nowrap;
      }
      .state[data-state="running"] {
        background: var(--good-wash);
        color: var(--good);
      }
      .state[data-state="paused"] {
        background: var(--warn-wash);
        color: var(--warn);
      }
      .state[data-state="diverged"],
      .state[data-state="failed"],
      .state[data-state="interrupted"] {
        background: var(--bad-wash);
        color: var(--bad);
      }
      .standing {
        display: flex;
        align-items: center;
        gap: 24px;
      }
      dl {
        display: flex;
        gap: 24px;
      }
      dl div {
        display: flex;
        align-items: baseline;
        gap: 6px;
        white-space: nowrap;
      }
      dt {
        font-size: 12px;
        color: var(--ink-3);
      }
      dd {
        font-weight: 600;
      }
      dd span {
        font-weight: 400;
        color: var(--ink-3);
      }
      .space {
        flex: 1;
      }
      .tools {
        display: flex;
        align-items: center;
        gap: 4px;
      }
      link-badge {
        margin-inline-end: 4px;
      }
      @media (max-width: 1240px) {
        .rate,
        .overhead {
          display: none;
        }
      }
      @media (max-width: 960px) {
        .loss {
          display: none;
        }
      }
      @media (max-width: 699px) {
        :host {
          position: static;
        }
        header {
          display: grid;
          grid-template-columns: auto 1fr auto;
          gap: 8px;
          padding: 8px 16px;
        }
        .brand span,
        .space,
        .new-run span {
          display: none;
        }
        .new-run {
          width: 32px;
          padding: 0;
        }
        .tools {
          grid-column: 3;
          grid-row: 1;
        }
        select {
          width: 100%;
          max-width: none;
        }
        .standing {
          grid-column: 1 / -1;
        }
        dl {
          gap: 16px;
        }
        .loss {
          display: flex;
        }
        link-badge {
          margin: 0;
        }
      }
      @media (max-width: 479px) {
        .loss {
          display: none;
        }
      }
    `,
  ];

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

  #standing({ state, reason, step, steps, loss, stepsPerSecond, overhead }: Standing): TemplateResult {
    const hasEnded = state === "ended" && reason !== null;
    return html`<div class="standing">
      <span class="state" role="status" data-state=${hasEnded ? reason : state}>${hasEnded ? REASONS[reason] : STATES[state]}</span>
      <dl>
        <div><dt>step</dt><dd>${formatStep(step)} <span>/ ${formatStep(steps)}</span></dd></div>
        <div class="loss"><dt>loss</dt><dd>${formatNumber(loss, 3)}</dd></div>
        ${stepsPerSecond === null ? null : html`<div class="rate"><dt>steps/s</dt><dd>${formatNumber(stepsPerSecond, 3)}</dd></div>`}
        ${overhead === null ? null : html`<div class="overhead"><dt>overhead</dt><dd>${formatPercent(overhead)}</dd></div>`}
      </dl>
    </div>`;
  }

  readonly #onPick = (event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    this.dispatchEvent(
      new CustomEvent<string>("pick-session", { detail: value, bubbles: true, composed: true }),
    );
  };

  #say(what: "new-run" | "theme" | "help" | "list-sessions"): void {
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
    hour12: false,
  } as const;
  return new Date(startedAtMs).toLocaleString(undefined, options);
}

customElements.define("session-bar", SessionBar);

declare global {
  interface HTMLElementTagNameMap {
    "session-bar": SessionBar;
  }
}
