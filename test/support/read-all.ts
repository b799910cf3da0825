import { createHash } from "node:crypto";
import type { Session, SessionEvent } from "../../server/session/session.ts";

/** Every event that a session holds. */
export async function readAll(session: Session, from = 0): Promise<SessionEvent[]> {
  const channels = new Set(session.header.channels.keys());
  const cursor = session.cursor({ channels, from });
  const events: SessionEvent[] = [];
  while (cursor.position <= session.status.headSeq) {
    events.push(...(await cursor.read({ maxEvents: 1000, maxBytes: 2 ** 20 })));
  }
  cursor.close();
  return events;
}

/** Each event as one line that is equal exactly when the event is, bit by bit: comparing large arrays is slow. */
export function fingerprints(events: readonly SessionEvent[]): string[] {
  return events.map(({ seq, channel, step, wallTimeMs, json, data }) => {
    const value = json ?? `${data?.constructor.name} ${data === undefined ? "" : hashOf(data)}`;
    return `${seq} ${channel} ${step} ${wallTimeMs} ${value}`;
  });
}

function hashOf(data: Float32Array | Uint8Array): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash("sha256").update(bytes).digest("hex");
}
