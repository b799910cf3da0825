/** Styles that several elements share. Constructed sheets, so that the content security policy needs no exception. */
import { css } from "lit";

export const base = css`
  :host {
    box-sizing: border-box;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: inherit;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  dl,
  dd,
  figure {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  a {
    color: var(--accent);
    text-decoration-thickness: 1px;
    text-underline-offset: 2px;
  }
  /* Where all colours are the reader's own, those that tell things apart stay. */
  .swatch,
  .dot,
  .live::before {
    forced-color-adjust: none;
  }
  .muted {
    color: var(--ink-3);
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;

export const buttons = css`
  button {
    font: inherit;
    font-variant-numeric: inherit;
    color: inherit;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 6px;
    min-height: 32px;
    padding: 0 12px;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-small);
    background: var(--surface);
    cursor: pointer;
    white-space: nowrap;
  }
  button:hover:not(:disabled) {
    background: var(--hover);
  }
  button:disabled {
    color: var(--ink-3);
    border-color: var(--line);
    cursor: default;
  }
  button.quiet {
    border-color: transparent;
    background: transparent;
  }
  button.quiet:hover:not(:disabled) {
    background: var(--hover);
  }
  button.primary {
    background: var(--accent);
    border-color: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }
  button.primary:hover:not(:disabled) {
    background: color-mix(in oklab, var(--accent), var(--ink) 14%);
  }
  button.icon {
    width: 32px;
    padding: 0;
  }
  button.small {
    min-height: 24px;
    padding: 0 8px;
    font-size: 12px;
  }
  button.icon.small {
    width: 24px;
    padding: 0;
  }
  /* Whatever else marks it is a colour. */
  @media (forced-colors: active) {
    button[aria-pressed="true"] {
      /* Else the browser puts a ground of its own behind the words. */
      forced-color-adjust: none;
      background: Highlight !important;
      color: HighlightText !important;
    }
  }
  svg.icon {
    width: 16px;
    height: 16px;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.5;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  svg.icon.solid {
    fill: currentColor;
    stroke: none;
  }
`;

/** A label and the number beside it. */
export const numberField = css`
  label {
    font-size: 12px;
    color: var(--ink-3);
  }
  input {
    width: 80px;
    height: 32px;
    padding: 0 8px;
    font: inherit;
    font-variant-numeric: tabular-nums;
    color: var(--ink);
    background: var(--surface);
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-small);
  }
  input:user-invalid {
    border-color: var(--bad);
  }
`;

export const dialogs = css`
  dialog {
    width: min(720px, calc(100vw - 32px));
    max-height: calc(100vh - 64px);
    padding: 0;
    border: 1px solid var(--line);
    border-radius: 12px;
    background: var(--surface);
    color: var(--ink);
    box-shadow: var(--shadow-high);
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 0.32);
  }
  dialog .head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 16px;
    padding: 16px 16px 16px 24px;
    border-bottom: 1px solid var(--line);
    position: sticky;
    top: 0;
    background: var(--surface);
  }
  dialog h2 {
    font-size: 16px;
    line-height: 24px;
    font-weight: 600;
  }
  dialog .body {
    padding: 16px 24px 24px;
  }
`;
