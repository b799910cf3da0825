import { css } from "lit";

export const sessionBarStyles = css`
  :host {
    display: block;
    position: sticky;
    top: 0;
    z-index: 15;
    background: var(--surface);
    border-bottom: 1px solid var(--line);
  }
  header {
    display: flex;
    align-items: center;
    gap: 8px 16px;
    min-height: 56px;
    max-width: 1680px;
    margin: 0 auto;
    padding: 8px 24px;
  }
  .brand {
    display: flex;
    align-items: center;
    gap: 8px;
    font-size: 15px;
    font-weight: 600;
    letter-spacing: -0.01em;
  }
  .brand svg {
    width: 24px;
    height: 24px;
  }
  .picker {
    position: relative;
    display: flex;
    align-items: center;
    min-width: 0;
  }
  .picker svg {
    position: absolute;
    right: 8px;
    pointer-events: none;
    color: var(--ink-3);
  }
  select {
    appearance: none;
    font: inherit;
    color: var(--ink);
    height: 32px;
    max-width: 280px;
    min-width: 0;
    padding: 0 28px 0 12px;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-small);
    background: var(--surface);
    text-overflow: ellipsis;
    cursor: pointer;
  }
  option,
  optgroup {
    background: var(--surface);
    color: var(--ink);
  }
  .state {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    height: 24px;
    padding: 0 8px;
    border-radius: 12px;
    font-size: 12px;
    font-weight: 600;
    background: var(--sunken);
    color: var(--ink-2);
    white-space: nowrap;
  }
  .state[data-state="running"] {
    background: var(--good-wash);
    color: var(--good);
  }
  .state[data-state="paused"] {
    background: var(--warn-wash);
    color: var(--warn);
  }
  .state[data-state="diverged"],
  .state[data-state="failed"],
  .state[data-state="interrupted"] {
    background: var(--bad-wash);
    color: var(--bad);
  }
  .standing {
    display: flex;
    align-items: center;
    gap: 24px;
  }
  dl {
    display: flex;
    gap: 24px;
  }
  dl div {
    display: flex;
    align-items: baseline;
    gap: 6px;
    white-space: nowrap;
  }
  dt {
    font-size: 12px;
    color: var(--ink-3);
  }
  dd {
    font-weight: 600;
  }
  dd span {
    font-weight: 400;
    color: var(--ink-3);
  }
  .space {
    flex: 1;
  }
  .tools {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  link-badge {
    margin-inline-end: 4px;
  }
  @media (max-width: 1360px) {
    .rate,
    .overhead {
      display: none;
    }
  }
  @media (max-width: 1040px) {
    .loss {
      display: none;
    }
  }
  @media (max-width: 699px) {
    :host {
      position: static;
    }
    header {
      display: grid;
      grid-template-columns: auto 1fr auto;
      gap: 8px;
      padding: 8px 16px;
    }
    .brand span,
    .space,
    .new-run span {
      display: none;
    }
    .new-run {
      width: 32px;
      padding: 0;
    }
    .tools {
      grid-column: 3;
      grid-row: 1;
    }
    select {
      width: 100%;
      max-width: none;
    }
    .standing {
      grid-column: 1 / -1;
      grid-row: 2;
      flex-wrap: wrap;
      gap: 4px 24px;
      margin-inline-end: 40px;
    }
    .all {
      grid-column: 3;
      grid-row: 2;
      justify-self: end;
    }
    dl {
      gap: 16px;
    }
    .loss {
      display: flex;
    }
    link-badge {
      margin: 0;
    }
  }
  @media (max-width: 479px) {
    .loss {
      display: none;
    }
  }
`;
