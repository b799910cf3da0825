/** One channel of a session, read to its end. */

import type { Session } from "../server/session/session.ts";
import { decodeValue, type Json } from "../shared/value.ts";

export interface Sampled<V> {
  readonly step: number;
  readonly wallTimeMs: number;
  readonly value: V;
}

export async function samples<V>(session: Session, name: string): Promise<Sampled<V>[]> {
  const channel = session.header.channels.findIndex((descriptor) => descriptor.name === name);
  const cursor = session.cursor({ channels: new Set([channel]), from: 0 });
  const found: Sampled<V>[] = [];
  while (cursor.position <= session.status.headSeq) {
    for (const { step, wallTimeMs, json } of await cursor.read({ maxEvents: 2000, maxBytes: 2 ** 22 })) {
      found.push({ step, wallTimeMs, value: decodeValue(JSON.parse(json ?? "null") as Json) as V });
    }
  }
  cursor.close();
  return found;
}
