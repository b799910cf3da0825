import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRunningDrawUp, drawUp } from "../../server/numerics/monotonicity.ts";

/** The definition, read literally: O(n²). */
function bruteForce(values: readonly number[]): number {
  let largest = 0;
  values.forEach((later, j) => {
    for (const earlier of values.slice(0, j)) largest = Math.max(largest, later - earlier);
  });
  return largest;
}

describe("drawUp", () => {
  test.each([
    [[3, 1, 2], { drawUp: 1, from: 1, to: 2 }],
    [[3, 2, 1], { drawUp: 0, from: 0, to: 0 }],
    [[1, 1, 1], { drawUp: 0, from: 0, to: 0 }],
    [[5], { drawUp: 0, from: 0, to: 0 }],
    [[5, 3, 6, 1, 2], { drawUp: 3, from: 1, to: 2 }],
    [[1, 0, 1, 0, 1], { drawUp: 1, from: 1, to: 2 }],
    [[2, 1, Number.POSITIVE_INFINITY], { drawUp: Number.POSITIVE_INFINITY, from: 1, to: 2 }],
    [[Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 1], { drawUp: 0, from: 0, to: 0 }],
    [[2, Number.NaN, 1], { drawUp: Number.NaN, from: 1, to: 1 }],
  ])("of %j", (values, expected) => {
    expect(drawUp(values)).toEqual(expected);
  });

  test("is the largest rise over all pairs, and its indices name such a pair", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 40 }), (values) => {
        const found = drawUp(values);
        expect(found.drawUp).toBe(bruteForce(values));
        expect(found.from).toBeLessThanOrEqual(found.to);
        expect((values[found.to] as number) - (values[found.from] as number)).toBe(found.drawUp);
      }),
    );
  });

  test("does not notice a shift, and grows with the scale", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1 }),
        fc.integer({ min: 0, max: 9 }),
        (values, c) => {
          expect(drawUp(values.map((value) => c * value + 7)).drawUp).toBe(c * drawUp(values).drawUp);
        },
      ),
    );
  });

  test("refuses an empty list", () => {
    expect(() => drawUp([])).toThrow("values: expected at least one, got none");
  });
});

describe("createRunningDrawUp", () => {
  test("says at each value what drawUp says of the list so far", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 40 }), (values) => {
        const running = createRunningDrawUp();
        values.forEach((value, i) => {
          running.push(value);
          const past = values.slice(0, i + 1);
          expect(running.largest).toEqual(drawUp(past));
          expect(running.minimum).toBe(Math.min(...past));
          expect(running.minimumAt).toBe(past.indexOf(Math.min(...past)));
          expect(running.excess).toBe(value - Math.min(...past));
          expect(running.ups).toBe(past.filter((now, j) => j > 0 && now > (past[j - 1] as number)).length);
          expect(running.count).toBe(i + 1);
        });
      }),
    );
  });

  test("counts as risen only what rises by more than a share of the first value", () => {
    const running = createRunningDrawUp(0.25);
    for (const value of [-8, -10, -8, -5.5, -6, -3.5, 100]) running.push(value);
    // By 2, 2.5, 2.5 and 103.5; a quarter of 8 is 2.
    expect(running.ups).toBe(3);
    expect(running.first).toBe(-8);
    expect(running.largest).toEqual({ drawUp: 110, from: 1, to: 6 });
  });

  test("stays NaN after a NaN: what happened there is not known", () => {
    const running = createRunningDrawUp();
    for (const value of [3, Number.NaN, 1, 9]) running.push(value);
    expect(running.largest).toEqual({ drawUp: Number.NaN, from: 1, to: 1 });
    expect(running.minimum).toBeNaN();
    expect(running.excess).toBeNaN();
    expect(running.ups).toBe(1);
  });
});
