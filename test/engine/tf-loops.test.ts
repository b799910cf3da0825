import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { tfOps as ops } from "../../server/engine/tf-ops.ts";
import { createRandom } from "../../server/numerics/random.ts";

// Silences tfjs's advice to install another backend.
tf.enableProdMode();

const numbers = (a: tf.Tensor) => [...a.dataSync()];
const matrix = (values: number[], shape: number[]) => ops.constant(Float32Array.from(values), shape);
const product = (a: tf.Tensor, b: tf.Tensor) =>
  numbers(a).reduce((sum, value, i) => sum + value * (numbers(b)[i] as number), 0);

describe.each(["wasm", "cpu"])("on %s", (backend) => {
  beforeAll(async () => {
    expect(await tf.setBackend(backend)).toBe(true);
  });

  test("the first maximum of a window is found with its place, below 0, among equals and at an edge", () => {
    const by = { size: 4, sources: Int32Array.of(0, 1, 2, -1, 3, 3, 2, 1) };
    const a = matrix([-4, -3, -2, -1, 5, 5, 1, 5, 0, 0, 0, 0], [3, 2, 2]);
    const { value, at } = ops.firstMaximum(a, by, 2);
    expect(numbers(value)).toEqual([-3, -2, -1, -2, 5, 1, 5, 5, 0, 0, 0, 0]);
    expect(numbers(at)).toEqual([1, 2, 3, 2, 0, 2, 3, 1, 0, 2, 3, 2]);
    expect(numbers(ops.pick(a, at))).toEqual(numbers(value));
    const y = matrix([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [3, 4]);
    expect(numbers(ops.place(y, at, 4))).toEqual([0, 1, 6, 3, 5, 8, 6, 7, 9, 0, 22, 11]);
  });

  test("a NaN is the maximum of its window", () => {
    const by = { size: 3, sources: Int32Array.of(0, 1, 2) };
    const { value, at } = ops.firstMaximum(matrix([1, Number.NaN, 3, Number.NaN, 2, 1], [2, 3]), by, 3);
    expect(numbers(value)).toEqual([Number.NaN, Number.NaN]);
    expect(numbers(at)).toEqual([1, 0]);
  });

  test("products and sums of many terms are as exact as their result can be", () => {
    const random = createRandom(8);
    const count = 100_000;
    // All positive: a sum in float32 without a break would lose 3e-6 of itself and more.
    const x = Float32Array.from({ length: count * 3 }, () => random.uniform());
    const y = Float32Array.from({ length: count * 2 }, () => random.uniform());
    const close = (found: tf.Tensor, exact: number[]) => {
      const largest = Math.max(...exact.map(Math.abs));
      numbers(found).forEach((value, i) => {
        expect(Math.abs(value - (exact[i] as number))).toBeLessThan(4e-7 * largest);
      });
    };
    const exact = Array.from({ length: 6 }, (_, at) => {
      let sum = 0;
      for (let i = 0; i < count; i++)
        sum += (x[3 * i + Math.floor(at / 2)] as number) * (y[2 * i + (at % 2)] as number);
      return sum;
    });
    const rows = ops.constant(x, [count, 3]);
    const rowsT = ops.transpose(rows);
    expect(rowsT.shape).toEqual([3, count]);
    close(ops.matMul(rowsT, ops.constant(y, [count, 2])), exact);
    const sums = [0, 1, 2].map((j) => x.reduce((sum, value, i) => sum + (i % 3 === j ? value : 0), 0));
    expect(numbers(ops.sumOverRows(rows))).toEqual(sums.map(Math.fround));
  });

  test("rearranges every example alike, in runs or one by one", () => {
    const by = { size: 3, sources: Int32Array.of(2, -1, 0, 2) };
    const a = matrix([1, 2, 3, 4, 5, 6], [2, 1, 3]);
    expect(numbers(ops.rearrange(a, by))).toEqual([3, 0, 1, 3, 6, 0, 4, 6]);
    const back = ops.rearrangeBack(matrix([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]), by);
    expect(back.shape).toEqual([2, 3]);
    expect(numbers(back)).toEqual([3, 0, 5, 7, 0, 13]);
    const inRuns = { size: 5, sources: Int32Array.of(1, 2, 3, 4, -1, -1, -1, -1, 0, 1, 2, 3) };
    const row = matrix([1, 2, 3, 4, 5], [1, 5]);
    expect(numbers(ops.rearrange(row, inRuns))).toEqual([2, 3, 4, 5, 0, 0, 0, 0, 1, 2, 3, 4]);
    const ones = matrix(new Array(12).fill(1), [1, 12]);
    expect(numbers(ops.rearrangeBack(ones, inRuns))).toEqual([1, 2, 2, 2, 1]);
  });

  test("⟨rearrange x, y⟩ = ⟨x, rearrangeBack y⟩, and the same for rows", () => {
    const random = createRandom(3);
    const draw = (...shape: number[]) =>
      ops.constant(random.fillNormal(new Float32Array(shape.reduce((a, b) => a * b))), shape);
    const by = { size: 6, sources: Int32Array.from({ length: 11 }, () => random.integer(7) - 1) };
    const [x, y] = [draw(4, 6), draw(4, 11)];
    expect(product(ops.rearrange(x, by), y)).toBeCloseTo(product(x, ops.rearrangeBack(y, by)), 4);
    const rows = matrix(
      Array.from({ length: 9 }, () => random.integer(5)),
      [3, 3],
    );
    const [table, bar] = [draw(5, 2), draw(9, 2)];
    expect(product(ops.takeRows(table, rows), bar)).toBeCloseTo(
      product(table, ops.addIntoRows(bar, rows, 5)),
      4,
    );
  });

  test.each([-1, 5, Number.NaN])("refuses to take row %s of five", (row) => {
    expect(() => ops.takeRows(matrix([1, 2, 3, 4, 5], [5, 1]), matrix([0, row], [1, 2]))).toThrow(
      `expected numbers from 0 to 4 before an embedding, got ${row}`,
    );
  });
});
