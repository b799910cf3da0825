/** Hosts any panel: its words, its charts, its switches and its exports. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import type { ExportableChart, LineChartModel, ProfileChartModel, StepPointer } from "../charts/chart.ts";
import { createLineChart } from "../charts/line-chart.ts";
import { createProfileChart } from "../charts/profile-chart.ts";
import { sheetToPng, sheetToSvg } from "../charts/sheet.ts";
import type { FieldScale } from "../data/history.ts";
import type { Figure, LinePart, Panel, Part, Scene } from "../panels/panel.ts";
import "./drop-menu.ts";
import { download, fileName } from "./download.ts";
import { figureList, figureStyles } from "./figure-list.ts";
import { icons } from "./icons.ts";
import { streamPanelStyles } from "./stream-panel-styles.ts";
import { base, buttons } from "./styles.ts";
import { waitingFor } from "./waiting-for.ts";

interface Mounted {
  readonly part: Part;
  readonly host: HTMLElement;
  readonly chart: ExportableChart<LineChartModel> | ExportableChart<ProfileChartModel>;
}

const UNREADABLE: readonly Figure[] = [{ label: "This sample", text: "cannot be read", tone: "warn" }];

const SCALE_NAMES: Readonly<Record<FieldScale, string>> = { linear: "linear", log: "log", symlog: "symlog" };

export class StreamPanel extends LitElement {
  static override properties = {
    panel: { attribute: false },
    scene: { attribute: false },
    pointer: { attribute: false },
    requestFrame: { attribute: false },
    marked: { type: Boolean, reflect: true },
  };

  static override styles = [base, buttons, figureStyles, streamPanelStyles];

  declare panel: Panel | null;
  declare scene: Scene | null;
  declare pointer: StepPointer;
  declare requestFrame: () => void;
  /** Pointed at by a verdict. */
  declare marked: boolean;
  #mounted: readonly Mounted[] = [];
  #hasFailed = false;

  constructor() {
    super();
    this.panel = null;
    this.scene = null;
    this.pointer = {};
    this.requestFrame = () => {};
    this.marked = false;
  }

  /** Draws the charts only; words follow with `scene`, less often. */
  draw(scene: Scene): void {
    for (const mounted of this.#mounted) this.#drawPart(mounted, scene);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.#mount();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unmount();
  }

  override render(): TemplateResult | typeof nothing {
    const { panel, scene } = this;
    if (panel === null || scene === null) return nothing;
    const [only] = panel.parts.length === 1 ? panel.parts : [];
    const note = this.#read(() => panel.note?.(scene) ?? null, null);
    return html`<section aria-labelledby="title">
      <header>
        <h2 id="title">${panel.title}</h2>
        <drop-menu label="What is this?">
          <span slot="button">${icons.help}</span>
          <p class="about">${panel.about}</p>
        </drop-menu>
        <span class="space"></span>
        ${only === undefined ? null : this.#scaleSwitch(only)}
        <drop-menu label="Export" align="end">
          <span slot="button">${icons.download}</span>
          ${panel.parts.map((part) => this.#exportCommands(part, panel.parts.length > 1))}
        </drop-menu>
      </header>
      <div class="parts" data-count=${panel.parts.length}>
        ${panel.parts.map((part) => this.#figure(part, scene, panel))}
      </div>
      ${note === null ? null : html`<p class="note">${note}</p>`}
    </section>`;
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has("panel")) {
      this.#unmount();
      this.#mount();
    }
    if (this.scene !== null && this.#mounted.length === 0) this.#mount();
    for (const { host, chart } of this.#mounted)
      host.querySelector("canvas")?.setAttribute("aria-label", chart.describe());
  }

  #figure(part: Part, scene: Scene, panel: Panel): TemplateResult {
    return html`<figure aria-label=${part.title ?? panel.title}>
      <figcaption>
        ${
          part.title === undefined
            ? null
            : html`<div class="part-head">
                <div>
                  <h3>${part.title}</h3>
                  <p class="subtitle">${part.subtitle}</p>
                </div>
                <span class="space"></span>
                ${this.#scaleSwitch(part)}
              </div>`
        }
        ${figureList(this.#read(() => part.figures?.(scene) ?? [], UNREADABLE))}
      </figcaption>
      <div class="chart" data-part=${part.id} data-height=${panel.height}>
        ${this.#isWaiting(part, scene) ? html`<p class="waiting">${waitingFor(panel, scene)}</p>` : null}
      </div>
    </figure>`;
  }

  #scaleSwitch(part: Part): TemplateResult | null {
    if (part.kind !== "line" || part.scales.length < 2) return null;
    const chosen = this.#scaleOf(part);
    return html`<div class="scales" role="group" aria-label="Scale of ${part.title ?? this.panel?.title ?? ""}">
      ${part.scales.map(
        (scale) => html`<button aria-pressed=${scale === chosen ? "true" : "false"}
          @click=${() => this.#chooseScale(part, scale === chosen ? nextOf(part.scales, scale) : scale)}>${SCALE_NAMES[scale]}</button>`,
      )}
    </div>`;
  }

  #exportCommands(part: Part, isNamed: boolean): TemplateResult {
    const suffix = isNamed ? ` · ${part.title ?? part.id}` : "";
    return html`${(["svg", "png", "csv"] as const).map(
      (format) =>
        html`<button class="quiet command" @click=${() => this.#export(part, format)}>${format.toUpperCase()}${suffix}</button>`,
    )}`;
  }

  #scaleOf(part: LinePart, scene: Scene | null = this.scene): FieldScale {
    return scene?.scales[part.id] ?? part.scales[0];
  }

  #chooseScale(part: LinePart, scale: FieldScale): void {
    const detail = { part: part.id, scale: scale === part.scales[0] ? null : scale };
    this.dispatchEvent(new CustomEvent("scale", { detail, bubbles: true, composed: true }));
  }

  #isWaiting(part: Part, scene: Scene): boolean {
    const isEmpty = () =>
      part.kind === "profile"
        ? part.draw(scene) === null
        : part.draw(scene).series.every(({ series }) => series.length === 0);
    return this.#read(isEmpty, false);
  }

  /** A sample may be of another make than the panel knows: the panel says so, and the others go on. */
  #read<T>(work: () => T, otherwise: T): T {
    try {
      return work();
    } catch (error) {
      // Once: it will be drawn again in the next frame.
      if (!this.#hasFailed) console.error(error);
      this.#hasFailed = true;
      return otherwise;
    }
  }

  #mount(): void {
    const { panel } = this;
    if (panel === null) return;
    this.#mounted = panel.parts.flatMap((part) => {
      const host = this.renderRoot.querySelector<HTMLElement>(`[data-part="${part.id}"]`);
      if (host === null) return [];
      const title = part.title ?? panel.title;
      const requestFrame = () => this.requestFrame();
      const chart =
        part.kind === "line"
          ? createLineChart(host, { title, requestFrame, ...this.pointer })
          : createProfileChart(host, { title, requestFrame });
      return [{ part, host, chart }];
    });
    if (this.scene !== null) this.draw(this.scene);
  }

  #unmount(): void {
    for (const { chart } of this.#mounted) chart.destroy();
    this.#mounted = [];
  }

  #drawPart(mounted: Mounted, scene: Scene): void {
    this.#read(() => this.#update(mounted, scene), undefined);
  }

  #update({ part, chart }: Mounted, scene: Scene): void {
    if (part.kind === "profile") {
      const model = part.draw(scene);
      if (model !== null) (chart as ExportableChart<ProfileChartModel>).update(model);
      return;
    }
    (chart as ExportableChart<LineChartModel>).update({
      ...part.draw(scene),
      domain: scene.domain,
      cursor: scene.cursor,
      scale: this.#scaleOf(part, scene),
      gaps: scene.history.gaps,
      playedTo: scene.playedTo,
      following: scene.following,
    });
  }

  #export(part: Part, format: "svg" | "png" | "csv"): void {
    const chart = this.#mounted.find((mounted) => mounted.part === part)?.chart;
    const { scene, panel } = this;
    if (chart === undefined || scene === null || panel === null) return;
    // Where it is broken, the point begins a line.
    const title = part.title === undefined ? panel.title : `${panel.title} ·\u00a0${part.title}`;
    const name = fileName(scene.header.name, part.id, scene.step, format);
    if (format === "svg") download(name, sheetToSvg(chart.sheet(title)), "image/svg+xml");
    if (format === "csv") download(name, chart.toCsv(), "text/csv");
    if (format === "png")
      void sheetToPng(chart.sheet(title)).then((blob) => download(name, blob, "image/png"));
  }
}

/** Where there is no room for all, only the chosen one is shown, and takes turns. */
function nextOf(scales: readonly FieldScale[], scale: FieldScale): FieldScale {
  return scales[(scales.indexOf(scale) + 1) % scales.length] ?? scale;
}

customElements.define("stream-panel", StreamPanel);

declare global {
  interface HTMLElementTagNameMap {
    "stream-panel": StreamPanel;
  }
}
