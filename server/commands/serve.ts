/** The server around the sessions: token, gateway, launch URL, and how all of it ends. */
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { Auth, createToken, tokenProblem } from "../gateway/auth.ts";
import { type Gateway, startGateway } from "../gateway/gateway.ts";
import type { StartRun, TlsFiles } from "../gateway/http.ts";
import type { SessionLibrary } from "../session/library.ts";
import { thalwegVersion } from "../threads/versions.ts";
import { RunSettings } from "../training/config.ts";
import { PRESETS } from "../training/presets.ts";
import { UserError } from "../training/user-error.ts";
import { leaveCard } from "./server-card.ts";
import type { ServerSettings } from "./server-settings.ts";

const DEFAULT_PORT = 4242;

export interface Served {
  readonly gateway: Gateway;
  close(): Promise<void>;
}

/** @throws {UserError} for a token that cannot be; {ListenError} for an address that cannot be listened on. */
export async function serve(
  library: SessionLibrary,
  settings: ServerSettings,
  startRun?: StartRun,
): Promise<Served> {
  const host = settings.host ?? "127.0.0.1";
  const tls = await readTls(settings);
  if (tls === undefined && !isLoopback(host) && settings.insecure !== true) {
    throw new UserError(
      "insecure",
      `host: expected --tls-cert and --tls-key with ${host}, which other machines can reach, or --insecure if tokens and data may travel unencrypted`,
    );
  }
  const token = await readToken("token-file", settings.tokenFile, "THALWEG_TOKEN");
  const readOnly = await readToken("read-token-file", settings.readTokenFile, "THALWEG_READ_TOKEN");
  const given = token ?? createToken();
  const gateway = await startGateway({
    library,
    auth: new Auth({ token: given, ...(readOnly === null ? {} : { readToken: readOnly }) }),
    host,
    ...(tls === undefined ? {} : { tls }),
    frameAncestors: settings.allowFrame ?? [],
    port: settings.port ?? DEFAULT_PORT,
    strictPort: settings.port !== undefined,
    allowOrigins: settings.allowOrigin ?? [],
    allowHosts: settings.allowHost ?? [],
    clientFolder: fileURLToPath(new URL("../../dashboard", import.meta.url)),
    ...(startRun === undefined
      ? {}
      : {
          startRun,
          runSettings: RunSettings,
          presets: PRESETS.map(({ name, title, about }) => ({ name, title, about })),
        }),
    version: thalwegVersion(),
    logger: pino({ level: "warn" }, process.stderr),
  });
  const fingerprint = tls === undefined ? null : new X509Certificate(tls.cert).fingerprint256;
  const { url, port } = gateway;
  const card = await leaveCard({ url, token: given, pid: process.pid, port, fingerprint });
  return {
    gateway,
    async close() {
      if (card !== null) await rm(card, { force: true });
      await gateway.close();
    },
  };
}

/** @param hash  what the dashboard's address says after #, for where it begins. */
export function printLaunch({ gateway }: Served, settings: ServerSettings, hash = ""): void {
  const url = `${gateway.createLaunchUrl()}${hash === "" ? "" : `#${hash}`}`;
  console.log(`open       ${url}`);
  console.log("           (works once, within 10 minutes; `npm run thalweg -- open` prints a new one)");
  if (settings.open === true) openBrowser(url);
}

/** Nothing but this machine reaches it. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

async function readTls({ tlsCert, tlsKey }: ServerSettings): Promise<TlsFiles | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    const [is, missing] = tlsCert === undefined ? ["--tls-key", "--tls-cert"] : ["--tls-cert", "--tls-key"];
    throw new UserError("tls", `tls: expected ${missing} beside ${is}`);
  }
  const files = { cert: await readPem("tls-cert", tlsCert), key: await readPem("tls-key", tlsKey) };
  try {
    createSecureContext(files);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UserError(
      "tls",
      `tls: expected a certificate and its key in PEM, got ${tlsCert} and ${tlsKey} (${code})`,
    );
  }
  return files;
}

async function readPem(name: string, file: string): Promise<Buffer> {
  return readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new UserError("tls", `${name}: ${file} cannot be read (${cause.code})`);
  });
}

/** null: none is given. */
async function readToken(name: string, file: string | undefined, variable: string): Promise<string | null> {
  if (file === undefined) {
    const given = process.env[variable];
    return given === undefined ? null : checked(given, variable);
  }
  try {
    return checked((await readFile(file, "utf8")).trim(), `${name} ${file}`);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      "token",
      `${name}: ${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`,
    );
  }
}

function checked(token: string, from: string): string {
  const problem = tokenProblem(token);
  if (problem === null) return token;
  throw new UserError("token", `${from}: ${problem}`);
}

function openBrowser(url: string): void {
  const [command, ...before] =
    process.platform === "darwin"
      ? ["open"]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", ""]
        : ["xdg-open"];
  const child = spawn(command as string, [...before, url], { stdio: "ignore", detached: true });
  child.on("error", () => console.error("thalweg: no browser could be opened; use the address above"));
  child.unref();
}

/** npm passes Ctrl-C on to what it started, which may have had it from the terminal already. */
const SAME_KEYPRESS_MS = 1000;

/** Tells `work` of the first Ctrl-C (or SIGTERM), which ends nothing by itself; the second one leaves at once. */
export async function untilInterrupted(work: (interrupted: Promise<void>) => Promise<void>): Promise<void> {
  let interrupt = () => {};
  const interrupted = new Promise<void>((resolve) => {
    let firstMs: number | null = null;
    interrupt = () => {
      if (firstMs !== null && performance.now() - firstMs > SAME_KEYPRESS_MS)
        process.kill(process.pid, "SIGKILL");
      firstMs ??= performance.now();
      resolve();
    };
  });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    await work(interrupted);
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}
