/** The other end of gateway-child.ts. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ChildOrder, ChildWord } from "./gateway-child.ts";

const CHILD = fileURLToPath(new URL("./gateway-child.ts", import.meta.url));

export class ChildServer {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(order: ChildOrder): Promise<ChildServer> {
    const child = spawn(process.execPath, ["--import", "tsx", CHILD, JSON.stringify(order)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const { url } = await wordOf(child, "listening");
    return new ChildServer(child, url);
  }

  /** The first step is written now. */
  begin(): void {
    this.#child.send("begin");
  }

  async measure(): Promise<{ readonly bytes: number; readonly cpuMs: number }> {
    const answer = wordOf(this.#child, "rss");
    this.#child.send("rss");
    return answer;
  }

  written(): Promise<unknown> {
    return wordOf(this.#child, "written");
  }

  async kill(): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}

function wordOf<K extends ChildWord["kind"]>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<ChildWord, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null) => reject(new Error(`the server ended with ${code}`));
    const listen = (word: unknown) => {
      const said = word as ChildWord;
      if (said.kind !== kind) return;
      child.off("message", listen);
      child.off("exit", gone);
      resolve(said as Extract<ChildWord, { kind: K }>);
    };
    child.on("message", listen);
    child.once("exit", gone);
  });
}
