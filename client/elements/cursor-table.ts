/** Every number at the cursor, as a table: for screen readers, and for eyes that want digits. Built only while it is open. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { StreamDescriptor } from "../../shared/stream.ts";
import { isOver } from "../../shared/verdicts/verdict.ts";
import { formatAge, formatNumber, formatStep } from "../data/formats.ts";
import type { Series } from "../data/series.ts";
import type { Scene } from "../panels/panel.ts";
import { icons } from "./icons.ts";
import { base } from "./styles.ts";

export class CursorTable extends LitElement {
  static override properties = { scene: { attribute: false }, isOpen: { state: true } };

  static override styles = [
    base,
    css`
      :host {
        display: block;
      }
      details {
        background: var(--surface);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        box-shadow: var(--shadow);
      }
      summary {
        display: flex;
        align-items: center;
        gap: 8px;
        padding: 12px 16px;
        font-size: 14px;
        line-height: 24px;
        font-weight: 600;
        cursor: pointer;
        list-style: none;
        border-radius: var(--radius);
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary svg {
        width: 16px;
        height: 16px;
        fill: none;
        stroke: var(--ink-3);
        stroke-width: 1.5;
      }
      details[open] summary svg {
        transform: rotate(180deg);
      }
      summary span {
        font-weight: 400;
        color: var(--ink-3);
      }
      .scroll {
        overflow-x: auto;
        padding: 0 16px 16px;
      }
      table {
        width: 100%;
        border-collapse: collapse;
        font-size: 12px;
        line-height: 16px;
      }
      th,
      td {
        padding: 4px 16px 4px 0;
        text-align: left;
        font-weight: 400;
        border-top: 1px solid var(--line);
        vertical-align: baseline;
      }
      thead th {
        color: var(--ink-3);
        border-top: 0;
      }
      .number {
        text-align: right;
        white-space: nowrap;
      }
      td.number {
        font-weight: 600;
      }
      code {
        font-family: var(--font-mono);
        color: var(--ink-3);
      }
    `,
  ];

  declare scene: Scene | null;
  declare isOpen: boolean;

  constructor() {
    super();
    this.scene = null;
    this.isOpen = false;
  }

  override render(): TemplateResult | typeof nothing {
    const { scene } = this;
    if (scene === null) return nothing;
    return html`<details @toggle=${this.#onToggle}>
      <summary>All numbers at the cursor <span>step ${formatStep(scene.step)}</span>${icons.chevron}</summary>
      ${this.isOpen ? this.#table(scene) : null}
    </details>`;
  }

  #table(scene: Scene): TemplateResult {
    const { history, step } = scene;
    const rows = history.descriptors.flatMap((descriptor) =>
      history
        .seriesOf(descriptor.name)
        .filter((series) => history.field(descriptor.name, series.path) !== undefined)
        .map((series) => ({
          descriptor,
          series,
          field: history.field(descriptor.name, series.path),
          part: partOf(series, scene),
          reading: series.at(step),
        })),
    );
    return html`<div class="scroll" tabindex="0" role="region" aria-label="All numbers at the cursor">
      <table>
        <thead>
          <tr>
            <th scope="col">Stream</th>
            <th scope="col">What</th>
            <th scope="col" class="number">Value</th>
            <th scope="col">Unit</th>
            <th scope="col">Measured</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ descriptor, series, field, part, reading }) => html`<tr>
              <th scope="row"><code>${descriptor.name}</code></th>
              <td>${field?.label ?? descriptor.title}${part === null ? null : html` <code>${part}</code>`}</td>
              <td class="number">${formatNumber(reading?.value ?? null, 6)}</td>
              <td>${field?.unit === "1" ? "" : (field?.unit ?? "")}</td>
              <td>${reading === null ? whyMissing(descriptor, series, scene) : formatAge(reading.ageSteps)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  readonly #onToggle = (event: Event): void => {
    this.isOpen = (event.target as HTMLDetailsElement).open;
  };
}

/** Which of several it is: a parameter by its name, anything else by its place in the sample. */
function partOf({ channel, path }: Series, { header }: Scene): string | null {
  const [index] = path.match(/\d+/) ?? [];
  if (index === undefined) return null;
  const name = channel === "distance/to-init" ? header.parameters[Number(index)]?.name : undefined;
  return name ?? path;
}

function whyMissing({ heavy }: StreamDescriptor, { length }: Series, { state }: Scene): string {
  if (heavy) return "not sent to this page";
  return length === 0 && isOver(state) ? "not in this session" : "not yet";
}

customElements.define("cursor-table", CursorTable);

declare global {
  interface HTMLElementTagNameMap {
    "cursor-table": CursorTable;
  }
}
