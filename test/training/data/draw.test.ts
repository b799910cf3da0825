import { array, assert, integer, property } from "fast-check";
import { expect, it } from "vitest";
import { createRandom } from "../../../server/numerics/random.ts";
import { drawStratified } from "../../../server/training/data/draw.ts";

const labels = array(integer({ min: 0, max: 4 }), { minLength: 10, maxLength: 200 });

function classCounts(of: ArrayLike<number>, indices: Iterable<number>): number[] {
  const counts = [0, 0, 0, 0, 0];
  for (const index of indices) counts[of[index] as number] = (counts[of[index] as number] ?? 0) + 1;
  return counts;
}

it("draws sorted, disjoint sets of the sizes asked for", async () => {
  await assert(
    property(labels, integer(), (of, seed) => {
      const [first, second] = drawStratified(of, [3, 5], "proportional", createRandom(seed));
      const all = new Set([...(first ?? []), ...(second ?? [])]);
      expect([first?.length, second?.length, all.size]).toEqual([3, 5, 8]);
      expect([...(first ?? [])]).toEqual([...(first ?? [])].sort((a, b) => a - b));
    }),
  );
});

it("gives each class its share, to within the rounding of five classes, when proportional", async () => {
  await assert(
    property(labels, integer(), (of, seed) => {
      const size = Math.floor(of.length / 2);
      const [drawn] = drawStratified(of, [size], "proportional", createRandom(seed));
      const whole = classCounts(of, of.keys());
      classCounts(of, drawn ?? []).forEach((count, label) => {
        expect(Math.abs(count - ((whole[label] ?? 0) * size) / of.length)).toBeLessThanOrEqual(0.5 + 5 / 2);
      });
    }),
  );
});

it("gives classes equal counts when balanced, as far as they go", () => {
  const of = [...new Array(90).fill(0), ...new Array(9).fill(1), 2];
  const [drawn] = drawStratified(of, [30], "balanced", createRandom(1));
  expect(classCounts(of, drawn ?? [])).toEqual([20, 9, 1, 0, 0]);
});

it("depends on the seed alone", () => {
  const of = Array.from({ length: 100 }, (_, i) => i % 5);
  const draw = (seed: number) => [...(drawStratified(of, [20], "balanced", createRandom(seed))[0] ?? [])];
  expect(draw(3)).toEqual(draw(3));
  expect(draw(3)).not.toEqual(draw(4));
});

it("refuses more examples than there are", () => {
  expect(() => drawStratified([0, 1], [2, 1], "balanced", createRandom(0))).toThrow(
    "sizes: expected at most 2 examples in all, got 3",
  );
});
