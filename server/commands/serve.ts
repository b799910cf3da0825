/** The server around the sessions: token, gateway, launch URL, and how all of it ends. */
import { spawn } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { Auth, createToken } from "../gateway/auth.ts";
import { type Gateway, startGateway } from "../gateway/gateway.ts";
import type { StartRun } from "../gateway/http.ts";
import type { SessionLibrary } from "../session/library.ts";
import { thalwegVersion } from "../threads/session-header.ts";
import { RunSettings } from "../training/config.ts";
import { PRESETS } from "../training/presets.ts";
import { UserError } from "../training/user-error.ts";
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
  const token = await readToken(settings.tokenFile);
  const gateway = await startGateway({
    library,
    auth: new Auth({ token }),
    host: settings.host ?? "127.0.0.1",
    port: settings.port ?? DEFAULT_PORT,
    strictPort: settings.port !== undefined,
    allowOrigins: settings.allowOrigin ?? [],
    allowHosts: settings.allowHost ?? [],
    clientFolder: fileURLToPath(new URL("../../client", import.meta.url)),
    ...(startRun === undefined
      ? {}
      : {
          startRun,
          runSettings: RunSettings,
          presets: PRESETS.map(({ name, title, about }) => ({ name, title, about })),
        }),
    version: thalwegVersion(),
    logger: pino({ level: "warn" }, pino.destination(2)),
  });
  const card = await leaveCard({ url: gateway.url, token, pid: process.pid, port: gateway.port });
  return {
    gateway,
    async close() {
      await rm(card, { force: true });
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

async function readToken(file: string | undefined): Promise<string> {
  if (file === undefined) {
    const given = process.env["THALWEG_TOKEN"];
    return given === undefined ? createToken() : checked(given, "THALWEG_TOKEN");
  }
  try {
    return checked((await readFile(file, "utf8")).trim(), `token-file ${file}`);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      "token",
      `token-file: ${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`,
    );
  }
}

function checked(token: string, from: string): string {
  if (/^[A-Za-z0-9._~-]{16,}$/.test(token)) return token;
  throw new UserError(
    "token",
    `${from}: expected at least 16 characters of A–Z a–z 0–9 . _ ~ -, got ${token.length} characters`,
  );
}

/** How `thalweg open` finds a server of the same user: one file a port, readable by that user only. */
export interface ServerCard {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  readonly port: number;
}

export function cardFolder(): string {
  return join(process.env["XDG_RUNTIME_DIR"] ?? join(homedir(), ".cache"), "thalweg");
}

async function leaveCard(card: ServerCard): Promise<string> {
  const path = join(cardFolder(), `${card.port}.json`);
  await mkdir(cardFolder(), { recursive: true, mode: 0o700 });
  await rm(path, { force: true });
  await writeFile(path, JSON.stringify(card), { mode: 0o600 });
  return path;
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

/** Runs `end` at the first Ctrl-C (or SIGTERM); the second one leaves at once. Resolves when `end` has. */
export function untilInterrupted(end: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let firstMs: number | null = null;
    const interrupt = () => {
      if (firstMs === null) {
        firstMs = performance.now();
        end().then(resolve, reject);
      } else if (performance.now() - firstMs > SAME_KEYPRESS_MS) {
        process.kill(process.pid, "SIGKILL");
      }
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  });
}
