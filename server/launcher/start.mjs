#!/usr/bin/env node
/** `npm start [-- flags]`: a training run with the dashboard beside it. */
import process from "node:process";
import { prepare } from "./prepare.mjs";
import { runCommand } from "./run-command.mjs";

await prepare();
await runCommand("dist/server/cli.js", ["train", ...process.argv.slice(2)]);
