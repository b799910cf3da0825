/**
 * Whoever writes a recording touches it now and then, also while there is nothing to write: so that others, in another process or on
 * another machine, can tell that it is not theirs to delete.
 */
import { stat, utimes } from "node:fs/promises";
import type { EndReason } from "../../shared/header.ts";

const BEAT_MS = 3_000;
/** After so long without a beat, whoever wrote it is gone. */
export const SILENT_MS = 15_000;

/** @param path  the first part. Returns what ends it. */
export function beat(path: string): () => void {
  const timer = setInterval(() => {
    const now = new Date();
    // A disk that does not even take this is told of by what is written to it.
    utimes(path, now, now).catch(() => undefined);
  }, BEAT_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * May somebody be writing this recording?
 *
 * @param path  the first part.
 * @param reason  why its session ended, as the files say: `interrupted` where they do not.
 */
export async function mayBeWritten(path: string, reason: EndReason | null): Promise<boolean> {
  if (reason !== "interrupted") return false;
  const found = await stat(path).catch(() => null);
  return found !== null && Math.abs(Date.now() - found.mtimeMs) < SILENT_MS;
}
