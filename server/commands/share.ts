/** `thalweg share`: links for reading one session of a running server; made, listed, taken back. */
import type { SessionSummary } from "../../shared/header.ts";
import type { Share } from "../../shared/http.ts";
import { UserError } from "../training/user-error.ts";
import { readDuration } from "./quantities.ts";
import { accepted, askServers } from "./server-card.ts";

export async function shareCommand(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { port, session, expires, list, revoke, origin } = flags;
  if (list === true) {
    const answers = await askServers("share", port, { method: "GET", path: "/v1/shares" });
    const shares = answers.flatMap((answer) => (accepted([answer]) as { shares: Share[] }).shares);
    for (const share of shares) console.log(line(share));
    if (shares.length === 0) console.log("no share links");
  } else if (revoke !== undefined) {
    const path = `/v1/shares/${encodeURIComponent(String(revoke))}`;
    accepted(await askServers("share", port, { method: "DELETE", path }));
    console.log(`${revoke} is taken back`);
  } else {
    const lasting = expires === undefined ? {} : { expiresInSeconds: readDuration("expires", expires) };
    const found = await find(String(session ?? "live"), port);
    const body = { session: found.id, ...lasting };
    const ask = { method: "POST", path: "/v1/shares", body };
    const made = accepted(await askServers("share", found.port, ask)) as Share & { readonly url: string };
    console.log(origin === undefined ? made.url : made.url.replace(/^https?:\/\/[^/]+/, originOf(origin)));
    if (origin === undefined)
      console.log("(for this machine; --origin says by what address others reach the server)");
    console.log(
      `${line(made)}, or until its server ends; \`thalweg share --revoke ${made.id}\` takes it back`,
    );
  }
}

/**
 * A session, and the port of a server that has it: the one that writes it, where there is one, rather than one that lists its file.
 * @param named  the beginning of its id, as `thalweg sessions` prints it, or "live": the newest that is.
 */
async function find(named: string, port: unknown): Promise<{ readonly id: string; readonly port: number }> {
  const answers = await askServers("share", port, { method: "GET", path: "/v1/sessions" });
  const found = answers
    .flatMap((answer) =>
      (accepted([answer]) as { sessions: readonly SessionSummary[] }).sessions.map((summary) => ({
        ...summary,
        port: answer.port,
      })),
    )
    .filter(({ id, live }) => (named === "live" ? live : id.startsWith(named)))
    .sort((a, b) => Number(b.live) - Number(a.live) || b.startedAtMs - a.startedAtMs);
  const [first] = found;
  const ids = new Set(found.map(({ id }) => id));
  if (first !== undefined && (named === "live" || ids.size === 1)) return first;
  const which = ids.size === 0 ? "none here has" : `${ids.size} have`;
  throw new UserError(
    "unknown-session",
    named === "live"
      ? "session: expected the id of a session, because none is live"
      : `session: expected the id of one session, got ${JSON.stringify(named)}, which ${which}`,
  );
}

function originOf(given: unknown): string {
  const url = URL.canParse(String(given)) ? new URL(String(given)) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url.origin;
  throw new UserError(
    "settings",
    `origin: expected an address like https://lab.example:4242, got ${JSON.stringify(given)}`,
  );
}

function line({ id, session, expiresAtMs }: Share): string {
  return `${id}  reads session ${session} until ${new Date(expiresAtMs).toISOString()}`;
}
