/** A button and what drops from it: a menu of commands, or a few sentences. */
import { css, html, LitElement, type TemplateResult } from "lit";
import { base, buttons } from "./styles.ts";

export class DropMenu extends LitElement {
  static override properties = {
    label: { type: String },
    align: { type: String, reflect: true },
    open: { type: Boolean, reflect: true },
  };

  static override styles = [
    base,
    buttons,
    css`
      :host {
        position: relative;
        display: inline-block;
      }
      .surface {
        position: absolute;
        z-index: 20;
        top: calc(100% + 4px);
        min-width: 160px;
        width: max-content;
        max-width: min(336px, calc(100vw - 48px));
        padding: 4px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--ink);
        box-shadow: var(--shadow-high);
        white-space: normal;
        text-align: start;
      }
      :host([align="end"]) .surface {
        right: 0;
      }
    `,
  ];

  declare label: string;
  declare align: "start" | "end";
  declare open: boolean;

  constructor() {
    super();
    this.label = "";
    this.align = "start";
    this.open = false;
    this.addEventListener("keydown", this.#onKey);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("pointerdown", this.#outside, true);
    document.addEventListener("focusin", this.#outside);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("pointerdown", this.#outside, true);
    document.removeEventListener("focusin", this.#outside);
  }

  override render(): TemplateResult {
    return html`
      <button class="quiet icon small" aria-label=${this.label} title=${this.label} aria-expanded=${this.open ? "true" : "false"}
        @click=${this.#toggle}><slot name="button"></slot></button>
      <div class="surface" ?hidden=${!this.open} @click=${this.#chosen}><slot></slot></div>
    `;
  }

  readonly #toggle = (): void => {
    this.open = !this.open;
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !this.open) return;
    // It closes the menu alone, not the dialog that the menu is in.
    event.preventDefault();
    event.stopPropagation();
    this.#close();
  };

  /** A command has been chosen; a click on words leaves them there. */
  readonly #chosen = (event: Event): void => {
    if (event.composedPath().some((target) => target instanceof HTMLButtonElement)) this.#close();
  };

  readonly #outside = (event: Event): void => {
    if (this.open && !event.composedPath().includes(this)) this.open = false;
  };

  #close(): void {
    this.open = false;
    this.renderRoot.querySelector("button")?.focus();
  }
}

customElements.define("drop-menu", DropMenu);

declare global {
  interface HTMLElementTagNameMap {
    "drop-menu": DropMenu;
  }
}
