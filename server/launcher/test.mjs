#!/usr/bin/env node
/** `npm test [-- vitest's arguments]`: all tests, in Node and in a real browser. */
import process from "node:process";
import { bin, prepare, ROOT } from "./prepare.mjs";
import { runCommand } from "./run-command.mjs";

// Built as well as installed: worker threads run from dist/.
await prepare();
process.chdir(ROOT);
await runCommand(bin("vitest", "vitest"), ["run", ...process.argv.slice(2)]);
