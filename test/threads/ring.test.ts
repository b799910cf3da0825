import { Worker } from "node:worker_threads";
import { lastValueFrom, map, take, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { abandonRing, createRing, RingWriter, ringSlots, ringSteps } from "../../server/threads/ring.ts";
import type { Step } from "../../server/training/run.ts";

function stepAt(step: number, overrides: Partial<Step> = {}): Step {
  const theta = Float32Array.of(step, step + 0.5, -step);
  return {
    step,
    lastStep: 99,
    theta,
    previousTheta: null,
    update: step === 0 ? null : { loss: step / 3, gradientNorm: 1, updateNorm: 2, learningRate: 0.1 },
    learningRate: 0.25,
    probeLosses: null,
    demanded: null,
    retain: () => theta.slice(),
    preconditioner: () => null,
    captureState: () => new Uint8Array(),
    ...overrides,
  };
}

function ring(slots: number, readers = 1) {
  return createRing({ slots, parameterCount: 3, lossCount: 2, readers, carries: [] });
}

describe("the ring", () => {
  it("hands every step over as it was, losses, update and all", async () => {
    const buffers = ring(8);
    const writer = new RingWriter(buffers);
    writer.push(stepAt(0));
    writer.push(stepAt(1, { probeLosses: Float32Array.of(7, 8), demanded: 3 }));
    writer.close();
    const seen = await lastValueFrom(
      ringSteps(buffers, 0).pipe(
        map(({ step, theta, update, probeLosses, demanded, learningRate }) => ({
          step,
          theta: [...theta],
          update,
          losses: probeLosses && [...probeLosses],
          demanded,
          learningRate,
        })),
        toArray(),
      ),
    );
    expect(seen).toEqual([
      { step: 0, theta: [0, 0.5, -0], update: null, losses: null, demanded: null, learningRate: 0.25 },
      {
        step: 1,
        theta: [1, 1.5, -1],
        update: { loss: 1 / 3, gradientNorm: 1, updateNorm: 2, learningRate: 0.1 },
        losses: [7, 8],
        demanded: 3,
        learningRate: 0.25,
      },
    ]);
  });

  it("carries θ_{t−1} and P where it was made for them, and neither where not", async () => {
    const step = stepAt(1, {
      previousTheta: Float32Array.of(4, 5, 6),
      preconditioner: () => Float32Array.of(7, 8, 9),
    });
    const through = async (carries: readonly ("previousTheta" | "preconditioner")[], pushed: Step) => {
      const buffers = createRing({ slots: 2, parameterCount: 3, lossCount: 0, readers: 1, carries });
      const writer = new RingWriter(buffers);
      writer.push(pushed);
      writer.close();
      return lastValueFrom(
        ringSteps(buffers, 0).pipe(
          map(({ previousTheta, preconditioner }) => [
            previousTheta && [...previousTheta],
            preconditioner()?.join() ?? null,
          ]),
        ),
      );
    };
    expect(await through(["previousTheta", "preconditioner"], step)).toEqual([[4, 5, 6], "7,8,9"]);
    expect(await through(["preconditioner"], step)).toEqual([null, "7,8,9"]);
    expect(await through([], step)).toEqual([null, null]);
    expect(await through(["previousTheta", "preconditioner"], stepAt(0))).toEqual([null, null]);
  });

  it("has no room once the slowest reader is a whole ring behind", async () => {
    const buffers = ring(2, 2);
    const writer = new RingWriter(buffers);
    writer.push(stepAt(0));
    expect(writer.hasRoom()).toBe(true);
    writer.push(stepAt(1));
    expect(writer.hasRoom()).toBe(false);
    await lastValueFrom(ringSteps(buffers, 0).pipe(take(2)));
    expect(writer.hasRoom(), "the other reader has read nothing").toBe(false);
    await lastValueFrom(ringSteps(buffers, 1).pipe(take(2)));
    // take() unsubscribes inside the second `next`: its slot is given back when that returns.
    expect(writer.hasRoom()).toBe(true);
  });

  it("gives a slot back only after next has returned, so that θ holds still while it is measured", async () => {
    const buffers = ring(1);
    const writer = new RingWriter(buffers);
    writer.push(stepAt(5));
    const roomDuringNext: boolean[] = [];
    const read = lastValueFrom(
      ringSteps(buffers, 0).pipe(
        map(() => {
          roomDuringNext.push(writer.hasRoom());
        }),
      ),
    );
    writer.close();
    await read;
    expect(roomDuringNext).toEqual([false]);
    expect(writer.hasRoom()).toBe(true);
  });

  it("ends a writer that waits when it is abandoned", () => {
    const buffers = ring(1);
    const writer = new RingWriter(buffers);
    writer.push(stepAt(0));
    abandonRing(buffers);
    expect(writer.push(stepAt(1))).toBe(false);
  });

  it("carries 5,000 steps between two threads without losing or tearing one", async () => {
    const buffers = ring(4);
    const count = 5000;
    // A writer on a thread of its own, in plain JavaScript against the documented layout: control words, then slots.
    const source = `
      const { workerData: { ring, count } } = require("node:worker_threads");
      const control = new Int32Array(ring.control), meta = new Float64Array(ring.meta), theta = new Float32Array(ring.theta);
      for (let step = 0; step < count; step++) {
        for (;;) {
          const progress = Atomics.load(control, 3);
          if (step - Atomics.load(control, 4) < ring.slots) break;
          Atomics.wait(control, 3, progress, 50);
        }
        const slot = step % ring.slots;
        theta.fill(step, slot * ring.parameterCount, (slot + 1) * ring.parameterCount);
        meta[slot * 12] = step;
        Atomics.store(control, 0, step + 1);
        Atomics.notify(control, 0);
      }
      Atomics.store(control, 1, 1);
      Atomics.notify(control, 0);`;
    const worker = new Worker(source, { eval: true, workerData: { ring: buffers, count } });
    const wrong: number[] = [];
    let expected = 0;
    await lastValueFrom(
      ringSteps(buffers, 0).pipe(
        map(({ step, theta }) => {
          if (step !== expected || theta.some((value) => value !== expected)) wrong.push(step);
          expected++;
        }),
      ),
    );
    await worker.terminate();
    expect(wrong).toEqual([]);
    expect(expected).toBe(count);
  });

  it("takes 64 slots, or as many as fit into 64 MiB, and at least 4", () => {
    expect(ringSlots(79_510)).toBe(64);
    expect(ringSlots(1_000_000)).toBe(16);
    expect(ringSlots(1e9)).toBe(4);
  });
});
