/** What every worker thread does the same way: answer requests, and say what went wrong. */
import { setPriority } from "node:os";
import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { BackendError } from "../backends/backend-error.ts";
import { NativeGate } from "../backends/native-gate.ts";
import { EngineError } from "../engine/engine-error.ts";
import { UserError } from "../training/user-error.ts";
import type { ThreadReply } from "./messages.ts";
import type { Post } from "./outbox.ts";

const port = parentPort;

/** Every native call of this thread goes through it. */
export const gate = new NativeGate((workerData as { gate: SharedArrayBuffer }).gate);

export const post: Post = (reply: ThreadReply, transfer: readonly ArrayBuffer[] = []) => {
  port?.postMessage(reply, [...transfer]);
};

/** Less than that of the thread that trains, and of the main thread. */
const NICENESS = 10;

/**
 * Training goes first: a thread that measures neither takes a core from it where cores are few, nor is woken on its core, which a
 * scheduler does to share the cache. No core stays idle for it.
 */
export function stepBehindTraining(): void {
  // On Linux 0 is the calling thread; elsewhere it would be the whole process.
  if (process.platform === "linux") setPriority(0, NICENESS);
}

/** Handles requests one after the other; those that come while one is being handled wait. */
export function serveThread<Request>(handle: (request: Request) => Promise<void> | void): void {
  let previous: Promise<void> = Promise.resolve();
  port?.on("message", (request: Request) => {
    previous = previous.then(() => handle(request)).catch(reportFailure);
  });
}

export function reportFailure(cause: unknown): void {
  if (cause instanceof UserError || cause instanceof EngineError || cause instanceof BackendError) {
    post({ kind: "refused", code: cause.code, message: cause.message });
  } else {
    post({
      kind: "broken",
      message: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    });
  }
}

const REPORT_MS = 1000;

/** Calls `report` at most once a second. */
export function everySecond(report: () => void): () => void {
  let reportedMs = performance.now();
  return () => {
    const now = performance.now();
    if (now - reportedMs < REPORT_MS) return;
    reportedMs = now;
    report();
  };
}
