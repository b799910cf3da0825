/** What stands above a session when something about it must be known, and in its place while there is none. */
import { html, type TemplateResult } from "lit";
import type { Desk } from "./desk.ts";
import { troubleSentence } from "./trouble-sentence.ts";
import "./notice-card.ts";

const LOCKED = html`This browser is not signed in, or no longer. Run <code>npm run thalweg -- open</code> where the server was started: it
  prints a link that works once, within ten minutes.`;

/** One line above the session: the first of these that there is something to say of. */
export function banner(desk: Desk): TemplateResult | null {
  const { link } = desk.connection;
  const { store, newcomer } = desk;
  const hasData = store.header !== null && store.phase !== "failed";
  const isDown = link.status === "offline" || link.status === "reconnecting";
  if (hasData && isDown && desk.door === "locked")
    return html`<div class="banner bad" role="alert">${LOCKED}</div>`;
  if (hasData && isDown) {
    return html`<div class="banner ${link.status === "offline" ? "bad" : "warn"}" role="alert">
      <p>${link.reason ?? "The connection is lost."} What arrived until then is still here.</p>
      <button class="small" @click=${() => desk.connection.retryNow()}>Try now</button>
    </div>`;
  }
  if (hasData && store.trouble !== null) {
    return html`<div class="banner bad" role="alert"><p>${troubleSentence(store.trouble, store.state)}</p></div>`;
  }
  if (desk.complaint !== null) {
    return html`<div class="banner warn" role="alert">
      <p>${desk.complaint}</p>
      <button class="small" @click=${() => desk.forgetComplaint()}>Close</button>
    </div>`;
  }
  if (store.phase === "backfilling") {
    return html`<progress max="1" .value=${store.backfilled} aria-label="Receiving what happened before"></progress>`;
  }
  if (hasData && newcomer !== null) {
    return html`<div class="banner" role="status">
      <p>A run is live: ${newcomer.name}.</p>
      <button class="small" @click=${() => desk.open(newcomer.id)}>Watch it</button>
    </div>`;
  }
  return null;
}

/**
 * @param presets  to start from, where there is no session yet.
 * @param showSessions  where recordings are imported.
 */
export function notice(desk: Desk, presets: () => TemplateResult, showSessions: () => void): TemplateResult {
  const { link } = desk.connection;
  const { store } = desk;
  if (link.status !== "connected" && desk.door === "locked") {
    return html`<notice-card heading="Not signed in"><p>${LOCKED}</p></notice-card>`;
  }
  if (link.status === "offline" || link.status === "reconnecting") {
    return html`<notice-card heading="The server does not answer" ?busy=${link.status === "reconnecting"}>
      <p>${link.reason} Is it still running where you started it? This page tries again by itself.</p>
      <button @click=${() => desk.connection.retryNow()}>Try now</button>
    </notice-card>`;
  }
  if (store.phase === "failed") {
    return html`<notice-card heading="This session cannot be shown">
      <p>${store.error?.message}</p>
      <button @click=${() => desk.open(null)}>Open the newest</button>
    </notice-card>`;
  }
  if (store.phase === "empty") {
    return html`<notice-card heading="No session yet">
      ${
        desk.mayStart
          ? html`<p>Start one of these here, or any run with <code>npm start -- --preset edge</code>. It appears by itself.</p>
              ${presets()}`
          : html`<p>Start a run with <code>npm start -- --preset edge</code>. It appears here by itself.</p>`
      }
      ${desk.mayControl ? html`<button @click=${showSessions}>Import a recording</button>` : null}
    </notice-card>`;
  }
  return html`<notice-card heading=${link.status === "connected" ? "Opening the session" : "Connecting"} busy></notice-card>`;
}
