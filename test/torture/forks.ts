/** Small runs, each forked at a random step and trained on beside itself: a check of `npm run torture`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forkOnce } from "../support/forked-run.ts";

export const forks = {
  name: "forks",
  unit: "forks",
  fast: 10,
  full: 100,
  must: "θ of every later step, bit for bit",
  /** Optimizers in turn; schedule, batches, batch-norm, intervals and the step by chance, all of it from `seed`. */
  async run(count: number, seed: number) {
    const folder = await mkdtemp(join(tmpdir(), "thalweg-forks-"));
    const failures: string[] = [];
    let steps = 0;
    try {
      for (let i = 0; i < count; i++) {
        const { what, differs, compared } = await forkOnce(1000 * seed + i, folder);
        steps += compared;
        if (differs !== null) failures.push(`${what}: ${differs}`);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return { count, failures, figures: { "θ compared": steps } };
  },
};
