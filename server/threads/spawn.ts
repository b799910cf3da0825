/** Starts a worker thread from its built file, also when the caller runs from source (under a test runner). */
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

export type ThreadName = "training" | "geometry" | "curvature";

export function spawnThread(name: ThreadName): Worker {
  const here = new URL(import.meta.url);
  const built = here.pathname.endsWith(".ts")
    ? new URL(`../../dist/server/threads/${name}-worker.js`, here)
    : new URL(`./${name}-worker.js`, here);
  // Errors of the world travel as messages; what is left on stderr is a bug and should be seen.
  return new Worker(fileURLToPath(built), { name: `thalweg-${name}` });
}
