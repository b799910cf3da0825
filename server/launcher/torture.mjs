#!/usr/bin/env node
/** `npm run torture [-- flags]`: maltreats recorder and server, and counts what breaks. */
import process from "node:process";
import { prepare } from "./prepare.mjs";
import { runCommand } from "./run-command.mjs";

await prepare();
// Where the tests are, TypeScript is run as it stands.
const { register } = await import("tsx/esm/api");
register();
await runCommand("test/torture/run.ts", process.argv.slice(2));
