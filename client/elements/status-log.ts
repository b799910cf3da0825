/** What happened, newest first. */
import { css, html, LitElement, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { formatClock, formatCount, formatStep } from "../data/formats.ts";
import type { StatusEvent } from "../data/history.ts";
import { base } from "./styles.ts";

const SHOWN = 200;

export class StatusLog extends LitElement {
  static override properties = { events: { attribute: false }, count: { type: Number } };

  static override styles = [
    base,
    css`
      :host {
        display: block;
      }
      section {
        height: 100%;
        padding: 16px;
        background: var(--surface);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        box-shadow: var(--shadow);
      }
      h2 {
        font-size: 14px;
        line-height: 24px;
        font-weight: 600;
        margin-bottom: 8px;
      }
      ol {
        max-height: 208px;
        overflow: auto;
        overscroll-behavior: contain;
      }
      li {
        display: grid;
        grid-template-columns: 72px 72px 1fr;
        gap: 0 8px;
        padding: 4px 0;
        font-size: 12px;
        line-height: 16px;
        border-top: 1px solid var(--line);
      }
      li:first-child {
        border-top: 0;
      }
      .when {
        color: var(--ink-3);
      }
      .step {
        color: var(--ink-3);
        text-align: right;
      }
      [data-level="warning"] .what {
        color: var(--warn);
      }
      [data-level="error"] .what {
        color: var(--bad);
      }
      @container (max-width: 480px) {
        li {
          grid-template-columns: 64px 1fr;
        }
        .when {
          display: none;
        }
      }
    `,
  ];

  declare events: readonly StatusEvent[];
  /** The list is the same array as it grows; this tells when. */
  declare count: number;

  constructor() {
    super();
    this.events = [];
    this.count = 0;
  }

  override render(): TemplateResult {
    const newest = this.events.slice(-SHOWN).reverse();
    const hidden = this.events.length - newest.length;
    return html`<section aria-labelledby="title">
      <h2 id="title">Events</h2>
      <ol tabindex="0" aria-labelledby="title">
        ${repeat(
          newest,
          ({ seq }) => seq,
          ({ step, wallTimeMs, status }) => html`<li data-level=${status.level} data-code=${status.code}>
            <span class="when">${formatClock(wallTimeMs)}</span>
            <span class="step">step ${formatStep(step)}</span>
            <span class="what">${status.message}</span>
          </li>`,
        )}
        ${newest.length === 0 ? html`<li><span></span><span></span><span class="muted">Nothing yet</span></li>` : null}
        ${hidden > 0 ? html`<li><span></span><span></span><span class="muted">and ${formatCount(hidden, "earlier event")}</span></li>` : null}
      </ol>
    </section>`;
  }
}

customElements.define("status-log", StatusLog);

declare global {
  interface HTMLElementTagNameMap {
    "status-log": StatusLog;
  }
}
