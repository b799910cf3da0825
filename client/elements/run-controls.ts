/** Pause, one step, stop, and the learning rate of a live run. */
import { css, html, LitElement, type TemplateResult } from "lit";
import type { SessionState } from "../../shared/header.ts";
import type { ControlAction } from "../../shared/protocol.ts";
import { icons } from "./icons.ts";
import { learningRateField, learningRateIn } from "./learning-rate-field.ts";
import { base, buttons, numberField } from "./styles.ts";

export class RunControls extends LitElement {
  static override properties = {
    state: { type: String },
    learningRate: { attribute: false },
    stopping: { state: true },
  };

  static override styles = [
    base,
    buttons,
    numberField,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px;
      }
      form {
        display: inline-flex;
        align-items: center;
        gap: 8px;
      }
    `,
  ];

  declare state: SessionState;
  declare learningRate: number | null;
  /** Stopping cannot be taken back: it asks once more. */
  declare stopping: boolean;

  constructor() {
    super();
    this.state = "running";
    this.learningRate = null;
    this.stopping = false;
  }

  override render(): TemplateResult {
    const isPaused = this.state === "paused";
    return html`
      ${
        isPaused
          ? html`<button @click=${() => this.#send({ action: "resume" })}>${icons.play}Resume</button>`
          : html`<button ?disabled=${this.state !== "running"} @click=${() => this.#send({ action: "pause" })}>${icons.pause}Pause</button>`
      }
      <button ?disabled=${!isPaused} @click=${() => this.#send({ action: "step" })} title="One update, while paused">${icons.step}Step</button>
      ${
        this.stopping
          ? html`<button class="primary" @click=${this.#stop}>Stop for good</button>
              <button class="quiet" @click=${() => this.#ask(false)}>Cancel</button>`
          : html`<button @click=${() => this.#ask(true)}>${icons.stop}Stop</button>`
      }
      <form @submit=${this.#setLearningRate}>
        <label for="eta">Learning rate</label>
        ${learningRateField(this.learningRate === null ? "η" : String(Number(this.learningRate.toPrecision(4))))}
        <button type="submit">Set</button>
      </form>
    `;
  }

  readonly #setLearningRate = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = this.renderRoot.querySelector<HTMLInputElement>("#eta");
    const learningRate = input === null ? null : learningRateIn(input);
    if (input === null || learningRate === null) return;
    this.#send({ action: "set", learningRate });
    input.value = "";
  };

  readonly #stop = (): void => {
    this.stopping = false;
    this.#send({ action: "stop" });
  };

  #ask(stopping: boolean): void {
    this.stopping = stopping;
  }

  #send(action: ControlAction): void {
    this.dispatchEvent(
      new CustomEvent<ControlAction>("control", { detail: action, bubbles: true, composed: true }),
    );
  }
}

customElements.define("run-controls", RunControls);

declare global {
  interface HTMLElementTagNameMap {
    "run-controls": RunControls;
  }
}
