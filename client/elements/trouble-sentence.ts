/** What a disk that takes nothing means for who is watching. */
import type { SessionState } from "../../shared/header.ts";
import type { Trouble } from "../../shared/protocol.ts";

export function troubleSentence({ message, isKept }: Trouble, state: SessionState): string {
  if (state === "ended") return `${message}.`;
  return isKept
    ? `${message}. Training waits for the disk; nothing is lost so far.`
    : `${message}. Training goes on without being recorded; the recording will have a gap.`;
}
