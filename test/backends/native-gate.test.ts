import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { NativeGate } from "../../server/backends/native-gate.ts";
import { onnxruntime } from "../engine/every-backend.ts";

const dist = new URL("../../dist/server/", import.meta.url);
const module = (path: string) => JSON.stringify(fileURLToPath(new URL(path, dist)));

test("passes what a call returns and throws, again and again", () => {
  const gate = new NativeGate();
  expect(gate.pass(() => 7)).toBe(7);
  expect(() =>
    gate.pass(() => {
      throw new RangeError("no");
    }),
  ).toThrow("no");
  expect(gate.pass(() => 8)).toBe(8);
});

test.each(["close", "closeAtOnce"] as const)(
  "%s lets the running call end and the next not begin, and the thread can be ended while it waits",
  async (close) => {
    const gate = new NativeGate();
    /** Calls begun, calls over. */
    const counts = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(
      `import(${module("backends/native-gate.js")}).then(({ NativeGate }) => {
        const { buffer, shared } = require("node:worker_threads").workerData;
        const gate = new NativeGate(buffer);
        const counts = new Int32Array(shared);
        for (;;) gate.pass(() => {
          Atomics.add(counts, 0, 1);
          Atomics.notify(counts, 0);
          const until = performance.now() + 20;
          while (performance.now() < until);
          Atomics.add(counts, 1, 1);
        });
      })`,
      { eval: true, workerData: { buffer: gate.buffer, shared: counts.buffer } },
    );
    while (Atomics.load(counts, 0) < 2) await Atomics.waitAsync(counts, 0, Atomics.load(counts, 0)).value;
    await gate[close]();
    const [begun, over] = counts;
    expect(over).toBe(begun);
    await gate.close();
    await worker.terminate();
    expect([...counts]).toEqual([begun, over]);
  },
);

/** Without the gate the process aborts at the first of these. */
test.skipIf(onnxruntime === null)("a thread is ended in the middle of onnxruntime's work", async () => {
  for (let round = 0; round < 4; round++) {
    const gate = new NativeGate();
    const worker = new Worker(
      `Promise.all([
        import(${module("backends/native-gate.js")}),
        import(${module("backends/onnx/runtime.js")}),
      ]).then(([{ NativeGate }, { loadRuntime }]) => {
        const { parentPort, workerData } = require("node:worker_threads");
        const runtime = loadRuntime(new NativeGate(workerData));
        const size = [300, 300];
        const session = runtime.open({
          inputs: [{ name: "a", shape: size }],
          outputs: [{ name: "b", shape: size }],
          constants: [],
          nodes: [{ op: "Gemm", inputs: ["a", "a"], output: "b", attributes: {} }],
        });
        const tensor = () => runtime.tensor(new Float32Array(90_000), size);
        for (let i = 0; ; i++) {
          session.run({ a: tensor() }, { b: tensor() });
          if (i === 10) parentPort.postMessage("running");
        }
      })`,
      { eval: true, workerData: gate.buffer },
    );
    expect((await once(worker, "message"))[0]).toBe("running");
    await gate.close();
    expect(await worker.terminate()).toBe(1);
  }
});
