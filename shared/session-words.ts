/** What became of a session, as it stands in sentences, on the server and in the dashboard. */
import type { ForkOrigin, SessionSummary } from "./header.ts";
import { whole } from "./number-words.ts";

/** Why it ended, or how it stands; that a run was stopped after its last step is no word about its training. */
export function standing({
  state,
  reason,
  step,
  steps,
}: Pick<SessionSummary, "state" | "reason" | "step" | "steps">): string {
  return reason === "stopped" && step >= steps ? "measuring stopped" : (reason ?? state);
}

/** "learning rate 0.1 in place of 0.2, …"; "" where nothing was changed. */
export function changesInWords({ changed }: ForkOrigin): string {
  return Object.entries(changed)
    .map(([key, { from, to }]) => `${TERMS[key] ?? spelledOut(key)} ${value(to)} in place of ${value(from)}`)
    .join(", ");
}

/** Settings whose name is not the words themselves. */
const TERMS: Readonly<Record<string, string>> = { lrSchedule: "learning rate schedule" };

/** "weightDecay" → "weight decay". */
function spelledOut(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function value(of: unknown): string {
  if (of === null) return "none";
  return typeof of === "number" && Number.isInteger(of) ? whole(of) : String(of);
}
