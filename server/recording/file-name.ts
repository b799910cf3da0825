/** What the file of a session is called. */
import type { SessionHeader } from "../../shared/header.ts";

/** Sorts by time; the id keeps two runs of one second apart. */
export function recordingFileName({ startedAtMs, name, id }: SessionHeader): string {
  const at = new Date(startedAtMs).toISOString().slice(0, 19).replaceAll(":", "-");
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "")
    .slice(0, 40);
  return `${at}-${slug || "run"}-${id.slice(0, 8)}.mcap`;
}
