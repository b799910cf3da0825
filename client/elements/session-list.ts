/** All sessions of the server, to be opened, and by those who may: given another title, shared, deleted, brought in. */
import { html, LitElement, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { SessionSummary } from "../../shared/header.ts";
import { standing } from "../../shared/session-words.ts";
import { formatBytes, formatCount, formatMoment, formatStep } from "../data/formats.ts";
import "./drop-menu.ts";
import { icons } from "./icons.ts";
import { sessionListStyles } from "./session-list-styles.ts";
import { base, buttons } from "./styles.ts";

/** A link that has just been made. */
export interface SharedLink {
  readonly session: string;
  readonly url: string;
  readonly expiresAtMs: number;
}

/** What somebody wants done; the dashboard does it. */
/** What is asked of the server. */
export type CareWish =
  | { readonly kind: "delete" | "share"; readonly id: string }
  | { readonly kind: "rename"; readonly id: string; readonly name: string }
  | { readonly kind: "upload"; readonly files: readonly File[] };

export type SessionWish = CareWish | { readonly kind: "open"; readonly id: string };

const MAX_TITLE_LENGTH = 120;
/** From so many on, there is something to look for. */
const WORTH_A_SEARCH = 8;

export class SessionList extends LitElement {
  static override properties = {
    sessions: { attribute: false },
    current: { type: String },
    canControl: { type: Boolean },
    shared: { attribute: false },
    said: { attribute: false },
    renaming: { state: true },
    deleting: { state: true },
    sought: { state: true },
  };

  static override styles = [base, buttons, sessionListStyles];

  declare sessions: readonly SessionSummary[];
  /** Id of the one on screen. */
  declare current: string;
  declare canControl: boolean;
  declare shared: SharedLink | null;
  /** Why the last wish was not granted. */
  declare said: string | null;
  declare renaming: string | null;
  declare deleting: string | null;
  declare sought: string;

  constructor() {
    super();
    this.sessions = [];
    this.current = "";
    this.canControl = false;
    this.shared = null;
    this.said = null;
    this.renaming = null;
    this.deleting = null;
    this.sought = "";
  }

  override render(): TemplateResult {
    const sought = this.sought.trim().toLowerCase();
    const found = this.sessions.filter((session) => textOf(session).includes(sought));
    return html`
      ${this.said === null ? null : html`<p class="said" role="alert">${this.said}</p>`}
      ${
        this.sessions.length < WORTH_A_SEARCH
          ? null
          : html`<input type="search" aria-label="Find a session" placeholder="Find by title, model or preset" .value=${this.sought}
              @input=${this.#onSearch}>`
      }
      ${
        found.length === 0
          ? html`<p class="muted none">${this.sessions.length === 0 ? "No session here." : "No session matches."}</p>`
          : html`<ul aria-label="Sessions">${repeat(found, idOf, (session) => this.#row(session))}</ul>`
      }
      ${this.canControl ? this.#foot() : null}
    `;
  }

  /** What has just come up is where the keys go; not again when the list is refreshed under it. */
  protected override updated(changed: PropertyValues): void {
    if (changed.has("renaming"))
      this.renderRoot.querySelector<HTMLInputElement>("input[name=title]")?.select();
    if (changed.has("deleting")) this.renderRoot.querySelector<HTMLButtonElement>(".sure button")?.focus();
  }

  #row(session: SessionSummary): TemplateResult {
    const { id, name, live } = session;
    const isCurrent = id === this.current;
    return html`<li data-session=${id} aria-current=${isCurrent ? "true" : "false"}>
      ${
        this.renaming === id
          ? html`<form @submit=${(event: Event) => this.#onTitle(event, id)} @keydown=${this.#onTitleKey}>
              <input name="title" aria-label="Title" maxlength=${MAX_TITLE_LENGTH} required .value=${name}>
              <button class="primary">Rename</button>
              <button type="button" @click=${this.#cancel}>Cancel</button>
            </form>`
          : html`<button class="quiet open" @click=${() => this.#wish({ kind: "open", id })}>${name}</button>`
      }
      <p class="about">${aboutOf(session)}</p>
      ${this.canControl && this.renaming !== id ? this.#menu(id, name, live) : null}
      ${this.deleting === id ? this.#sure(id) : null}
      ${this.shared?.session === id ? this.#link(this.shared) : null}
    </li>`;
  }

  #menu(id: string, name: string, live: boolean): TemplateResult {
    return html`<drop-menu class="menu" label="More about ${name}" align="end">
      <span slot="button">${icons.ellipsis}</span>
      <button class="quiet" @click=${() => this.#wish({ kind: "share", id })}>Share for reading</button>
      <button class="quiet" ?disabled=${live} @click=${() => this.#begin("renaming", id)}>Rename</button>
      <button class="quiet" ?disabled=${live} @click=${() => this.#begin("deleting", id)}>Delete</button>
    </drop-menu>`;
  }

  #sure(id: string): TemplateResult {
    return html`<div class="sure" role="group" aria-label="Delete this recording?">
      <span>Delete this recording for good?</span>
      <button @click=${this.#cancel}>Keep it</button>
      <button class="danger" @click=${() => this.#delete(id)}>Delete</button>
    </div>`;
  }

  #link({ url, expiresAtMs }: SharedLink): TemplateResult {
    const until = formatMoment(expiresAtMs);
    return html`<div class="link">
      <input readonly aria-label="Share link" .value=${url} @focus=${selectAll}>
      <button @click=${() => void navigator.clipboard?.writeText(url)}>Copy</button>
      <p class="muted">Whoever has this link can read this session, and nothing else, until ${until} or until this server ends, whichever is first.</p>
    </div>`;
  }

  #foot(): TemplateResult {
    return html`<p class="foot">
      <label class="upload">Import a recording
        <input class="visually-hidden" type="file" accept=".mcap" multiple @change=${this.#onFile}>
      </label>
      <span class="muted">${formatCount(this.sessions.length, "session")}</span>
    </p>`;
  }

  #begin(what: "renaming" | "deleting", id: string): void {
    this.#cancel();
    this[what] = id;
  }

  readonly #cancel = (): void => {
    this.renaming = null;
    this.deleting = null;
  };

  #delete(id: string): void {
    this.#cancel();
    this.#wish({ kind: "delete", id });
  }

  #onTitle(event: Event, id: string): void {
    event.preventDefault();
    const name = String(new FormData(event.target as HTMLFormElement).get("title") ?? "").trim();
    this.#cancel();
    if (name !== "") this.#wish({ kind: "rename", id, name });
  }

  /** Escape leaves the field, not the whole list. */
  readonly #onTitleKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    this.#cancel();
  };

  readonly #onSearch = (event: Event): void => {
    this.sought = (event.target as HTMLInputElement).value;
  };

  readonly #onFile = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const files = [...(input.files ?? [])];
    if (files.length > 0) this.#wish({ kind: "upload", files });
    input.value = "";
  };

  #wish(wish: SessionWish): void {
    this.dispatchEvent(
      new CustomEvent<SessionWish>("session-wish", { detail: wish, bubbles: true, composed: true }),
    );
  }
}

function aboutOf({
  live,
  state,
  reason,
  startedAtMs,
  step,
  steps,
  modelSummary,
  recordingBytes,
}: SessionSummary): string {
  return [
    live ? `live, ${state}` : standing({ state, reason, step, steps }),
    formatMoment(startedAtMs),
    modelSummary,
    `step ${formatStep(step)} of ${formatStep(steps)}`,
    ...(recordingBytes === undefined ? [] : [formatBytes(recordingBytes)]),
  ].join(" · ");
}

function textOf({ name, modelSummary, preset, task }: SessionSummary): string {
  return `${name} ${modelSummary} ${preset ?? ""} ${task}`.toLowerCase();
}

function idOf({ id }: SessionSummary): string {
  return id;
}

function selectAll(event: Event): void {
  (event.target as HTMLInputElement).select();
}

customElements.define("session-list", SessionList);

declare global {
  interface HTMLElementTagNameMap {
    "session-list": SessionList;
  }
}
