import { css } from "lit";

export const sessionListStyles = css`
  :host {
    display: block;
  }
  input:not([type="file"]) {
    font: inherit;
    color: var(--ink);
    width: 100%;
    min-height: 32px;
    padding: 0 12px;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-small);
    background: var(--surface);
  }
  input[type="search"] {
    margin-bottom: 8px;
  }
  .said {
    padding: 8px 12px;
    margin-bottom: 8px;
    border-radius: var(--radius-small);
    background: var(--bad-wash);
    color: var(--bad);
  }
  li {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 0 8px;
    align-items: center;
    padding: 8px 0;
    border-top: 1px solid var(--line);
  }
  li:first-child {
    border-top: 0;
  }
  .none {
    padding: 8px 0;
  }
  .open {
    justify-self: start;
    max-width: 100%;
    min-height: 24px;
    padding: 0 8px;
    margin-inline-start: -9px;
    font-size: 14px;
    font-weight: 600;
    white-space: normal;
    text-align: start;
    overflow-wrap: anywhere;
  }
  li[aria-current="true"] .open {
    color: var(--accent);
  }
  .about {
    grid-column: 1;
    font-size: 12px;
    color: var(--ink-3);
  }
  .menu {
    grid-column: 2;
    grid-row: 1 / span 2;
  }
  .menu button {
    width: 100%;
    justify-content: start;
  }
  form,
  .sure,
  .link {
    grid-column: 1 / -1;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
  }
  form {
    padding-bottom: 4px;
  }
  form input,
  .link input {
    flex: 1 1 240px;
    width: auto;
  }
  .sure,
  .link {
    padding-top: 8px;
  }
  .sure span {
    flex: 1;
  }
  .danger {
    border-color: var(--bad);
    color: var(--bad);
    font-weight: 600;
  }
  .link p {
    flex-basis: 100%;
    font-size: 12px;
  }
  .foot {
    display: flex;
    justify-content: space-between;
    align-items: center;
    gap: 16px;
    padding-top: 16px;
    border-top: 1px solid var(--line);
  }
  .upload {
    display: inline-flex;
    align-items: center;
    min-height: 32px;
    padding: 0 12px;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-small);
    cursor: pointer;
  }
  .upload:hover {
    background: var(--hover);
  }
  .upload:focus-within {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
`;
