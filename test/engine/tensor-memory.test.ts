/** wasm's memory ends without a word; ours does not. */
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, expect, test } from "vitest";
import { createObjective } from "../../server/engine/compiled-objective.ts";
import { EngineError } from "../../server/engine/engine-error.ts";
import { boundMemory } from "../../server/engine/tensor-memory.ts";
import { makeCase } from "./make-case.ts";

beforeAll(async () => {
  expect(await tf.setBackend("wasm")).toBe(true);
});
afterEach(() => boundMemory());

/** Passes over 400 examples and 300 units take some MiB each. */
const large = () => makeCase([5, 300, 3], "tanh", "mse", 400);

test("a probe that is too big for it is refused in one sentence, and nothing is lost", () => {
  const { theta, objective } = large();
  const on = objective(createObjective);
  const v = theta.map((_, i) => Math.sin(i));
  const linearised = on.linearise(theta);
  const [gradient, hv] = [on.gradient(theta).gradient, linearised.hessianVectorProduct(v)];
  const before = tf.memory();
  boundMemory(before.numBytes + 2 ** 20);
  for (const attempt of [
    () => on.gradient(theta),
    () => on.linearise(theta),
    () => linearised.hessianVectorProduct(v),
  ]) {
    expect(attempt).toThrow(EngineError);
    expect(attempt).toThrow(
      /^tensors would take \d+ MiB of wasm's memory, expected at most \d+; use a smaller/,
    );
  }
  expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  boundMemory();
  expect(on.gradient(theta).gradient).toEqual(gradient);
  expect(linearised.hessianVectorProduct(v)).toEqual(hv);
  linearised.dispose();
  on.dispose();
});

test("data that do not fit are refused before they are copied", () => {
  const before = tf.memory();
  const { objective } = large();
  boundMemory(before.numBytes + 1000);
  expect(() => objective(createObjective)).toThrow(EngineError);
  expect(tf.memory().numBytes).toBeLessThanOrEqual(before.numBytes + 1000);
});

// The last one: the memory is of no use after it.
test("an allocation that fails below the bound is an error too", () => {
  const heap = (tf.backend() as unknown as { wasm: { _malloc(bytes: number): number } }).wasm;
  boundMemory(Number.POSITIVE_INFINITY);
  const taken: number[] = [];
  // 4.5 GiB do not fit into 4; nothing is written there, so that the machine need not have them.
  const takeAll = () => {
    for (let i = 0; i < 3; i++) taken.push(heap._malloc(1.5 * 2 ** 30));
  };
  expect(takeAll).toThrow(EngineError);
  expect(taken).toHaveLength(2);
});
