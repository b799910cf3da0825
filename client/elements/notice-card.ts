/** Instead of a session: why there is none to see, and what to do. */
import { css, html, LitElement, type TemplateResult } from "lit";
import { base, buttons } from "./styles.ts";

export class NoticeCard extends LitElement {
  static override properties = { heading: { type: String }, busy: { type: Boolean, reflect: true } };

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
        max-width: 720px;
        margin: 64px auto;
        padding: 32px;
        background: var(--surface);
        border: 1px solid var(--line);
        border-radius: 12px;
        box-shadow: var(--shadow);
      }
      h1 {
        font-size: 20px;
        line-height: 32px;
        font-weight: 600;
        letter-spacing: -0.014em;
        margin-bottom: 8px;
      }
      .body {
        font-size: 14px;
        line-height: 24px;
        color: var(--ink-2);
      }
      .bar {
        height: 2px;
        margin-top: 24px;
        background: var(--sunken);
        overflow: hidden;
        border-radius: 1px;
      }
      .bar::before {
        content: "";
        display: block;
        width: 32%;
        height: 100%;
        background: var(--accent);
        animation: to-and-fro 1.6s ease-in-out infinite alternate;
      }
      @keyframes to-and-fro {
        to {
          transform: translateX(212%);
        }
      }
      @media (prefers-reduced-motion: reduce) {
        .bar::before {
          animation: none;
          width: 100%;
        }
      }
      @media (max-width: 699px) {
        :host {
          margin: 16px;
          padding: 24px;
        }
      }
    `,
  ];

  declare heading: string;
  declare busy: boolean;

  constructor() {
    super();
    this.heading = "";
    this.busy = false;
  }

  override render(): TemplateResult {
    return html`<h1>${this.heading}</h1>
      <div class="body"><slot></slot></div>
      ${this.busy ? html`<div class="bar" role="progressbar" aria-label=${this.heading}></div>` : null}`;
  }
}

customElements.define("notice-card", NoticeCard);

declare global {
  interface HTMLElementTagNameMap {
    "notice-card": NoticeCard;
  }
}
