/** `thalweg share`: links for reading one session of a running server; made, listed, taken back. */
import type { Share } from "../../shared/http.ts";
import { UserError } from "../training/user-error.ts";
import { readDuration } from "./quantities.ts";
import { askAnyServer, type CardAnswer } from "./server-card.ts";

export async function shareCommand(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { port, session, expires, list, revoke, origin } = flags;
  const ask: Ask = async (method, path, body) =>
    accepted(await askAnyServer("share", port, { method, path, ...(body === undefined ? {} : { body }) }));
  if (list === true) {
    const { shares } = (await ask("GET", "/v1/shares")) as { shares: readonly Share[] };
    for (const share of shares) console.log(line(share));
    if (shares.length === 0) console.log("no share links");
  } else if (revoke !== undefined) {
    await ask("DELETE", `/v1/shares/${encodeURIComponent(String(revoke))}`);
    console.log(`${revoke} is taken back`);
  } else {
    const made = (await ask("POST", "/v1/shares", {
      ...(session === undefined ? {} : { session: await wholeId(String(session), ask) }),
      ...(expires === undefined ? {} : { expiresInSeconds: readDuration("expires", expires) }),
    })) as Share & { readonly url: string };
    console.log(origin === undefined ? made.url : made.url.replace(/^https?:\/\/[^/]+/, originOf(origin)));
    if (origin === undefined)
      console.log("(for this machine; --origin says by what address others reach the server)");
    console.log(
      `${line(made)}, or until its server ends; \`thalweg share --revoke ${made.id}\` takes it back`,
    );
  }
}

type Ask = (method: string, path: string, body?: unknown) => Promise<unknown>;

/** `thalweg sessions` prints the beginnings of ids. What is no beginning of exactly one is the server's to refuse. */
async function wholeId(beginning: string, ask: Ask): Promise<string> {
  const { sessions } = (await ask("GET", "/v1/sessions")) as { sessions: readonly { readonly id: string }[] };
  const [only, ...more] = sessions.filter(({ id }) => id.startsWith(beginning));
  return only !== undefined && more.length === 0 ? only.id : beginning;
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

function accepted({ status, body }: CardAnswer): unknown {
  if (status < 400) return body;
  const { code, message } = (body as { error: { code: string; message: string } }).error;
  throw new UserError(code, message);
}
