/** `thalweg share`: links for reading one session of a running server; made, listed, taken back. */
import type { Share } from "../../shared/http.ts";
import { UserError } from "../training/user-error.ts";
import { readDuration } from "./quantities.ts";
import { askAnyServer, type CardAnswer } from "./server-card.ts";

export async function shareCommand(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { port, session, expires, list, revoke } = flags;
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> =>
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
      ...(session === undefined ? {} : { session }),
      ...(expires === undefined ? {} : { expiresInSeconds: readDuration("expires", expires) }),
    })) as Share & { readonly url: string };
    console.log(made.url);
    console.log(`${line(made)}; \`thalweg share --revoke ${made.id}\` takes it back`);
  }
}

function line({ id, session, expiresAtMs }: Share): string {
  return `${id}  reads session ${session} until ${new Date(expiresAtMs).toISOString()}`;
}

function accepted({ status, body }: CardAnswer): unknown {
  if (status < 400) return body;
  const { code, message } = (body as { error: { code: string; message: string } }).error;
  throw new UserError(code, message);
}
