/** Commands in this process, from the built files: what a process adds is its start, and its exit code is the number that is returned. */
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import type { Finished } from "./spawned-server.ts";

const PROGRAM = fileURLToPath(new URL("../../dist/server/commands/program.js", import.meta.url));

/** One command, to its end. One at a time: what it says is what the console is told meanwhile. */
export async function runHere(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const { runProgram } = (await import(PROGRAM)) as typeof import("../../server/commands/program.ts");
  const said = { out: "", err: "" };
  const spies = (["log", "error"] as const).map((method) =>
    vi.spyOn(console, method).mockImplementation((text: string) => {
      said[method === "log" ? "out" : "err"] += `${text}\n`;
    }),
  );
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    const code = await runProgram(args);
    return { code: code ?? Number(process.exitCode ?? 0), ...said };
  } finally {
    process.exitCode = undefined;
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
  }
}
