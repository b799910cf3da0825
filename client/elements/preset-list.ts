/** Runs that can be started from here, each with what to look for. */
import { css, html, LitElement, type TemplateResult } from "lit";
import type { PresetSummary } from "../../shared/http.ts";
import { base, buttons } from "./styles.ts";

export class PresetList extends LitElement {
  static override properties = {
    presets: { attribute: false },
    starting: { attribute: false },
    canStart: { type: Boolean },
  };

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
      }
      li {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 0 16px;
        align-items: start;
        padding: 16px 0;
        border-top: 1px solid var(--line);
      }
      li:first-child {
        border-top: 0;
        padding-top: 0;
      }
      li:last-child {
        padding-bottom: 0;
      }
      .title {
        color: var(--ink);
        font-size: 14px;
        line-height: 24px;
        font-weight: 600;
      }
      code {
        font: 12px/24px var(--font-mono);
        color: var(--ink-3);
        margin-inline-start: 8px;
        font-weight: 400;
      }
      .about {
        grid-column: 1;
        line-height: 20px;
        color: var(--ink-2);
        max-width: 64ch;
        text-wrap: pretty;
      }
      button {
        grid-column: 2;
        grid-row: 1 / span 2;
        min-width: 72px;
      }
    `,
  ];

  declare presets: readonly PresetSummary[];
  /** Name of the one that is being started; null for none. */
  declare starting: string | null;
  declare canStart: boolean;

  constructor() {
    super();
    this.presets = [];
    this.starting = null;
    this.canStart = true;
  }

  override render(): TemplateResult {
    return html`<ul>
      ${this.presets.map(
        ({ name, title, about }) => html`<li>
          <p class="title">${title}<code>${name}</code></p>
          <p class="about">${about}</p>
          <button aria-label="Start ${title}" ?disabled=${!this.canStart || this.starting !== null} @click=${() => this.#start(name)}>
            ${this.starting === name ? "Starting" : "Start"}
          </button>
        </li>`,
      )}
    </ul>`;
  }

  #start(preset: string): void {
    this.dispatchEvent(
      new CustomEvent<string>("start-run", { detail: preset, bubbles: true, composed: true }),
    );
  }
}

customElements.define("preset-list", PresetList);

declare global {
  interface HTMLElementTagNameMap {
    "preset-list": PresetList;
  }
}
