/** Figures in a row: a label, a number that keeps its width, a note. */
import { css, html, nothing, type TemplateResult, unsafeCSS } from "lit";
import type { Dash } from "../charts/chart.ts";
import { SWATCH_PX } from "../charts/labels.ts";
import { DASHES } from "../charts/marks.ts";
import { type ColourName, SERIES_COLOURS } from "../charts/theme.ts";
import type { Figure } from "../panels/panel.ts";

const SWATCHES: readonly ColourName[] = [...SERIES_COLOURS, "threshold", "ink", "ink-3"];

export const figureStyles = css`
  .figure-box {
    container-type: inline-size;
  }
  /* Columns do not depend on what is in them: nothing moves while the cursor does. */
  .figures {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(88px, 1fr));
    gap: 4px 12px;
  }
  @container (min-width: 400px) {
    .figures {
      grid-template-columns: repeat(auto-fill, minmax(112px, 1fr));
      gap: 4px 16px;
    }
  }
  .figures > div {
    min-width: 0;
  }
  .figures dt,
  .figures dd,
  .figures small {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .figures dt {
    font-size: 12px;
    line-height: 16px;
    color: var(--ink-3);
  }
  .figures dd {
    font-size: 15px;
    line-height: 24px;
    font-weight: 600;
    letter-spacing: -0.01em;
  }
  .figures small {
    display: block;
    min-height: 16px;
    font-size: 12px;
    line-height: 16px;
    font-weight: 400;
    letter-spacing: 0;
    color: var(--ink-3);
  }
  .figures dd[data-tone="good"] {
    color: var(--good);
  }
  .figures dd[data-tone="warn"] {
    color: var(--warn);
  }
  .figures dd[data-tone="bad"] {
    color: var(--bad);
  }
  .swatch {
    margin-inline-end: 6px;
    vertical-align: middle;
    stroke: var(--swatch);
    stroke-width: 3px;
  }
  ${unsafeCSS(SWATCHES.map((name) => `.swatch[data-colour="${name}"] { --swatch: var(--${name}); }`).join("\n"))}
`;

export function figureList(figures: readonly Figure[]): TemplateResult {
  return html`<div class="figure-box"><dl class="figures">
    ${figures.map(
      ({ label, text, note, colour, dash, tone }) => html`<div>
        <dt title=${label}>${colour === undefined ? null : swatch(colour, dash)}${label}</dt>
        <dd data-tone=${tone ?? "plain"}>${text} <small>${note ?? ""}</small></dd>
      </div>`,
    )}
  </dl></div>`;
}

/** A piece of the line as the chart draws it. */
function swatch(colour: ColourName, dash: Dash = "solid"): TemplateResult {
  return html`<svg class="swatch" data-colour=${colour} width=${SWATCH_PX} height="3" aria-hidden="true">
    <path d="M0 1.5H${SWATCH_PX}" stroke-dasharray=${DASHES[dash].join(" ") || nothing} />
  </svg>`;
}
