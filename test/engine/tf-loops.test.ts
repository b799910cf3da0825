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

  test("the first maximum of a row is its value and its place, below 0 and among equals too", () => {
    const { value, mask } = ops.firstMaximum(
      matrix([-4, -3, -2, -1, -1, 0, -2, -3, 5, 5, 1, 5, 0, 0, 0, 0], [4, 4]),
    );
    expect(numbers(value)).toEqual([-1, 0, 5, 0]);
    expect(numbers(mask)).toEqual([0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
  });

  test("a NaN is the maximum of its row", () => {
    const { value, mask } = ops.firstMaximum(matrix([1, Number.NaN, 3, Number.NaN, 2, 1], [2, 3]));
    expect(numbers(value)).toEqual([Number.NaN, Number.NaN]);
    expect(numbers(mask)).toEqual([0, 1, 0, 1, 0, 0]);
  });

  test("rearranges every example alike, and fills what has no source", () => {
    const by = { size: 3, sources: Int32Array.of(2, -1, 0, 2) };
    const a = matrix([1, 2, 3, 4, 5, 6], [2, 1, 3]);
    expect(numbers(ops.rearrange(a, by))).toEqual([3, 0, 1, 3, 6, 0, 4, 6]);
    expect(numbers(ops.rearrange(a, by, -7))).toEqual([3, -7, 1, 3, 6, -7, 4, 6]);
    const back = ops.rearrangeBack(matrix([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]), by);
    expect(back.shape).toEqual([2, 3]);
    expect(numbers(back)).toEqual([3, 0, 5, 7, 0, 13]);
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
