/** What the run amounts to, in sentences. Each says how it is known and where to look. A "no" is as large as a "yes". */
import { css, html, LitElement, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Evidence, Verdict } from "../../shared/verdicts.ts";
import { formatStep } from "../data/formats.ts";
import { icons } from "./icons.ts";
import { base, buttons } from "./styles.ts";

export interface JumpDetail {
  readonly channel: string;
  readonly steps: readonly number[];
}

const ANSWERS: Readonly<Record<Verdict["state"], string>> = { yes: "Yes", no: "No", undecided: "Undecided" };

export class VerdictList extends LitElement {
  static override properties = { verdicts: { attribute: false } };

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
      }
      ul {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 336px), 1fr));
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--line);
        gap: 1px;
        overflow: hidden;
        box-shadow: var(--shadow);
      }
      li {
        padding: 16px;
        background: var(--surface);
        display: flex;
        flex-direction: column;
        gap: 4px;
      }
      .question {
        display: flex;
        align-items: baseline;
        gap: 8px;
        font-size: 12px;
        line-height: 16px;
        color: var(--ink-3);
      }
      .answer {
        font-weight: 600;
        color: var(--ink-3);
        flex: none;
      }
      [data-state="yes"] .answer {
        color: var(--accent);
      }
      [data-state="no"] .answer {
        color: var(--ink);
      }
      .sentence {
        font-size: 14px;
        line-height: 20px;
        color: var(--ink);
        text-wrap: pretty;
      }
      [data-state="undecided"] .sentence {
        color: var(--ink-2);
      }
      details {
        margin-top: auto;
        padding-top: 4px;
        font-size: 12px;
        line-height: 16px;
      }
      summary {
        display: inline-flex;
        align-items: center;
        gap: 4px;
        min-height: 24px;
        color: var(--ink-3);
        cursor: pointer;
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary:hover {
        color: var(--ink);
      }
      summary svg {
        width: 12px;
        height: 12px;
      }
      details[open] summary svg {
        transform: rotate(180deg);
      }
      .how {
        margin: 4px 0 8px;
        font-size: 13px;
        line-height: 20px;
        color: var(--ink-2);
      }
      .evidence {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
    `,
  ];

  declare verdicts: readonly Verdict[];

  constructor() {
    super();
    this.verdicts = [];
  }

  override render(): TemplateResult {
    return html`<ul aria-label="Verdicts">
      ${repeat(
        this.verdicts,
        ({ id }) => id,
        (verdict) => this.#verdict(verdict),
      )}
    </ul>`;
  }

  #verdict({ id, question, state, sentence, how, evidence }: Verdict): TemplateResult {
    return html`<li data-verdict=${id} data-state=${state}>
      <p class="question"><span>${question}</span><span class="answer">${ANSWERS[state]}</span></p>
      <p class="sentence">${sentence}</p>
      <details>
        <summary>How do you know? ${icons.chevron}</summary>
        <p class="how">${how}</p>
        <div class="evidence">${evidence.map((item) => this.#jump(item))}</div>
      </details>
    </li>`;
  }

  #jump({ channel, steps }: Evidence): TemplateResult {
    const [first, last] = [steps[0], steps.at(-1)];
    const where =
      first === undefined
        ? ""
        : first === last
          ? `, step ${formatStep(first)}`
          : `, steps ${formatStep(first)} to ${formatStep(last)}`;
    return html`<button class="small" @click=${() => this.#go({ channel, steps })}>${channel}${where}</button>`;
  }

  #go(detail: JumpDetail): void {
    this.dispatchEvent(new CustomEvent("jump", { detail, bubbles: true, composed: true }));
  }
}

customElements.define("verdict-list", VerdictList);

declare global {
  interface HTMLElementTagNameMap {
    "verdict-list": VerdictList;
  }
}
