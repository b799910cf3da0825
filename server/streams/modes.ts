/** Top eigenvectors between streams of one thread. */
import type { Modes } from "./define.ts";

/** v₁ of a due step is asked for before the one after the next is measured; one more is kept for safety. */
const KEPT = 4;

/** {@link Modes} where measuring and projecting share a thread: what is asked for has been published, or never will be. */
export function createModes(): Modes {
  const vectors = new Map<number, Float32Array | null>();
  return {
    waitedMs: 0,
    publish(step, vector) {
      vectors.set(step, vector);
      for (const old of vectors.keys()) {
        if (vectors.size <= KEPT) break;
        vectors.delete(old);
      }
    },
    take(step) {
      const vector = vectors.get(step) ?? null;
      for (const old of vectors.keys()) if (old <= step) vectors.delete(old);
      return vector;
    },
  };
}
