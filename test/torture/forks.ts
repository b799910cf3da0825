/** Small runs, each forked at a random step and trained on beside itself. */
import { forkOnce } from "../support/forked-run.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { withFolder } from "./victim.ts";

export const forks: Check = {
  name: "training/forks",
  unit: "forks",
  fast: 10,
  full: 100,
  must: "θ of every later step, bit for bit",
  run: (count, seed) => withFolder((folder) => run(folder, count, seed)),
};

/** Optimizers in turn; schedule, batches, batch-norm, intervals and the step by chance, all of it from `seed`. */
async function run(folder: string, count: number, seed: number): Promise<Outcome> {
  const failures = new Failures();
  let compared = 0;
  for (let i = 0; i < count; i++) {
    const fork = await forkOnce(1000 * seed + i, folder);
    compared += fork.compared;
    if (fork.differs !== null) failures.add(`${fork.what}: ${fork.differs}`);
  }
  return { count, failures: failures.sentences, figures: { "θ compared": compared } };
}
