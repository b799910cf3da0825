import { css } from "lit";

export const playbackBarStyles = css`
  :host {
    display: block;
    position: sticky;
    bottom: 0;
    z-index: 10;
    background: var(--surface);
    border-top: 1px solid var(--line);
  }
  .bar {
    display: grid;
    grid-template-columns: auto 1fr auto;
    align-items: center;
    gap: 16px;
    max-width: 1680px;
    margin: 0 auto;
    padding: 8px 24px;
  }
  .buttons,
  .where {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  .where {
    gap: 16px;
    justify-content: flex-end;
  }
  select {
    font: inherit;
    font-size: 12px;
    height: 32px;
    padding: 0 4px;
    color: var(--ink-2);
    background: transparent;
    border: 1px solid transparent;
    border-radius: var(--radius-small);
  }
  select:hover {
    background: var(--hover);
  }
  .track {
    position: relative;
    height: 64px;
    min-width: 0;
    border-radius: var(--radius-small);
  }
  .track:has(:focus-visible) {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  .overview {
    height: 100%;
  }
  /* The picture is for pointers; this is the same slider for keys and screen readers. */
  input {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    margin: 0;
    opacity: 0;
    pointer-events: none;
  }
  .step {
    min-width: 120px;
    text-align: right;
    line-height: 16px;
  }
  .step b {
    font-weight: 600;
    font-size: 15px;
    letter-spacing: -0.01em;
  }
  .step > span {
    display: block;
    font-size: 12px;
    color: var(--ink-3);
  }
  /* Room for "+12,345": the track stays as long as it is when the cursor leaves the newest step. */
  .live {
    min-width: 128px;
    font-weight: 600;
    font-size: 12px;
    letter-spacing: 0.04em;
  }
  .live::before {
    content: "";
    flex: none;
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--ink-3);
  }
  .live[aria-pressed="true"] {
    color: var(--bad);
    border-color: color-mix(in oklab, var(--bad), transparent 55%);
    background: var(--bad-wash);
  }
  .live[aria-pressed="true"]::before {
    background: var(--bad);
  }
  @media (max-width: 699px) {
    .bar {
      grid-template-columns: auto minmax(0, 1fr);
      gap: 4px 8px;
      padding: 8px 16px;
    }
    .track {
      grid-column: 1 / -1;
      grid-row: 1;
      height: 56px;
    }
    .where {
      gap: 8px;
    }
    .step {
      min-width: 0;
      white-space: nowrap;
    }
    .step .unit {
      display: none;
    }
    .live {
      min-width: 112px;
      padding-inline: 8px;
    }
  }
  /* The planned steps stand at the top, too, and LIVE needs the room of the speed. */
  @media (max-width: 389px) {
    .step > span,
    .bar:has(.live) select {
      display: none;
    }
  }
`;
