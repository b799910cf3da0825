/** Starts a worker thread from its built file, also when the caller runs from source (under a test runner). */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { NativeGate } from "../backends/native-gate.ts";

export type ThreadName = "training" | "geometry" | "curvature";

export interface Spawned {
  readonly worker: Worker;
  /** To be closed before the thread is ended. */
  readonly gate: NativeGate;
}

const gates = new Set<NativeGate>();
process.on("exit", () => {
  for (const gate of gates) gate.closeAtOnce();
});

export function spawnThread(name: ThreadName): Spawned {
  const here = new URL(import.meta.url);
  const built = here.pathname.endsWith(".ts")
    ? new URL(`../../dist/server/threads/${name}-worker.js`, here)
    : new URL(`./${name}-worker.js`, here);
  const gate = new NativeGate();
  // Errors of the world travel as messages; what is left on stderr is a bug and should be seen.
  const worker = new Worker(fileURLToPath(built), {
    name: `thalweg-${name}`,
    workerData: { gate: gate.buffer },
  });
  gates.add(gate);
  worker.once("exit", () => gates.delete(gate));
  return { worker, gate };
}
