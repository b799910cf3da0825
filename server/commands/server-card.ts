/** How commands find the servers of the same user: one file a port, readable by that user only. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { UserError } from "../training/user-error.ts";

export interface ServerCard {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  readonly port: number;
  /** SHA-256 of the certificate it shows, as Node writes it; null without TLS. */
  readonly fingerprint: string | null;
}

interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

interface CardAnswer {
  /** Whose it is. */
  readonly port: number;
  readonly status: number;
  readonly body: unknown;
}

/** @returns where it lies; null when it cannot, which is said: the server is as good as any, but other commands do not find it. */
export async function leaveCard(card: ServerCard): Promise<string | null> {
  const path = join(cardFolder(), `${card.port}.json`);
  try {
    await mkdir(cardFolder(), { recursive: true, mode: 0o700 });
    await rm(path, { force: true });
    await writeFile(path, JSON.stringify(card), { mode: 0o600 });
    return path;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    console.error(
      `thalweg: ${path} cannot be written (${code}): open, share and prune do not find this server`,
    );
    return null;
  }
}

/** Of servers whose process is there; those of others, which were killed, are taken away. */
export async function readCards(): Promise<ServerCard[]> {
  const names = await readdir(cardFolder()).catch(() => []);
  const paths = names.filter((name) => name.endsWith(".json")).map((name) => join(cardFolder(), name));
  const cards: ServerCard[] = [];
  for (const path of paths) {
    const card = await readCard(path);
    if (card === null) continue;
    if (isRunning(card.pid)) cards.push(card);
    else await rm(path, { force: true }).catch(() => undefined);
  }
  return cards;
}

/**
 * What each server that answers says, the refusals of the others than its user left out.
 * @param port  of the only one to be asked. @throws {UserError} `no-server`, when none answers.
 */
export async function askServers(command: string, port: unknown, ask: Ask): Promise<readonly CardAnswer[]> {
  if (port !== undefined && !/^\d{1,5}$/.test(String(port)))
    throw new UserError(
      "settings",
      `port: expected a whole number from 0 to 65535, got ${JSON.stringify(port)}`,
    );
  const cards = (await readCards()).filter((card) => port === undefined || Number(port) === card.port);
  const answers = (await askEach(cards, ask)).filter(({ status }) => status !== 401);
  if (answers.length > 0) return answers;
  throw new UserError(
    "no-server",
    `${command}: no Thalweg server of yours answers on this machine${port === undefined ? "" : ` at port ${port}`}; start one with npm start`,
  );
}

/** What the first says that does not refuse. @throws {UserError} with the words of one that does, when all do. */
export function accepted(answers: readonly CardAnswer[]): unknown {
  const { status, body } = answers.find((answer) => answer.status < 400) ?? (answers[0] as CardAnswer);
  if (status < 400) return body;
  const { code, message } = (body as { error: { code: string; message: string } }).error;
  throw new UserError(code, message);
}

/** Ids of the sessions that other servers of this user are writing now. */
export async function liveElsewhere(): Promise<ReadonlySet<string>> {
  const cards = (await readCards()).filter(({ pid }) => pid !== process.pid);
  const answers = await askEach(cards, { method: "GET", path: "/v1/sessions" });
  const sessions = answers.flatMap(
    ({ body }) => (body as { sessions?: { id: string; live: boolean }[] } | null)?.sessions ?? [],
  );
  return new Set(sessions.filter(({ live }) => live).map(({ id }) => id));
}

/** All at once; those that do not answer are left out. */
async function askEach(cards: readonly ServerCard[], ask: Ask): Promise<readonly CardAnswer[]> {
  const answers = await Promise.all(cards.map((card) => askServer(card, ask).catch(() => [])));
  return answers.flat();
}

const PATIENCE_MS = 5_000;

async function askServer(card: ServerCard, { method, path, body }: Ask): Promise<CardAnswer> {
  const { hostname, port, host } = new URL(card.url);
  const socket =
    card.fingerprint === null ? undefined : await knownServer(hostname, Number(port), card.fingerprint);
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    host,
    authorization: `Bearer ${card.token}`,
    origin: card.url,
    ...(payload === undefined ? {} : { "content-type": "application/json" }),
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      hostname,
      port,
      method,
      path,
      headers,
      timeout: PATIENCE_MS,
      ...(socket === undefined ? { agent: false as const } : { createConnection: () => socket }),
    });
    request.once("error", reject);
    request.once("timeout", () => request.destroy(new Error("no answer")));
    request.once("response", (response: IncomingMessage) => {
      text(response)
        .then((said) =>
          resolve({
            port: card.port,
            status: response.statusCode ?? 0,
            body: said === "" ? null : JSON.parse(said),
          }),
        )
        .catch(reject);
    });
    request.end(payload);
  });
}

/** Nobody vouches for a certificate of one's own; its fingerprint, left by the server itself, does. The token is sent to no other. */
function knownServer(host: string, port: number, fingerprint: string): Promise<ReturnType<typeof connect>> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: host.replace(/^\[|\]$/g, ""), port, rejectUnauthorized: false });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      if (socket.getPeerCertificate().fingerprint256 === fingerprint) resolve(socket);
      else {
        socket.destroy();
        reject(new Error("another certificate"));
      }
    });
  });
}

async function readCard(path: string): Promise<ServerCard | null> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as ServerCard;
  } catch {
    // Gone, or being written at this moment.
    return null;
  }
}

function cardFolder(): string {
  return join(process.env["XDG_RUNTIME_DIR"] ?? join(homedir(), ".cache"), "thalweg");
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
