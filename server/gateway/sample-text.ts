/** Samples as text, from the JSON that the log already holds: nothing is parsed or written anew on the way to a client. */
import type { SessionEvent } from "../session/session.ts";

/** `{"seq":…,"channel":…,"step":…,"wallTimeMs":…,"value":…}`. Channel names need no escapes (shared/stream.ts). */
export function sampleText(event: SessionEvent, channel: string): string {
  return `{"seq":${event.seq},"channel":"${channel}","step":${event.step},"wallTimeMs":${event.wallTimeMs},"value":${event.json}}`;
}
