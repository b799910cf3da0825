/** The dashboard, as one tag: `<thalweg-dashboard server="http://127.0.0.1:6047">`; without `server` it asks where the page came from. */
import { html, LitElement, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { repeat } from "lit/directives/repeat.js";
import type { ControlAction } from "../../shared/protocol.ts";
import { forkPoint } from "../data/fork-point.ts";
import { type Drawable, FrameLoop } from "../data/frame.ts";
import type { Panel, Scene } from "../panels/panel.ts";
import { dashboardStyles } from "./dashboard-styles.ts";
import { Desk } from "./desk.ts";
import type { ForkDetail } from "./fork-form.ts";
import { keyAction } from "./keyboard.ts";
import { banner, notice } from "./notices.ts";
import type { PlaybackBar, PlaybackCommand } from "./playback-bar.ts";
import type { SessionWish } from "./session-list.ts";
import type { StreamPanel } from "./stream-panel.ts";
import { base, buttons, dialogs } from "./styles.ts";
import { applyTheme, nextTheme, storedTheme, type ThemeChoice } from "./theme-choice.ts";
import type { JumpDetail } from "./verdict-list.ts";
import "./credibility-line.ts";
import "./cursor-table.ts";
import "./fork-form.ts";
import "./help-dialog.ts";
import "./playback-bar.ts";
import "./preset-list.ts";
import "./run-controls.ts";
import "./session-bar.ts";
import "./session-list.ts";
import "./status-log.ts";
import "./stream-panel.ts";
import "./verdict-list.ts";
import { icons } from "./icons.ts";

/** Words change at most this often while data stream in: faster nobody reads. Charts are drawn every frame. */
const WORDS_EVERY_MS = 120;
/** Panels from this order on stand beside the events. */
const FOOT_FROM = 900;
const MARK_MS = 1_600;

export class ThalwegDashboard extends LitElement {
  static override properties = {
    server: { type: String },
    token: { attribute: false },
    page: { type: Boolean },
    theme: { state: true },
    marked: { state: true },
  };

  static override styles = [base, buttons, dialogs, dashboardStyles];

  /** Origin of the server; empty for the page's own. */
  declare server: string;
  /** For servers of another origin; never an attribute, so that it is not in the page's source. */
  declare token: string | undefined;
  /** The dashboard is the page: address bar and keys are its own. */
  declare page: boolean;
  declare theme: ThemeChoice;
  declare marked: string | null;
  #desk: Desk | null = null;
  #loop: FrameLoop | null = null;
  #drawable: Drawable | null = null;
  #wordsAtMs = Number.NEGATIVE_INFINITY;
  #wordsKey = "";
  #markTimer: ReturnType<typeof setTimeout> | null = null;

  constructor() {
    super();
    this.server = "";
    this.token = undefined;
    this.page = false;
    this.theme = storedTheme();
    this.marked = null;
    this.addEventListener("pointerdown", () => this.#desk?.navigator.pressed(), { capture: true });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.page) applyTheme(this.theme);
    const origin = this.server === "" ? location.origin : this.server.replace(/\/$/, "");
    this.#loop = new FrameLoop();
    this.#desk = new Desk(
      { origin, ownsAddress: this.page, ...(this.token === undefined ? {} : { token: this.token }) },
      () => this.#drawable?.invalidate(),
    );
    this.#drawable = this.#loop.add((timeMs) => this.#frame(timeMs));
    this.#keyTarget().addEventListener("keydown", this.#onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#keyTarget().removeEventListener("keydown", this.#onKey);
    this.#loop?.stop();
    this.#desk?.close();
    this.#desk = null;
    this.#drawable = null;
  }

  override render(): TemplateResult {
    const desk = this.#desk;
    if (desk === null) return html``;
    const { scene } = desk;
    return html`
      <session-bar .sessions=${desk.sessions} .standing=${desk.standing} .link=${desk.connection.link} .theme=${this.theme}
        .hasPresets=${desk.mayStart}
        @pick-session=${(event: CustomEvent<string>) => desk.open(event.detail)}
        @list-sessions=${() => void desk.list()} @all-sessions=${this.#showSessions} @new-run=${this.#showPresets} @theme=${this.#nextTheme} @help=${this.#showHelp}></session-bar>
      ${banner(desk)}
      ${scene === null || desk.store.phase === "failed" ? html`<main>${notice(desk, () => this.#presetList(desk), this.#showSessions)}</main>` : this.#session(desk, scene)}
      <help-dialog></help-dialog>
      <dialog class="presets" aria-labelledby="presets-title">
        <div class="head">
          <h2 id="presets-title">New run</h2>
          <button class="quiet icon" aria-label="Close" @click=${this.#hidePresets}>${icons.close}</button>
        </div>
        <div class="body">${this.#presetList(desk)}</div>
      </dialog>
      <dialog class="sessions" aria-labelledby="sessions-title">
        <div class="head">
          <h2 id="sessions-title">Sessions</h2>
          <button class="quiet icon" aria-label="Close" @click=${this.#hideSessions}>${icons.close}</button>
        </div>
        <div class="body">
          <session-list .sessions=${desk.sessions} .current=${desk.store.header?.id ?? ""} .canControl=${desk.mayControl}
            .shared=${desk.wishes.shared} .said=${desk.wishes.complaint} @session-wish=${(event: CustomEvent<SessionWish>) => this.#onWish(desk, event.detail)}></session-list>
        </div>
      </dialog>
    `;
  }

  protected override updated(): void {
    const scene = this.#desk?.scene ?? null;
    if (scene !== null) this.#draw(scene);
  }

  #session(desk: Desk, scene: Scene): TemplateResult {
    const { header } = scene;
    const drawn = desk.panels.filter(({ order }) => order < FOOT_FROM);
    const foot = desk.panels.filter(({ order }) => order >= FOOT_FROM);
    return html`
      <main @jump=${this.#onJump} @scale=${this.#onScale}>
        <div class="title">
          <div>
            <h1>${desk.title}</h1>
            <credibility-line .header=${header}></credibility-line>
          </div>
          <div class="actions">
          ${this.#forkForm(desk, scene)}
          ${
            desk.store.canControl
              ? html`<run-controls .state=${scene.state} .learningRate=${desk.learningRate}
                  @control=${(event: CustomEvent<ControlAction>) => void desk.control(event.detail)}></run-controls>`
              : this.#recordingLink(desk)
          }
          </div>
        </div>
        <verdict-list .verdicts=${desk.verdicts}></verdict-list>
        <div class="grid">${repeat(drawn, panelKey, (panel) => this.#panel(panel, scene))}</div>
        <div class="grid">
          ${repeat(foot, panelKey, (panel) => this.#panel(panel, scene))}
          <status-log class=${foot.length === 0 ? "span-12" : "span-8"} .events=${scene.history.events} .count=${scene.history.events.length}></status-log>
          <cursor-table class="span-12" .scene=${scene}></cursor-table>
        </div>
      </main>
      <playback-bar .scene=${scene} .playback=${desk.playbackState} .requestFrame=${this.#invalidate}
        @playback=${(event: CustomEvent<PlaybackCommand>) => desk.navigator.playback(event.detail)}></playback-bar>
    `;
  }

  #panel(panel: Panel, scene: Scene): TemplateResult {
    return html`<stream-panel class="span-${panel.span}" data-panel=${panel.id} .panel=${panel} .scene=${scene} .pointer=${this.#pointer}
      .requestFrame=${this.#invalidate} ?marked=${this.marked === panel.id}></stream-panel>`;
  }

  readonly #pointer = {
    onPreview: (step: number | null) => this.#desk?.view.preview(step),
    onPin: (step: number) => this.#desk?.view.pin(step),
    onRange: (range: readonly [number, number] | null) => this.#desk?.navigator.setRange(range),
  };

  #forkForm(desk: Desk, { header, step }: Scene): TemplateResult | null {
    const at = desk.mayStart ? forkPoint(header, step) : null;
    if (at === null) return null;
    // What was asked of one session is not asked of the next.
    return html`${keyed(
      header.id,
      html`<fork-form .step=${at} .steps=${header.steps} .stopsRun=${desk.sessions.some(({ live }) => live)}
        @fork-run=${(event: CustomEvent<ForkDetail>) => void desk.fork(event.detail)}></fork-form>`,
    )}`;
  }

  #recordingLink(desk: Desk): TemplateResult | null {
    const { session } = desk.store;
    if (session === null || !session.capabilities.includes("recording")) return null;
    const { id } = session.header;
    const { recordingParts = 1 } = desk.sessions.find((summary) => summary.id === id) ?? {};
    const others = Array.from({ length: recordingParts - 1 }, (_, i) => i + 2);
    return html`<a class="recording" href=${desk.api.recordingUrl(id)} download>${icons.download}Recording (.mcap)</a>
      ${others.map((part) => html`<a class="recording" href=${desk.api.recordingUrl(id, part)} download>Part ${part}</a>`)}`;
  }

  #presetList(desk: Desk): TemplateResult {
    return html`<preset-list .presets=${desk.presets} .starting=${desk.starting} .canStart=${desk.mayStart}
      @start-run=${(event: CustomEvent<string>) => {
        this.#hidePresets();
        void desk.start(event.detail);
      }}></preset-list>`;
  }

  #onWish(desk: Desk, wish: SessionWish): void {
    if (wish.kind === "open") this.#hideSessions();
    void desk.grant(wish);
  }

  #frame(timeMs: number): void {
    const desk = this.#desk;
    if (desk === null) return;
    if (desk.store.playback.tick(timeMs)) this.#drawable?.invalidate();
    const { scene } = desk;
    const key = this.#urgency(desk);
    const isDue = timeMs - this.#wordsAtMs >= WORDS_EVERY_MS || key !== this.#wordsKey;
    if (isDue) {
      this.#wordsAtMs = timeMs;
      this.#wordsKey = key;
      // Draws the charts too, when it has updated.
      this.requestUpdate();
      return;
    }
    if (scene !== null) this.#draw(scene);
    this.#drawable?.invalidate();
  }

  /** Changes of these are answered at once; of anything else, within {@link WORDS_EVERY_MS}. */
  #urgency({ store, view, connection, complaint, starting }: Desk): string {
    const { cursor } = view;
    const at = cursor === null || cursor.kind === "live" ? "live" : `${cursor.kind}${cursor.step}`;
    return [
      at,
      store.phase,
      store.state,
      store.header?.id,
      view.domain,
      connection.link.status,
      complaint,
      starting,
    ].join("|");
  }

  #draw(scene: Scene): void {
    const desk = this.#desk;
    if (desk === null) return;
    for (const panel of this.renderRoot.querySelectorAll<StreamPanel>("stream-panel")) panel.draw(scene);
    this.renderRoot.querySelector<PlaybackBar>("playback-bar")?.draw(scene, desk.playbackState);
  }

  readonly #invalidate = (): void => this.#drawable?.invalidate();

  #keyTarget(): Window | this {
    return this.page ? window : this;
  }

  readonly #onKey = (event: Event): void => {
    const action = keyAction(event as KeyboardEvent);
    if (action === null) return;
    event.preventDefault();
    if (action.kind === "help") this.#showHelp();
    else this.#desk?.navigator.press(action);
  };

  readonly #onJump = (event: Event): void => {
    const desk = this.#desk;
    const { channel, steps } = (event as CustomEvent<JumpDetail>).detail;
    const panel =
      desk?.panels.find(({ streams }) => streams[0] === channel) ??
      desk?.panels.find(({ streams }) => streams.includes(channel));
    const last = steps.at(-1);
    if (last !== undefined) desk?.view.pin(last);
    if (panel === undefined) return;
    const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.renderRoot
      .querySelector(`[data-panel="${panel.id}"]`)
      ?.scrollIntoView({ block: "center", behavior: reduced ? "instant" : "smooth" });
    this.marked = panel.id;
    if (this.#markTimer !== null) clearTimeout(this.#markTimer);
    this.#markTimer = setTimeout(() => {
      this.marked = null;
    }, MARK_MS);
  };

  readonly #onScale = (event: Event): void => {
    const { part, scale } = (
      event as CustomEvent<{ part: string; scale: "linear" | "log" | "symlog" | null }>
    ).detail;
    this.#desk?.view.setScale(part, scale);
  };

  readonly #nextTheme = (): void => {
    this.theme = nextTheme(this.theme);
    applyTheme(this.theme);
  };

  readonly #showHelp = (): void => this.renderRoot.querySelector("help-dialog")?.show();

  readonly #showPresets = (): void =>
    this.renderRoot.querySelector<HTMLDialogElement>("dialog.presets")?.showModal();

  readonly #showSessions = (): void => {
    void this.#desk?.list();
    this.renderRoot.querySelector<HTMLDialogElement>("dialog.sessions")?.showModal();
  };

  readonly #hideSessions = (): void =>
    this.renderRoot.querySelector<HTMLDialogElement>("dialog.sessions")?.close();

  readonly #hidePresets = (): void =>
    this.renderRoot.querySelector<HTMLDialogElement>("dialog.presets")?.close();
}

function panelKey({ id }: Panel): string {
  return id;
}

customElements.define("thalweg-dashboard", ThalwegDashboard);

declare global {
  interface HTMLElementTagNameMap {
    "thalweg-dashboard": ThalwegDashboard;
  }
}
