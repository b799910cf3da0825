import type { Random } from "../numerics/random.ts";

/**
 * `count` different indices below `size`, ascending; each subset equally likely (Floyd's method).
 * @throws {RangeError} where there are not that many.
 */
export function drawIndices(random: Random, count: number, size: number): Uint32Array {
  if (count > size) throw new RangeError(`batchSize: expected at most ${size}, got ${count}`);
  const chosen = new Set<number>();
  for (let bound = size - count; bound < size; bound++) {
    const index = random.integer(bound + 1);
    chosen.add(chosen.has(index) ? bound : index);
  }
  return Uint32Array.from(chosen).sort();
}
