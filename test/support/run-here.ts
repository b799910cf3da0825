/** Commands in this process, from the built files: what a process adds is its start, and its exit code is the number that is returned. */
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Finished } from "./spawned-server.ts";

const PROGRAM = fileURLToPath(new URL("../../dist/server/commands/program.js", import.meta.url));

/** One command, to its end. One at a time: what it says is what the console is told meanwhile. */
export async function runHere(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const { runProgram } = (await import(PROGRAM)) as typeof import("../../server/commands/program.ts");
  const { log, error } = console;
  const said = { out: "", err: "" };
  console.log = (text: string) => {
    said.out += `${text}\n`;
  };
  console.error = (text: string) => {
    said.err += `${text}\n`;
  };
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  try {
    const code = await runProgram(args);
    return { code: code ?? Number(process.exitCode ?? 0), ...said };
  } finally {
    process.exitCode = undefined;
    Object.assign(console, { log, error });
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
