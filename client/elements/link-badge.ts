/** How the connection stands, how old the newest data are, and what was left out on the way. Never silent. */
import { css, html, LitElement, type TemplateResult } from "lit";
import { INITIAL_LINK, type LinkState } from "../connection/link.ts";
import { formatCount, formatDuration, formatNumber } from "../data/formats.ts";
import { base } from "./styles.ts";

/** Between frames of a healthy line there is at most a ping's interval. */
const LATE_MS = 8_000;

const WORDS: Readonly<Record<LinkState["status"], string>> = {
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  offline: "Offline",
  closed: "Closed",
};

export class LinkBadge extends LitElement {
  static override properties = {
    link: { attribute: false },
    isLive: { type: Boolean },
    newestMs: { attribute: false },
    gapCount: { type: Number },
  };

  static override styles = [
    base,

    css`
      :host {
        display: inline-block;
      }
      .badge {
        display: inline-flex;
        align-items: center;
        gap: 8px;
        height: 24px;
        padding: 0 8px;
        border-radius: 12px;
        font-size: 12px;
        line-height: 24px;
        white-space: nowrap;
        background: var(--sunken);
        color: var(--ink-2);
      }
      .dot {
        width: 8px;
        height: 8px;
        border-radius: 50%;
        background: var(--ink-3);
      }
      [data-tone="good"] .dot {
        background: var(--good);
      }
      [data-tone="warn"] {
        background: var(--warn-wash);
        color: var(--warn);
      }
      [data-tone="warn"] .dot {
        background: var(--warn);
      }
      [data-tone="bad"] {
        background: var(--bad-wash);
        color: var(--bad);
      }
      [data-tone="bad"] .dot {
        background: var(--bad);
      }
      .omitted {
        color: var(--warn);
      }
      @media (max-width: 1100px) {
        .age {
          display: none;
        }
      }
    `,
  ];

  declare link: LinkState;
  /** More samples may come: then their age means something. */
  declare isLive: boolean;
  /** Wall time of the newest sample received here (Date.now); null before the first. */
  declare newestMs: number | null;
  declare gapCount: number;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor() {
    super();
    this.link = INITIAL_LINK;
    this.isLive = false;
    this.newestMs = null;
    this.gapCount = 0;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // Age grows while nothing comes.
    this.#timer = setInterval(() => this.requestUpdate(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  override render(): TemplateResult {
    const { link } = this;
    const tone = this.#tone();
    return html`<span class="badge" data-tone=${tone} title=${this.#details()}>
      <span class="dot"></span>
      <span role="status">${WORDS[link.status]}</span>
      ${this.#age()}
      ${
        link.omittedSamples > 0
          ? html`<span class="omitted">${formatCount(link.omittedSamples, "sample")} left out, ${formatCount(this.gapCount, "gap")}</span>`
          : null
      }
    </span>`;
  }

  #tone(): "good" | "warn" | "bad" {
    const { status, lastFrameAtMs } = this.link;
    if (status === "offline" || status === "closed") return "bad";
    if (status !== "connected") return "warn";
    return lastFrameAtMs !== null && Date.now() - lastFrameAtMs > LATE_MS ? "warn" : "good";
  }

  #age(): TemplateResult | null {
    const { link, newestMs } = this;
    if (link.status !== "connected") {
      if (link.retryAtMs === null) return null;
      const seconds = Math.max(0, Math.ceil((link.retryAtMs - Date.now()) / 1000));
      return html`<span class="age">again in ${seconds} s</span>`;
    }
    if (!this.isLive || newestMs === null) return null;
    const ageMs = Math.max(0, Date.now() - newestMs);
    return html`<span class="age">data ${ageMs < 1000 ? "< 1 s" : formatDuration(Math.floor(ageMs / 1000) * 1000)} old</span>`;
  }

  #details(): string {
    const { reason, roundTripMs, reconnects, omittedSamples, invalidFrames } = this.link;
    return [
      reason,
      roundTripMs === null ? null : `round trip ${formatNumber(roundTripMs, 2)} ms`,
      `${formatCount(reconnects, "reconnection")}`,
      `${formatCount(omittedSamples, "sample")} left out by the server`,
      invalidFrames === 0 ? null : `${formatCount(invalidFrames, "unreadable frame")}`,
    ]
      .filter((line) => line !== null)
      .join("\n");
  }
}

customElements.define("link-badge", LinkBadge);

declare global {
  interface HTMLElementTagNameMap {
    "link-badge": LinkBadge;
  }
}
