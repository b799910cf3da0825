/** Continues this process as a built program. */
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { ROOT } from "./prepare.mjs";

/**
 * Runs a program of this package in this process, so that signals, exit code and terminal are its own:
 * a child process would be left behind when the launcher is killed.
 */
export async function runCommand(program, args) {
  const path = resolve(ROOT, program);
  process.argv = [process.execPath, path, ...args];
  await import(pathToFileURL(path).href);
}
