import { css } from "lit";

export const streamPanelStyles = css`
  :host {
    display: block;
    min-width: 0;
    container-type: inline-size;
    scroll-margin: 72px 0 120px;
  }
  section {
    display: flex;
    flex-direction: column;
    height: 100%;
    padding: 16px 16px 12px;
    background: var(--surface);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    box-shadow: var(--shadow);
  }
  :host([marked]) section {
    border-color: var(--accent);
    box-shadow: 0 0 0 1px var(--accent);
  }
  header {
    display: flex;
    align-items: center;
    gap: 4px;
    min-height: 24px;
    margin-bottom: 8px;
  }
  h2 {
    font-size: 14px;
    line-height: 24px;
    font-weight: 600;
    letter-spacing: -0.006em;
    min-width: 0;
  }
  .space {
    flex: 1;
  }
  drop-menu {
    color: var(--ink-3);
  }
  .about {
    width: 320px;
    max-width: 100%;
    padding: 8px 12px;
    font-size: 13px;
    line-height: 20px;
    color: var(--ink-2);
  }
  .command {
    display: flex;
    width: 100%;
    justify-content: flex-start;
    font-size: 13px;
  }
  .scales {
    display: inline-flex;
    border-radius: var(--radius-small);
    background: var(--sunken);
    padding: 2px;
  }
  .scales button {
    min-height: 20px;
    padding: 0 8px;
    border: 0;
    border-radius: 4px;
    background: transparent;
    color: var(--ink-3);
    font-size: 12px;
  }
  .scales button[aria-pressed="true"] {
    background: var(--surface);
    color: var(--ink);
    box-shadow: var(--shadow);
  }
  .parts {
    flex: 1;
    display: grid;
    grid-template-rows: auto 1fr;
    gap: 0 24px;
  }
  /* Captions of parts are equally high, so that their charts stand on one line. */
  figure {
    display: grid;
    grid-row: span 2;
    grid-template-rows: subgrid;
    min-width: 0;
  }
  .part-head {
    display: flex;
    align-items: start;
    gap: 8px;
    margin-bottom: 4px;
  }
  h3 {
    font-size: 13px;
    line-height: 20px;
    font-weight: 600;
  }
  .subtitle {
    font-size: 12px;
    line-height: 16px;
    color: var(--ink-3);
  }
  .chart {
    position: relative;
    height: 100%;
    min-height: 200px;
  }
  .chart[data-height="144"] {
    min-height: 144px;
  }
  .chart[data-height="240"] {
    min-height: 240px;
  }
  .chart[data-height="288"] {
    min-height: 288px;
  }
  .waiting {
    position: absolute;
    top: 50%;
    left: 50%;
    transform: translate(-50%, -50%);
    padding: 4px 12px;
    /* No grid line runs through the words. */
    z-index: 1;
    background: var(--surface);
    color: var(--ink-3);
    font-size: 13px;
    white-space: nowrap;
    pointer-events: none;
  }
  .note {
    margin-top: 8px;
    font-size: 12px;
    line-height: 16px;
    color: var(--ink-3);
  }
  @container (max-width: 419px) {
    .scales button[aria-pressed="false"] {
      display: none;
    }
  }
  @container (max-width: 559px) {
    .parts figure + figure {
      margin-top: 24px;
    }
  }
  @container (min-width: 560px) {
    .parts[data-count="2"] {
      grid-template-columns: 1fr 1fr;
    }
  }
`;
