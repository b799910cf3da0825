import { css } from "lit";

export const dashboardStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 100vh;
    background: var(--page);
    color: var(--ink);
    font: 400 13px/20px var(--font);
    font-variant-numeric: tabular-nums;
  }
  main {
    flex: 1;
    width: 100%;
    max-width: 1680px;
    margin: 0 auto;
    padding: 16px 24px 24px;
    display: flex;
    flex-direction: column;
    gap: 16px;
  }
  .title {
    display: flex;
    flex-wrap: wrap;
    align-items: end;
    justify-content: space-between;
    gap: 16px 32px;
  }
  .title > :first-child {
    flex: 1 1 480px;
    min-width: 0;
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: end;
    gap: 8px;
    margin-inline-start: auto;
  }
  /* One learning rate to be filled in at a time. */
  fork-form[asking] + * {
    display: none;
  }
  h1 {
    font-size: 22px;
    line-height: 32px;
    font-weight: 600;
    letter-spacing: -0.018em;
    overflow-wrap: anywhere;
  }
  .recording {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    min-height: 32px;
    text-decoration: none;
  }
  .recording:hover {
    text-decoration: underline;
  }
  .grid {
    display: grid;
    grid-template-columns: repeat(12, minmax(0, 1fr));
    /* What is narrow goes where there is room beside what is wide. */
    grid-auto-flow: dense;
    gap: 16px;
  }
  .span-4 {
    grid-column: span 4;
  }
  .span-5 {
    grid-column: span 5;
  }
  .span-6 {
    grid-column: span 6;
  }
  .span-7 {
    grid-column: span 7;
  }
  .span-8 {
    grid-column: span 8;
  }
  .span-12 {
    grid-column: span 12;
  }
  status-log {
    container-type: inline-size;
  }
  .banner {
    display: flex;
    align-items: center;
    justify-content: center;
    gap: 16px;
    padding: 8px 24px;
    background: var(--accent-wash);
    color: var(--ink);
    border-bottom: 1px solid var(--line);
    text-align: center;
  }
  .banner.warn {
    background: var(--warn-wash);
  }
  .banner.bad {
    background: var(--bad-wash);
  }
  code {
    font: 12px/16px var(--font-mono);
    padding: 2px 4px;
    border-radius: 4px;
    background: var(--sunken);
  }
  progress {
    appearance: none;
    display: block;
    width: 100%;
    height: 2px;
    border: 0;
    background: var(--sunken);
  }
  progress::-webkit-progress-bar {
    background: var(--sunken);
  }
  progress::-webkit-progress-value {
    background: var(--accent);
  }
  progress::-moz-progress-bar {
    background: var(--accent);
  }
  notice-card button {
    margin-top: 16px;
  }
  notice-card preset-list {
    margin-top: 24px;
  }
  @media (max-width: 1100px) {
    .span-4,
    .span-5 {
      grid-column: span 6;
    }
    .span-6,
    .span-7,
    .span-8 {
      grid-column: span 12;
    }
  }
  @media (max-width: 699px) {
    main {
      padding: 16px;
    }
    .actions {
      justify-content: start;
      margin-inline-start: 0;
    }
    .grid > * {
      grid-column: 1 / -1;
    }
  }
`;
