import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { createModeLine, endModes, modePublisher, modeTaker } from "../../server/threads/mode-line.ts";

describe("the line that carries top eigenvectors", () => {
  it("gives each asked step its vector, and passes over those nobody asked for", () => {
    const { from, to } = createModeLine();
    const publisher = modePublisher(from);
    for (const step of [0, 1, 2, 4]) publisher.publish(step, Float32Array.of(step));
    endModes(from);
    const taker = modeTaker(to, true);
    expect(taker.take(1)).toEqual(Float32Array.of(1));
    expect(taker.take(4)).toEqual(Float32Array.of(4));
    expect(taker.take(8)).toBeNull();
    from.port.close();
  });

  it("knows how long its taker has waited", () => {
    const { from, to } = createModeLine();
    const taker = modeTaker(to, true);
    const timer = new Worker(
      `const { workerData } = require("node:worker_threads"); const words = new Int32Array(workerData);
       setTimeout(() => { Atomics.store(words, 1, 1); Atomics.notify(words, 0); }, 100);`,
      { eval: true, workerData: to.signal },
    );
    const began = performance.now();
    expect(taker.take(0)).toBeNull();
    const elapsed = performance.now() - began;
    expect(taker.waitedMs).toBeGreaterThan(50);
    expect(taker.waitedMs).toBeLessThanOrEqual(elapsed);
    from.port.close();
    return timer.terminate();
  });

  it("says null for a measurement that failed or was skipped, and keeps the later one for its turn", () => {
    const { from, to } = createModeLine();
    const publisher = modePublisher(from);
    publisher.publish(0, null);
    publisher.publish(4, Float32Array.of(4));
    const taker = modeTaker(to, false);
    expect(taker.take(0)).toBeNull();
    expect(taker.take(2)).toBeNull();
    expect(taker.take(4)).toEqual(Float32Array.of(4));
    from.port.close();
  });
});
