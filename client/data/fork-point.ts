/** Where the session on screen can be forked. θ and the optimizer's memory never come here; at which steps they are recorded, the header says. */
import type { SessionHeader } from "../../shared/header.ts";
import { isLogged } from "../../shared/schedule.ts";

/** Continued from θ alone. */
const WITHOUT_MEMORY: readonly unknown[] = ["gd", "sgd"];

/** The newest step up to `step` that a server can train on from; null where there is none. */
export function forkPoint(
  { task, train, optimizer, channels, steps, fork }: SessionHeader,
  step: number,
): number | null {
  // A server starts what is built in: no module, model or data of the user's own.
  if (task === "own" || task === "model" || train.dataset.includes(":")) return null;
  const needed = WITHOUT_MEMORY.includes(optimizer["name"])
    ? ["train/weights"]
    : ["train/weights", "train/state"];
  const logs = channels.flatMap(({ name, cadence }) =>
    needed.includes(name) && cadence.kind === "logged" ? [cadence] : [],
  );
  const first = fork?.step ?? 0;
  if (logs.length < needed.length || step < first) return null;
  let at = step;
  while (at > first && !logs.every(({ every, dense }) => isLogged(at, every, steps, dense))) at--;
  return at;
}
