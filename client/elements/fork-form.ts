/** Trains on from the step under the cursor, at another learning rate if one is given. */
import { css, html, LitElement, type TemplateResult } from "lit";
import { formatStep } from "../data/formats.ts";
import { icons } from "./icons.ts";
import { learningRateField, learningRateIn } from "./learning-rate-field.ts";
import { base, buttons, numberField } from "./styles.ts";

export interface ForkDetail {
  readonly atStep: number;
  /** Absent: as it was at that step. */
  readonly learningRate?: number;
}

export class ForkForm extends LitElement {
  static override properties = {
    step: { type: Number },
    stopsRun: { type: Boolean },
    asking: { type: Number, reflect: true },
  };

  static override styles = [
    base,
    buttons,
    numberField,
    css`
      :host,
      form {
        display: inline-flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px;
      }
    `,
  ];

  /** Where the cursor is. */
  declare step: number;
  /** A run is going on: one trains at a time, so that it will be stopped. */
  declare stopsRun: boolean;
  /** The step that was chosen; the cursor may move on. */
  declare asking: number | null;

  constructor() {
    super();
    this.step = 0;
    this.stopsRun = false;
    this.asking = null;
  }

  override render(): TemplateResult {
    if (this.asking === null) {
      return html`<button @click=${() => this.#ask(this.step)} title="Train on from this step, as a session of its own">
        ${icons.fork}Fork from step ${formatStep(this.step)}
      </button>`;
    }
    return html`<form @submit=${this.#start}>
      <label for="eta">Learning rate from step ${formatStep(this.asking)} on</label>
      ${learningRateField("as it was")}
      <button class="primary" type="submit">${this.stopsRun ? "Stop this run and fork" : "Fork"}</button>
      <button class="quiet" type="button" @click=${() => this.#ask(null)}>Cancel</button>
    </form>`;
  }

  readonly #start = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = this.renderRoot.querySelector<HTMLInputElement>("#eta");
    const isTyped = input !== null && input.value.trim() !== "";
    const learningRate = isTyped ? learningRateIn(input) : null;
    if (isTyped && learningRate === null) return;
    const detail: ForkDetail = {
      atStep: this.asking ?? this.step,
      ...(learningRate === null ? {} : { learningRate }),
    };
    this.asking = null;
    this.dispatchEvent(new CustomEvent<ForkDetail>("fork-run", { detail, bubbles: true, composed: true }));
  };

  #ask(step: number | null): void {
    this.asking = step;
  }
}

customElements.define("fork-form", ForkForm);

declare global {
  interface HTMLElementTagNameMap {
    "fork-form": ForkForm;
  }
}
