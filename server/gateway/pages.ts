/** The two pages of the door: how to get in, and the step inside. Everything else is the dashboard's. */
import { createHash } from "node:crypto";

const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1.5rem;color:#1b2733;background:#fff}" +
  "code{font:14px ui-monospace,monospace;background:#eef1f4;padding:.15em .4em;border-radius:4px}a{color:#0b63b5}" +
  "@media(prefers-color-scheme:dark){body{color:#dde4ea;background:#14191f}code{background:#232b33}a{color:#7db8ee}}";

/** Carries on what follows the # of the link: where in the dashboard to begin. */
const ENTER = 'location.replace("/"+location.hash)';

/** For the Content-Security-Policy: only this style and this script are let in. */
export const PAGE_STYLE_HASH = hash(STYLE);
export const PAGE_SCRIPT_HASH = hash(ENTER);

function hash(source: string): string {
  return `'sha256-${createHash("sha256").update(source).digest("base64")}'`;
}

/** @param reason  one sentence, ours: it is not escaped. */
export function signInPage(reason: string): string {
  return page(
    "Not signed in",
    `<h1>Not signed in</h1><p>${reason}</p>
<p>Run <code>npm run thalweg -- open</code> where the server was started: it prints a link that works once, within ten minutes.</p>
<p>Came here by a link from another site? This browser may well be signed in: <a href="/">open the dashboard</a>.</p>`,
  );
}

/**
 * Not a redirect: a browser that came from another site (a web terminal, a notebook) keeps a SameSite=Strict cookie back through every
 * redirect, and would stand before a closed door. From this page on, it is this site that asks.
 */
export function launchedPage(): string {
  return page(
    "Thalweg",
    `<p><a href="/">Open the dashboard</a></p>`,
    `<script>${ENTER}</script><noscript><meta http-equiv="refresh" content="0;url=/"></noscript>`,
  );
}

function page(title: string, body: string, head = ""): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title>${head}<style>${STYLE}</style></head><body>${body}</body></html>`;
}
