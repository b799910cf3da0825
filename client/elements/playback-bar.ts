/** Always in reach: the overview of the run, the cursor on it, replay, and the way back to live. */
import { html, LitElement, type PropertyValues, type TemplateResult } from "lit";
import type { Chart, ScrubberMark, ScrubberModel } from "../charts/chart.ts";
import { createScrubberChart } from "../charts/scrubber-chart.ts";
import { formatCount, formatStep } from "../data/formats.ts";
import { SPEEDS } from "../data/playback.ts";
import type { Scene } from "../panels/panel.ts";
import { icons } from "./icons.ts";
import { playbackBarStyles } from "./playback-bar-styles.ts";
import { base, buttons } from "./styles.ts";

export interface PlaybackState {
  readonly isPlaying: boolean;
  readonly speed: number;
  /** More samples may come. */
  readonly isLive: boolean;
  readonly isConnected: boolean;
  /** The cursor follows them. */
  readonly isFollowing: boolean;
  readonly newSteps: number;
  readonly head: number;
  readonly extent: readonly [number, number];
}

export type PlaybackCommand =
  | { readonly kind: "play" | "pause" | "live" }
  | { readonly kind: "measured"; readonly direction: -1 | 1 }
  | { readonly kind: "speed"; readonly speed: number }
  | { readonly kind: "scrub"; readonly step: number; readonly phase: "start" | "move" | "end" }
  | { readonly kind: "range"; readonly range: readonly [from: number, to: number] | null };

export class PlaybackBar extends LitElement {
  static override properties = {
    scene: { attribute: false },
    playback: { attribute: false },
    requestFrame: { attribute: false },
  };

  static override styles = [base, buttons, playbackBarStyles];

  declare scene: Scene | null;
  declare playback: PlaybackState;
  declare requestFrame: () => void;
  #scrubber: Chart<ScrubberModel> | null = null;
  #marks: { readonly key: string; readonly marks: readonly ScrubberMark[] } = { key: "", marks: [] };

  constructor() {
    super();
    this.scene = null;
    this.requestFrame = () => {};
    this.playback = {
      isPlaying: false,
      speed: 1,
      isLive: false,
      isConnected: false,
      isFollowing: true,
      newSteps: 0,
      head: -1,
      extent: [0, 1],
    };
  }

  /** Draws the track only. */
  draw(scene: Scene, { extent, head }: PlaybackState): void {
    const { history, cursor, domain } = scene;
    const series = history.series("path/loss") ?? history.series("train/loss") ?? null;
    this.#scrubber?.update({
      series,
      scale: "log",
      extent,
      domain,
      cursor,
      head,
      marks: this.#marksOf(scene),
      gaps: history.gaps,
    });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.#mount();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#scrubber?.destroy();
    this.#scrubber = null;
  }

  override render(): TemplateResult {
    const { playback, scene } = this;
    const step = scene?.step ?? -1;
    const [first] = playback.extent;
    const isLiveNow = playback.isFollowing && playback.isLive && playback.isConnected;
    return html`<div class="bar" role="region" aria-label="Time">
      <div class="buttons">
        <button class="quiet icon" aria-label="Previous measurement" title="Previous measurement (Shift ←)"
          @click=${() => this.#send({ kind: "measured", direction: -1 })}>${icons.back}</button>
        <button class="icon" aria-label=${playback.isPlaying ? "Pause replay" : "Replay"} title="${playback.isPlaying ? "Pause" : "Replay"} (Space)"
          @click=${() => this.#send({ kind: playback.isPlaying ? "pause" : "play" })}>${playback.isPlaying ? icons.pause : icons.play}</button>
        <button class="quiet icon" aria-label="Next measurement" title="Next measurement (Shift →)"
          @click=${() => this.#send({ kind: "measured", direction: 1 })}>${icons.forward}</button>
        <select aria-label="Speed of the replay" @change=${this.#onSpeed}>
          ${speedsWith(playback.speed).map((speed) => html`<option value=${speed} ?selected=${speed === playback.speed}>${speed}×</option>`)}
        </select>
      </div>
      <div class="track">
        <input type="range" min=${first} max=${Math.max(first, playback.head)} step="1" .value=${String(Math.max(first, step))} aria-label="Cursor"
          aria-valuetext="step ${formatStep(step)}${isLiveNow ? ", live" : ""}" @input=${this.#onRangeInput} />
        <div class="overview"></div>
      </div>
      <div class="where">
        <p class="step"><b>${formatStep(step)}</b><span>of ${formatStep(scene?.header.steps)}<span class="unit"> steps</span></span></p>
        ${
          playback.isLive
            ? html`<button class="live" aria-pressed=${isLiveNow ? "true" : "false"} title="Follow the newest step (L)"
                @click=${() => this.#send({ kind: "live" })}>LIVE${
                  !playback.isFollowing && playback.newSteps > 0
                    ? html` <span class="new">+${formatStep(playback.newSteps)}</span>`
                    : null
                }</button>`
            : html`<button class="quiet" title="To the last step (L)" @click=${() => this.#send({ kind: "live" })}>End</button>`
        }
      </div>
      <p class="visually-hidden" role="status">${playback.isFollowing || playback.newSteps === 0 ? "" : `${formatCount(playback.newSteps, "new step")}`}</p>
    </div>`;
  }

  protected override firstUpdated(): void {
    this.#mount();
  }

  protected override updated(changed: PropertyValues): void {
    if (!changed.has("scene") || this.scene === null || this.#scrubber === null) return;
    this.draw(this.scene, this.playback);
    this.renderRoot.querySelector("canvas")?.setAttribute("aria-label", this.#scrubber.describe());
  }

  #mount(): void {
    const host = this.renderRoot.querySelector<HTMLElement>(".overview");
    if (host === null || this.#scrubber !== null) return;
    this.#scrubber = createScrubberChart(host, {
      title: "Overview of the run",
      requestFrame: () => this.requestFrame(),
      onScrub: (step, phase) => this.#send({ kind: "scrub", step, phase }),
      onRange: (range) => this.#send({ kind: "range", range }),
    });
    if (this.scene !== null) this.draw(this.scene, this.playback);
  }

  #marksOf({ history }: Scene): readonly ScrubberMark[] {
    const measured = history.series("hessian/eigenvalues", "ratio");
    const key = `${history.events.length}|${measured?.length ?? 0}`;
    if (key === this.#marks.key) return this.#marks.marks;
    const marks: ScrubberMark[] = [];
    for (let index = 0; index < (measured?.length ?? 0); index++) {
      marks.push({ step: measured?.stepAt(index) ?? 0, kind: "measured", label: "Hessian measured" });
    }
    for (const { step, status } of history.events) {
      const kind = status.level === "info" ? "event" : status.level;
      marks.push({ step, kind, label: status.message });
    }
    this.#marks = { key, marks };
    return marks;
  }

  readonly #onRangeInput = (event: Event): void => {
    this.#send({ kind: "scrub", step: Number((event.target as HTMLInputElement).value), phase: "move" });
  };

  readonly #onSpeed = (event: Event): void => {
    this.#send({ kind: "speed", speed: Number((event.target as HTMLSelectElement).value) });
  };

  #send(command: PlaybackCommand): void {
    this.dispatchEvent(
      new CustomEvent<PlaybackCommand>("playback", { detail: command, bubbles: true, composed: true }),
    );
  }
}

customElements.define("playback-bar", PlaybackBar);

declare global {
  interface HTMLElementTagNameMap {
    "playback-bar": PlaybackBar;
  }
}

/** The speeds offered, and the present one where an address asked for another. */
function speedsWith(speed: number): readonly number[] {
  return SPEEDS.includes(speed) ? SPEEDS : [...SPEEDS, speed].sort((a, b) => a - b);
}
