#!/usr/bin/env node
/** `npm run dev [-- flags of train]`: compiles on change, rebuilds the dashboard, restarts the server. */
import { spawn } from "node:child_process";
import { watch } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { bin, prepare, ROOT } from "./prepare.mjs";

await prepare();

/** tsc writes many files in one go; one restart is enough. */
const SETTLE_MS = 300;
const flags = process.argv.slice(2);
const watchers = [
  startTool(bin("typescript", "tsc"), ["-b", "-w", "--preserveWatchOutput", "server"]),
  startTool(bin("vite", "vite"), ["build", "--watch", "--logLevel", "warn"]),
];
let server = startServer();
let restarting = false;
let stopping = false;
let timer;

watch(join(ROOT, "dist", "server"), { recursive: true }, (_event, file) => {
  if (!file?.endsWith(".js") || stopping) return;
  clearTimeout(timer);
  timer = setTimeout(restart, SETTLE_MS);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    clearTimeout(timer);
    for (const watcher of watchers) watcher.kill();
    // A terminal's Ctrl-C has already reached the server; any other signal has not.
    if (server.exitCode === null && !(signal === "SIGINT" && process.stdin.isTTY)) server.kill("SIGTERM");
    whenGone(server, () => process.exit(0));
  });
}

function restart() {
  if (restarting) return;
  restarting = true;
  console.error("thalweg: sources changed, restarting the server");
  whenGone(server, () => {
    restarting = false;
    if (!stopping) server = startServer();
  });
  server.kill("SIGTERM");
}

function whenGone(child, then) {
  if (child.exitCode !== null || child.signalCode !== null) then();
  else child.once("exit", then);
}

function startServer() {
  return spawn(
    process.execPath,
    ["--enable-source-maps", join(ROOT, "dist/server/cli.js"), "train", ...flags],
    {
      stdio: "inherit",
    },
  );
}

function startTool(script, args) {
  return spawn(process.execPath, [script, ...args], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
}
