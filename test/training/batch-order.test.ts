import { expect, it } from "vitest";
import { createBatchOrder } from "../../server/training/batch-order.ts";

const batches = (seed: number, from: number, to: number) => {
  const order = createBatchOrder(10, 4, seed);
  return Array.from({ length: to - from }, (_, i) => [...order.batch(from + i)]);
};

it("shows every example once an epoch, the rest in a smaller last batch", () => {
  const [first, second, third] = batches(0, 0, 3);
  expect([first?.length, second?.length, third?.length]).toEqual([4, 4, 2]);
  expect([first, second, third].flatMap((each) => each ?? []).sort((a, b) => a - b)).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
  ]);
});

it("shuffles every epoch anew", () => {
  const all = batches(0, 0, 6);
  expect(all.slice(3).flat()).not.toEqual(all.slice(0, 3).flat());
});

it("is a function of seed and step alone", () => {
  expect(batches(5, 7, 8)).toEqual(batches(5, 0, 9).slice(7, 8));
  expect(batches(5, 0, 3)).not.toEqual(batches(6, 0, 3));
});
