/** Keys and words. */
import { css, html, LitElement, type TemplateResult } from "lit";
import { icons } from "./icons.ts";
import { KEY_HELP } from "./keyboard.ts";
import { base, buttons, dialogs } from "./styles.ts";

const WORDS: readonly (readonly [string, string])[] = [
  [
    "Step",
    "One update of the optimizer. A sample at step t describes θ after t updates; step 0 is the start.",
  ],
  [
    "Probe",
    "A fixed set of examples on which every landscape number of a run is computed. Never the minibatch.",
  ],
  [
    "The path",
    "The weights that training really went through. Its loss may rise although training goes well.",
  ],
  [
    "The straight line",
    "From the first weights to those of now. Training never walked there; its loss says something else.",
  ],
  [
    "Threshold",
    "The curvature at which this optimizer stops being stable on a quadratic: 2/η for gradient descent.",
  ],
  ["Residual", "‖Hv − λv‖: some eigenvalue lies this near. A hollow mark has not converged."],
  [
    "Gap",
    "Samples that the server left out and announced, drawn as a break. Nothing else is thinned or smoothed.",
  ],
];

export class HelpDialog extends LitElement {
  static override styles = [
    base,
    buttons,
    dialogs,
    css`
      .columns {
        display: grid;
        gap: 24px 32px;
      }
      @media (min-width: 640px) {
        .columns {
          grid-template-columns: 1fr 1fr;
        }
      }
      h3 {
        font-size: 12px;
        line-height: 16px;
        font-weight: 600;
        color: var(--ink-3);
        margin-bottom: 8px;
      }
      dl {
        display: grid;
        grid-template-columns: max-content 1fr;
        gap: 8px 16px;
        line-height: 20px;
      }
      dl.words {
        grid-template-columns: 1fr;
        gap: 0;
      }
      .words dt {
        font-weight: 600;
      }
      .words dd {
        color: var(--ink-2);
        margin-bottom: 8px;
      }
      kbd {
        display: inline-block;
        min-width: 24px;
        padding: 0 6px;
        font: inherit;
        font-size: 12px;
        line-height: 20px;
        text-align: center;
        border: 1px solid var(--line-strong);
        border-radius: 4px;
        background: var(--sunken);
        white-space: nowrap;
      }
    `,
  ];

  show(): void {
    const dialog = this.renderRoot.querySelector("dialog");
    if (dialog !== null && !dialog.open) dialog.showModal();
  }

  override render(): TemplateResult {
    return html`<dialog aria-labelledby="title">
      <div class="head">
        <h2 id="title">Keys and words</h2>
        <button class="quiet icon" aria-label="Close" @click=${this.#close}>${icons.close}</button>
      </div>
      <div class="body columns">
        <section>
          <h3>Keys</h3>
          <dl>
            ${KEY_HELP.map(({ keys, does }) => html`<dt>${keys.map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${does}</dd>`)}
          </dl>
        </section>
        <section>
          <h3>Words</h3>
          <dl class="words">${WORDS.map(([word, meaning]) => html`<dt>${word}</dt><dd>${meaning}</dd>`)}</dl>
        </section>
      </div>
    </dialog>`;
  }

  readonly #close = (): void => {
    this.renderRoot.querySelector("dialog")?.close();
  };
}

customElements.define("help-dialog", HelpDialog);

declare global {
  interface HTMLElementTagNameMap {
    "help-dialog": HelpDialog;
  }
}
