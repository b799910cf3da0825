/** Figures in a row: a label, a number that keeps its width, a note. */
import { css, html, type TemplateResult, unsafeCSS } from "lit";
import type { ColourName } from "../charts/theme.ts";
import type { Figure } from "../panels/panel.ts";

const SWATCHES: readonly ColourName[] = [
  "series-1",
  "series-2",
  "series-3",
  "series-4",
  "series-5",
  "series-6",
  "threshold",
  "ink",
  "ink-3",
];

export const figureStyles = css`
  .figures {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 24px;
  }
  .figures dt {
    display: flex;
    align-items: center;
    gap: 6px;
    font-size: 12px;
    line-height: 16px;
    color: var(--ink-3);
  }
  .figures dd {
    font-size: 15px;
    line-height: 24px;
    font-weight: 600;
    letter-spacing: -0.01em;
    white-space: nowrap;
  }
  .figures small {
    font-size: 12px;
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
    flex: none;
    width: 12px;
    height: 0;
    border-top: 2px solid var(--swatch);
  }
  .swatch[data-dashed] {
    border-top-style: dashed;
  }
  ${unsafeCSS(SWATCHES.map((name) => `.swatch[data-colour="${name}"] { --swatch: var(--${name}); }`).join("\n"))}
`;

export function figureList(figures: readonly Figure[]): TemplateResult {
  return html`<dl class="figures">
    ${figures.map(
      ({ label, text, note, colour, dashed, tone }) => html`<div>
        <dt>${colour === undefined ? null : html`<span class="swatch" data-colour=${colour} ?data-dashed=${dashed === true}></span>`}${label}</dt>
        <dd data-tone=${tone ?? "plain"}>${text}${note === undefined ? null : html` <small>${note}</small>`}</dd>
      </div>`,
    )}
  </dl>`;
}
