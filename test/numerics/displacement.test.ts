import { describe, expect, test } from "vitest";
import { Displacement } from "../../server/numerics/displacement.ts";
import { createRandom } from "../../server/numerics/random.ts";

const sum = (from: number, to: number, of: (i: number) => number) => {
  let total = 0;
  for (let i = from; i < to; i++) total += of(i);
  return total;
};

describe("Displacement", () => {
  // Around the lengths at which lanes end, none among them; ranges that leave gaps, and that are out of order.
  test.each([
    [[[0, 1]]],
    [[[0, 4]]],
    [[[0, 5]]],
    [
      [
        [0, 3],
        [3, 3],
        [3, 11],
      ],
    ],
    [
      [
        [9, 4103],
        [1, 8],
      ],
    ],
  ] as [number, number][][][])("adds up what plain loops do, step after step: %j", (pairs) => {
    const ranges = pairs.map(([from, to]) => ({ from, to }));
    const n = Math.max(...ranges.map(({ to }) => to));
    const random = createRandom(n);
    const initial = random.fillNormal(new Float32Array(n));
    const displacement = new Displacement(initial, ranges);
    let previous: Float32Array = initial.slice();
    for (let step = 0; step < 4; step++) {
      const now = random.fillNormal(new Float32Array(n), 10 ** step);
      const found = displacement.move(now);
      const at = (a: Float32Array, i: number) => a[i] as number;
      for (const [r, { from, to }] of ranges.entries()) {
        const exact = {
          displaced: sum(from, to, (i) => (at(now, i) - at(initial, i)) ** 2),
          squares: sum(from, to, (i) => at(now, i) ** 2),
          product: sum(from, to, (i) => at(now, i) * at(initial, i)),
          moved: sum(from, to, (i) => (at(now, i) - at(previous, i)) ** 2),
        };
        const scale = sum(from, to, (i) => at(now, i) ** 2 + at(initial, i) ** 2 + at(previous, i) ** 2);
        for (const [name, value] of Object.entries(exact))
          expect(
            Math.abs(value - (found[r]?.[name as keyof typeof exact] as number)),
            name,
          ).toBeLessThanOrEqual(1e-13 * scale);
      }
      previous = now;
    }
  });

  test("begins where it was, and says so of what is not finite", () => {
    const initial = Float32Array.of(3, 4, 0, 0, 0);
    const displacement = new Displacement(initial, [
      { from: 0, to: 2 },
      { from: 2, to: 5 },
    ]);
    expect(displacement.move(initial)).toEqual([
      { displaced: 0, squares: 25, product: 25, moved: 0 },
      { displaced: 0, squares: 0, product: 0, moved: 0 },
    ]);
    const [first, second] = displacement.move(Float32Array.of(Number.NaN, 4, 0, 1, 0));
    expect(first).toEqual({ displaced: NaN, squares: NaN, product: NaN, moved: NaN });
    expect(second).toEqual({ displaced: 1, squares: 1, product: 0, moved: 1 });
  });
});
