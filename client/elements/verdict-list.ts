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
      :host {
        container-type: inline-size;
      }
      ul {
        display: grid;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        overflow: hidden;
        box-shadow: var(--shadow);
      }
      /* Hairlines below and to the right; those at the edges fall outside. */
      li {
        position: relative;
        padding: 12px 16px;
        box-shadow:
          0 1px 0 var(--line),
          1px 0 0 var(--line);
      }
      @container (min-width: 880px) {
        ul {
          grid-auto-flow: column;
          grid-auto-columns: 1fr;
        }
        ul[data-rows="1"] {
          grid-template-rows: auto;
        }
        ul[data-rows="2"] {
          grid-template-rows: repeat(2, auto);
        }
        ul[data-rows="3"] {
          grid-template-rows: repeat(3, auto);
        }
        ul[data-rows="4"] {
          grid-template-rows: repeat(4, auto);
        }
      }
      .question {
        padding-inline-end: 136px;
        font-size: 12px;
        line-height: 16px;
        color: var(--ink-3);
      }
      .answer {
        font-weight: 600;
        color: var(--ink-3);
      }
      [data-state="yes"] .answer {
        color: var(--accent);
      }
      [data-state="no"] .answer {
        color: var(--ink);
      }
      .sentence {
        margin-top: 4px;
        font-size: 14px;
        line-height: 20px;
        color: var(--ink);
        text-wrap: pretty;
      }
      [data-state="undecided"] .sentence {
        color: var(--ink-2);
      }
      details {
        font-size: 12px;
        line-height: 16px;
      }
      summary {
        position: absolute;
        top: 8px;
        right: 12px;
        padding-inline: 4px;
        border-radius: 4px;
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
        margin: 12px 0 8px;
        padding-inline-start: 12px;
        border-inline-start: 2px solid var(--line-strong);
        font-size: 13px;
        line-height: 20px;
        color: var(--ink-2);
      }
      .evidence {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      @container (max-width: 479px) {
        summary {
          position: static;
          margin-inline-start: -4px;
        }
        .question {
          padding-inline-end: 0;
        }
      }
    `,
  ];

  declare verdicts: readonly Verdict[];

  constructor() {
    super();
    this.verdicts = [];
  }

  override render(): TemplateResult {
    return html`<ul aria-label="Verdicts" data-rows=${Math.ceil(this.verdicts.length / 2)}>
      ${repeat(
        this.verdicts,
        ({ id }) => id,
        (verdict) => this.#verdict(verdict),
      )}
    </ul>`;
  }

  #verdict({ id, question, state, sentence, how, evidence }: Verdict): TemplateResult {
    return html`<li data-verdict=${id} data-state=${state}>
      <p class="question">${question}\u2002<span class="answer">${ANSWERS[state]}</span></p>
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
