/** The real server as a process of its own, from the built files. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const CLI = fileURLToPath(new URL("../../dist/server/cli.js", import.meta.url));
export const TOKEN = "a-token-for-tests-0123456789";

export interface Spawned {
  readonly child: ChildProcess;
  /** http://127.0.0.1:port (https, with a certificate), once the launch URL has been printed. */
  readonly url: string;
  readonly launchUrl: string;
  output(): string;
}

/** @throws when the process ends before it has printed a launch URL, with what it said. */
export async function spawnServer(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Spawned> {
  const child = spawn(process.execPath, [CLI, ...args, "--port", "0"], {
    env: { ...process.env, THALWEG_TOKEN: TOKEN, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const launched = new Promise<string>((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      said += chunk.toString();
      const found = /open\s+(https?:\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
  const launchUrl = await launched;
  return { child, launchUrl, url: new URL(launchUrl).origin, output: () => said };
}

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** One command, to its end. */
export async function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

export async function stop({ child }: Spawned): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill("SIGINT");
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}
