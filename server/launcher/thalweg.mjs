#!/usr/bin/env node
/** `npm run thalweg -- <command>`, and `npx thalweg <command>` inside the clone. */
import process from "node:process";
import { prepare } from "./prepare.mjs";
import { runCommand } from "./run-command.mjs";

// npm runs scripts in the package's folder; paths in the arguments are meant from where the user stands.
if (process.env.npm_lifecycle_event === "thalweg" && process.env.INIT_CWD)
  process.chdir(process.env.INIT_CWD);

await prepare();
await runCommand("dist/server/cli.js", process.argv.slice(2));
