#!/usr/bin/env node
/** `npm run bench [-- flags]`: measures what the documentation claims. */
import process from "node:process";
import { prepare } from "./prepare.mjs";
import { runCommand } from "./run-command.mjs";

await prepare();
await runCommand("dist/bench/main.js", process.argv.slice(2));
