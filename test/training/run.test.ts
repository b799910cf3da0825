/** The built-in tasks with the real engine, on both backends that are always there. */
import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, describe, expect, it } from "vitest";
import type { RunSettings } from "../../server/training/config.ts";
import { readMnist } from "../../server/training/data/mnist.ts";
import { train } from "../../server/training/from-settings.ts";
import type { Training } from "../../server/training/run.ts";
import { SessionHeader } from "../../shared/header.ts";

const open: Training[] = [];
afterEach(() => {
  for (const training of open.splice(0)) training.dispose();
});

async function opened(settings: RunSettings): Promise<Training> {
  const training = await train(settings);
  open.push(training);
  return training;
}

function thetas(training: Training, steps: number): Promise<string> {
  const hash = createHash("sha256");
  return new Promise((resolve, reject) => {
    const subscription = training.steps$.subscribe({
      next: ({ step, theta }) => {
        hash.update(new Uint8Array(theta.buffer.slice(0), theta.byteOffset, theta.byteLength));
        if (step < steps) return;
        subscription.unsubscribe();
        resolve(hash.digest("hex"));
      },
      error: reject,
    });
  });
}

const smallDigits = { trainSize: 60, hidden: [12], backend: "wasm" } as const satisfies RunSettings;

describe("a run on digits", () => {
  it("has a class-balanced, centred training set that is also the probe", async () => {
    const training = await opened({ trainSize: 100, hidden: [5], backend: "wasm" });
    const { probe } = training.facts;
    const mnist = await readMnist();
    const counts = new Array<number>(10).fill(0);
    for (const row of probe.indices) {
      const label = mnist.train.labels?.[row] ?? -1;
      counts[label] = (counts[label] ?? 0) + 1;
    }
    expect(counts).toEqual(new Array(10).fill(10));
    expect(probe).toMatchObject({
      isTrainingSet: true,
      size: 100,
      split: "train",
      preprocessing: "pixels / 255, minus the mean of the training examples",
    });
  });

  it("writes down a checksum that anybody can compute from the indices", async () => {
    const { facts } = await opened({
      trainSize: 60,
      hidden: [5],
      center: "none",
      probeSize: 20,
      backend: "wasm",
    });
    const mnist = await readMnist();
    const row = new Float32Array(784);
    const hash = createHash("sha256");
    for (const index of facts.probe.indices) {
      mnist.train.write(index, row, 0);
      hash.update(new Uint8Array(row.buffer.slice(0)));
    }
    for (const index of facts.probe.indices) {
      hash.update(Uint8Array.of(mnist.train.labels?.[index] ?? 255, 0, 0, 0));
    }
    expect(facts.probe).toMatchObject({ size: 20, isTrainingSet: false, sha256: hash.digest("hex") });
  });

  it("has facts that fit a session's header", async () => {
    const { facts } = await opened(smallDigits);
    for (const [key, value] of Object.entries(JSON.parse(JSON.stringify(facts)))) {
      expect(SessionHeader.shape[key as keyof typeof facts].safeParse(value)).toMatchObject({
        success: true,
      });
    }
    expect(facts.modelSummary).toBe("784-12-10 tanh");
    expect(facts.parameters.map(({ name, offset }) => [name, offset])).toEqual([
      ["hidden-1/kernel", 0],
      ["hidden-1/bias", 784 * 12],
      ["output/kernel", 785 * 12],
      ["output/bias", 785 * 12 + 120],
    ]);
  });

  it("gives the same bits for the same seeds, others for another init seed", async () => {
    const first = await thetas(await opened(smallDigits), 5);
    expect(await thetas(await opened(smallDigits), 5)).toBe(first);
    expect(await thetas(await opened({ ...smallDigits, seedInit: 2 }), 5)).not.toBe(first);
  });

  it("keeps its examples under another order seed, and changes their order", async () => {
    const minibatch = { ...smallDigits, optimizer: "sgd", batchSize: 25 } as const;
    const one = await opened(minibatch);
    const other = await opened({ ...minibatch, seedOrder: 2 });
    expect(other.facts.probe.sha256).toBe(one.facts.probe.sha256);
    expect(other.initial).toEqual(one.initial);
    expect(await thetas(other, 5)).not.toBe(await thetas(one, 5));
  });

  it("has two disjoint probes where there are examples enough", async () => {
    const training = await opened({ ...smallDigits, probeSize: 30 });
    expect(training.secondObjective?.size).toBe(30);
    expect(training.secondObjective?.loss(training.initial)).not.toBe(
      training.objective.loss(training.initial),
    );
    expect((await opened({ ...smallDigits, probeSize: 31 })).secondObjective).toBeNull();
  });

  it("tells on the way what its probe objective says at the same θ, bit for bit", async () => {
    const training = await opened({ ...smallDigits, steps: 6 });
    const seen: boolean[] = [];
    await new Promise<void>((resolve, reject) => {
      training.steps$.subscribe({
        next: ({ theta, probeLosses }) => {
          const direct = training.objective.exampleLosses(theta);
          seen.push(direct.every((loss, i) => Object.is(loss, probeLosses?.[i])));
        },
        error: reject,
        complete: resolve,
      });
    });
    expect(seen).toEqual(new Array(7).fill(true));
  });

  it.each([
    ["full batch", {}],
    ["minibatches", { optimizer: "sgd", batchSize: 25 }],
  ] as const)("leaves no tensor behind with %s", async (_case, settings) => {
    const training = await opened({ ...smallDigits, ...settings });
    const before = tf.memory().numTensors;
    await thetas(training, 20);
    expect(tf.memory().numTensors).toBe(before);
    expect(training.objective.size).toBe(60);
    training.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

it("diverges within 20 steps with the preset diverge", async () => {
  const training = await opened({ preset: "diverge", backend: "wasm" });
  const last = await new Promise<unknown>((resolve) => {
    let step = -1;
    let finite = true;
    const subscription = training.steps$.subscribe((at) => {
      step = at.step;
      finite &&= at.theta.every(Number.isFinite);
    });
    training.state$.subscribe((state) => {
      if (state.state !== "diverged") return;
      subscription.unsubscribe();
      resolve({ ...state, lastEmitted: step, finite });
    });
  });
  expect(last).toMatchObject({ what: "the loss is Infinity", finite: true });
  const { step, lastEmitted } = last as { step: number; lastEmitted: number };
  expect(lastEmitted).toBe(step);
  expect(step).toBeLessThan(20);
});

it("learns two spirals on the cpu backend", async () => {
  const training = await opened({ preset: "spirals", steps: 150, backend: "cpu", trainSize: 100 });
  const losses: number[] = [];
  await new Promise<void>((resolve, reject) => {
    training.steps$.subscribe({
      next: ({ theta }) => losses.push(training.objective.loss(theta)),
      error: reject,
      complete: resolve,
    });
  });
  expect(losses.at(-1)).toBeLessThan(0.8 * (losses[0] ?? 0));
});

it.each<[RunSettings, string, string]>([
  [
    { trainSize: 60_001 },
    "train-size",
    "train-size: expected at most the 60000 training examples of mnist, got 60001",
  ],
  [
    { dataset: "idx:/nowhere" },
    "dataset-missing",
    "train-images-idx3-ubyte: expected an IDX file at /nowhere/train-images-idx3-ubyte, found none (ENOENT)",
  ],
  [
    { hidden: [30_000, 30_000] },
    "model-too-big",
    "hidden: expected a model of at most 20000000 weights, got 923880010 for 784-30000-30000-10 tanh",
  ],
  [
    { momentum: 0.5 },
    "settings",
    "momentum: expected none for optimizer gd, got 0.5 (momentum and nesterov have it)",
  ],
])("refuses %j in one sentence", async (settings, code, message) => {
  await expect(train({ backend: "cpu", ...settings })).rejects.toMatchObject({
    name: "UserError",
    code,
    message,
  });
});
