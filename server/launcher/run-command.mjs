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
  if (process.env.npm_lifecycle_event) endWhenOrphaned();
  await import(pathToFileURL(path).href);
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
const LOOK_EVERY_MS = 500;

/**
 * npm runs scripts through a shell, and a shell that is told to end does so without telling us: `kill <npm>` would leave a server behind.
 * Then our parent changes, and we tell ourselves. Not if we have been told already: to programs, the second time means "at once".
 */
function endWhenOrphaned() {
  const parent = process.ppid;
  const heard = new Set();
  let wasTold = false;
  let isOrphan = false;
  const timer = setInterval(() => {
    for (const signal of SIGNALS) {
      // To listen takes a signal's usual effect away, so we do only where the program does.
      if (heard.has(signal) || process.listenerCount(signal) === 0) continue;
      heard.add(signal);
      process.on(signal, () => {
        wasTold = true;
      });
    }
    if (process.ppid === parent) return;
    // A signal to all of us may be on its way to its listener: decide at the next look.
    if (!isOrphan) {
      isOrphan = true;
      return;
    }
    clearInterval(timer);
    if (!wasTold) process.kill(process.pid, "SIGTERM");
  }, LOOK_EVERY_MS);
  timer.unref();
}
