/** Importing a user's module; when that fails, saying why and on which line. */
import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError } from "./user-error.ts";

/** What else may be trained on, and is easily put where a module goes. */
const TAKEN_BY: Readonly<Record<string, string>> = {
  ".csv": "--dataset csv:<file>",
  ".npy": "--dataset npy:<x>,<y>",
  ".json": "--config or --model",
};

/** What can be told of a module without running it. @throws {UserError} `module-missing`, `module-foreign`. */
export async function expectModule(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) {
    throw new UserError(
      "module-missing",
      `${path}: expected a JavaScript module, found ${found ? "a folder" : "no file"}`,
    );
  }
  const taker = TAKEN_BY[extname(path)];
  if (taker === undefined) return;
  throw new UserError(
    "module-foreign",
    `${path}: expected a JavaScript module, found a ${extname(path)} file, which ${taker} takes`,
  );
}

/** @throws {UserError} those of {@link expectModule}, `module-failed`; the message starts with the file, and the line where it is known. */
export async function importModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  const file = resolve(path);
  await expectModule(path);
  try {
    return await import(pathToFileURL(file).href);
  } catch (cause) {
    throw new UserError("module-failed", (await syntaxProblem(file)) ?? (await runtimeProblem(file, cause)));
  }
}

/**
 * A syntax error that `import` reports does not say where; `node --check` does.
 * Its first line is "<file>:<line>", and the error follows on a line of its own.
 */
function syntaxProblem(file: string): Promise<string | null> {
  return new Promise((settle) => {
    execFile(process.execPath, ["--check", file], (failure, _stdout, stderr) => {
      const line = new RegExp(`${escaped(basename(file))}:(\\d+)`).exec(stderr)?.[1];
      const message = /^SyntaxError: .*$/m.exec(stderr)?.[0];
      settle(failure && line && message ? `${basename(file)}:${line}: ${message}` : null);
    });
  });
}

async function runtimeProblem(file: string, cause: unknown): Promise<string> {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const message = `${error.name === "Error" ? "" : `${error.name}: `}${error.message.split("\n")[0]}`;
  const missing = /Cannot find (?:package|module) '([^']+)'/.exec(error.message)?.[1];
  const line =
    missing === undefined
      ? new RegExp(`${escaped(basename(file))}:(\\d+)`).exec(error.stack ?? "")?.[1]
      : await lineOf(file, missing);
  const hint = missing?.startsWith("@tensorflow/")
    ? ` (a module in ${ownFolder()}, or in a folder of it, shares the tfjs that Thalweg runs on)`
    : "";
  return `${basename(file)}${line === undefined ? "" : `:${line}`}: ${message}${hint}`;
}

function ownFolder(): string {
  return dirname(createRequire(import.meta.url).resolve("thalweg/package.json"));
}

async function lineOf(file: string, specifier: string): Promise<number | undefined> {
  const lines = (await readFile(file, "utf8")).split("\n");
  const index = lines.findIndex((line) => line.includes(specifier));
  return index < 0 ? undefined : index + 1;
}

function escaped(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
