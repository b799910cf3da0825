/** The encoded θ since each channel's last keyframe: what a segment needs to be decoded when those before it are gone. */
import type { Chunk, StoredWeights } from "../recording/chunk-builder.ts";

/** Encoded θ, by seq. */
export type Carried = ReadonlyMap<number, Uint8Array>;

export class KeyframeGroups {
  readonly #groups = new Map<number, Map<number, Uint8Array>>();

  /** @param bytes  the chunk's. */
  add({ channel, seq, isKeyframe, start, end }: StoredWeights, bytes: Buffer): void {
    const group = (isKeyframe ? undefined : this.#groups.get(channel)) ?? new Map<number, Uint8Array>();
    group.set(seq, Uint8Array.from(bytes.subarray(start, end)));
    this.#groups.set(channel, group);
  }

  /** What a segment that begins with this chunk needs. */
  carriedInto(chunk: Chunk): Carried {
    const carried = new Map<number, Uint8Array>();
    for (const [channel, group] of this.#groups) {
      const next = chunk.weights.find((weights) => weights.channel === channel);
      if (next?.isKeyframe === true) continue;
      for (const [seq, bytes] of group) carried.set(seq, bytes);
    }
    return carried;
  }

  clear(): void {
    this.#groups.clear();
  }
}
