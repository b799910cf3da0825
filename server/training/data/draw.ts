/** Which examples: random choices that keep the classes in proportion. */
import type { Random } from "../../numerics/random.ts";

/**
 * Disjoint random sets of example indices, each sorted.
 *
 * Within each class examples are shuffled; classes are then interleaved, evenly ("balanced": as many of each class as it has),
 * or in proportion to their frequencies ("proportional": the mean over such a set estimates the population's).
 *
 * @param labels  class of each example, [n].
 * @param sizes  of the sets; their sum is at most n.
 * @returns one sorted list of indices for each size. Equal generators give equal sets.
 * @throws {RangeError} when the sizes exceed n.
 */
export function drawStratified(
  labels: ArrayLike<number>,
  sizes: readonly number[],
  weighting: "balanced" | "proportional",
  random: Random,
): Uint32Array[] {
  const wanted = sizes.reduce((sum, size) => sum + size, 0);
  if (wanted > labels.length) {
    throw new RangeError(`sizes: expected at most ${labels.length} examples in all, got ${wanted}`);
  }
  const dealt = interleaved(membersByClass(labels, random), weighting);
  let from = 0;
  return sizes.map((size) => {
    from += size;
    return dealt.slice(from - size, from).sort();
  });
}

function membersByClass(labels: ArrayLike<number>, random: Random): Uint32Array[] {
  const members: number[][] = [];
  for (let i = 0; i < labels.length; i += 1) {
    const label = labels[i] as number;
    members[label] ??= [];
    members[label].push(i);
  }
  return Array.from(members, (each) => random.shuffle(Uint32Array.from(each ?? [])));
}

/** The j-th of a class comes at time j (balanced), or at (j + ½)/(size of the class) (proportional); ties in order of class. */
function interleaved(classes: readonly Uint32Array[], weighting: "balanced" | "proportional"): Uint32Array {
  const turns = classes.flatMap((members) =>
    Array.from(members, (example, j) => ({
      example,
      at: weighting === "balanced" ? j : (j + 0.5) / members.length,
    })),
  );
  turns.sort((a, b) => a.at - b.at); // stable: ties stay in order of class
  return Uint32Array.from(turns, (turn) => turn.example);
}
