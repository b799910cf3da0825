/** Sixteen-pixel line icons. */
import { html, svg, type TemplateResult } from "lit";

function icon(content: ReturnType<typeof svg>, solid = false): TemplateResult {
  return html`<svg class=${solid ? "icon solid" : "icon"} viewBox="0 0 16 16" aria-hidden="true">${content}</svg>`;
}

export const icons = {
  play: icon(
    svg`<path d="M4.5 2.9v10.2a.6.6 0 0 0 .9.5l8.2-5.1a.6.6 0 0 0 0-1L5.4 2.4a.6.6 0 0 0-.9.5Z"/>`,
    true,
  ),
  pause: icon(
    svg`<rect x="3.5" y="2.5" width="3" height="11" rx="0.8"/><rect x="9.5" y="2.5" width="3" height="11" rx="0.8"/>`,
    true,
  ),
  step: icon(
    svg`<path d="M3 3.4v9.2c0 .5.5.7.9.5l6.6-4.6c.3-.3.3-.7 0-1L3.9 2.9c-.4-.2-.9 0-.9.5Z"/><rect x="11.5" y="2.5" width="2" height="11" rx="0.8"/>`,
    true,
  ),
  stop: icon(svg`<rect x="3" y="3" width="10" height="10" rx="1.5"/>`, true),
  sun: icon(
    svg`<circle cx="8" cy="8" r="2.75"/><path d="M8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1"/>`,
  ),
  moon: icon(svg`<path d="M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1Z"/>`),
  system: icon(
    svg`<circle cx="8" cy="8" r="5.75"/><path d="M8 2.25v11.5A5.75 5.75 0 0 0 8 2.25Z" fill="currentColor"/>`,
  ),
  help: icon(
    svg`<circle cx="8" cy="8" r="6.25"/><path d="M6.2 6.2a1.85 1.85 0 1 1 2.7 1.9c-.6.3-.9.7-.9 1.3"/><path d="M8 11.6v.1"/>`,
  ),
  close: icon(svg`<path d="m4 4 8 8M12 4l-8 8"/>`),
  plus: icon(svg`<path d="M8 3v10M3 8h10"/>`),
  download: icon(svg`<path d="M8 2.5v7.5M4.75 7 8 10.25 11.25 7M2.75 13.25h10.5"/>`),
  chevron: icon(svg`<path d="m4.5 6.25 3.5 3.5 3.5-3.5"/>`),
  back: icon(svg`<path d="m9.75 4-4 4 4 4"/>`),
  forward: icon(svg`<path d="m6.25 4 4 4-4 4"/>`),
  check: icon(svg`<path d="m3.5 8.5 3 3 6-7"/>`),
  cross: icon(svg`<path d="m4.5 4.5 7 7M11.5 4.5l-7 7"/>`),
  ellipsis: icon(svg`<path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke-width="2.2"/>`),
  fork: icon(
    svg`<path d="M8 14V9.5M8 9.5 3.5 5V2.5M8 9.5 12.5 5V2.5M1.75 4 3.5 2.25 5.25 4M10.75 4l1.75-1.75L14.25 4"/>`,
  ),
  list: icon(svg`<path d="M6 4h7.5M6 8h7.5M6 12h7.5M2.6 4h.01M2.6 8h.01M2.6 12h.01"/>`),
  jump: icon(svg`<path d="M8 3v9M4.5 8.5 8 12l3.5-3.5"/>`),
} as const;
