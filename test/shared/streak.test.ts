import fc from "fast-check";
import { expect, test } from "vitest";
import { createStreak, type Stretch } from "../../shared/verdicts/streak.ts";

const EVERY = 3;

/** The first of the longest runs of true, and what is noted in it: read literally, with all in hand. */
function longestRun(counts: readonly boolean[], noted: readonly number[]) {
  let longest: Stretch | null = null;
  for (let from = 0; from < counts.length; from++) {
    const end = counts.findIndex((each, i) => i >= from && !each);
    const count = (end < 0 ? counts.length : end) - from;
    if (count <= (longest?.count ?? 0)) continue;
    const [first, last] = [EVERY * from, EVERY * (from + count - 1)];
    const within = noted.filter((step) => first <= step && step <= last);
    longest = { from: first, to: last, count, noted: within.length, firstNoted: within[0] ?? null };
  }
  return longest;
}

test("what is noted counts in the stretch that it falls in, before or after the measurements around it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 12 }),
      fc.uniqueArray(fc.nat(40), { maxLength: 20 }),
      fc.infiniteStream(fc.boolean()),
      (counts, steps, notesNext) => {
        const noted = steps.sort((a, b) => a - b);
        const streak = createStreak();
        let [measured, told] = [0, 0];
        while (measured < counts.length || told < noted.length) {
          const tells = told < noted.length && (measured === counts.length || notesNext.next().value);
          if (tells) streak.note(noted[told++] as number);
          else streak.push(EVERY * measured, counts[measured++] as boolean);
        }
        expect(streak.longest).toEqual(longestRun(counts, noted));
      },
    ),
  );
});
