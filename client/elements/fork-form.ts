/** Trains on from a recorded step, as far as is said, at another learning rate if one is given. */
import { css, html, LitElement, type PropertyValues, type TemplateResult } from "lit";
import { formatStep } from "../data/formats.ts";
import { icons } from "./icons.ts";
import { learningRateField, learningRateIn } from "./learning-rate-field.ts";
import { base, buttons, numberField } from "./styles.ts";

export interface ForkDetail {
  readonly atStep: number;
  /** The last one. */
  readonly steps: number;
  /** Absent: as it was at that step. */
  readonly learningRate?: number;
}

export class ForkForm extends LitElement {
  static override properties = {
    step: { type: Number },
    steps: { type: Number },
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

  /** The newest up to the cursor that can be forked. */
  declare step: number;
  /** Of the run that is forked. */
  declare steps: number;
  /** A run is going on: one trains at a time, so that it will be stopped. */
  declare stopsRun: boolean;
  /** The step that was chosen; the cursor may move on. */
  declare asking: number | null;

  constructor() {
    super();
    this.step = 0;
    this.steps = 0;
    this.stopsRun = false;
    this.asking = null;
  }

  override render(): TemplateResult {
    if (this.asking === null) {
      return html`<button @click=${() => this.#ask(this.step)} title="Train on as a session of its own, from the newest step up to the cursor whose weights and optimizer are recorded">
        ${icons.fork}Fork from step ${formatStep(this.step)}
      </button>`;
    }
    return html`<form @submit=${this.#start}>
      <label for="eta">Learning rate from step ${formatStep(this.asking)} on</label>
      ${learningRateField("as it was")}
      <label for="steps">until step</label>
      <input id="steps" name="steps" type="number" min=${this.asking + 1} required
        value=${this.asking < this.steps ? this.steps : 2 * this.steps} />
      <button class="primary" type="submit">${this.stopsRun ? "Stop this run and fork" : "Fork"}</button>
      <button class="quiet" type="button" @click=${() => this.#ask(null)}>Cancel</button>
    </form>`;
  }

  /** What has just come up is where the keys go. */
  protected override updated(changed: PropertyValues<this>): void {
    if (changed.get("asking") !== undefined)
      this.renderRoot.querySelector<HTMLElement>("input, button")?.focus();
  }

  readonly #start = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = this.renderRoot.querySelector<HTMLInputElement>("#eta");
    const isTyped = input !== null && input.value.trim() !== "";
    const learningRate = isTyped ? learningRateIn(input) : null;
    if (isTyped && learningRate === null) return;
    const steps = this.renderRoot.querySelector<HTMLInputElement>("#steps")?.valueAsNumber ?? this.steps;
    const atStep = this.asking ?? this.step;
    const detail: ForkDetail = { atStep, steps, ...(learningRate === null ? {} : { learningRate }) };
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
