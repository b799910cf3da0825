/** Runs that go on from a step of another. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openParent, planRun } from "../../server/commands/plan-run.ts";
import { diffSessions } from "../../server/session/diff.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { startLiveSession } from "../../server/threads/start-live-session.ts";
import type { RunSettings } from "../../server/training/config.ts";
import { verifyRecording } from "../../server/verify/verify.ts";
import { forks } from "../torture/forks.ts";

/** A hook that records a run has as long as a test that does. */
const RECORDING_MS = 30_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-fork-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const SPIRALS: RunSettings = {
  task: "two-spirals",
  trainSize: 60,
  probeSize: 30,
  hidden: [6],
  batchSize: 16,
  optimizer: "adam",
  learningRate: 0.02,
  lrSchedule: "cosine",
  steps: 24,
  weightsEvery: 2,
  every: { state: 8, hessian: 10, path: 5, density: 1000, "per-layer": 1000, "gauss-newton": 1000 },
  backend: "wasm",
};

/** @returns the recording. */
async function recorded(settings: RunSettings, module?: string): Promise<string> {
  const planned = await planRun(settings, module, (named) => openParent(named, folder));
  const session = await startLiveSession({
    ...planned,
    folder,
    record: true,
    onTrouble: (sentence) => {
      throw new Error(sentence);
    },
  });
  expect(await session.ended).toBe("finished");
  await session.close();
  return session.recordingPath as string;
}

function refusal(settings: RunSettings, module?: string): Promise<unknown> {
  return planRun(settings, module, (named) => openParent(named, folder)).then(
    () => "accepted",
    (cause: Error) => cause.message,
  );
}

// gd, sgd, momentum, nesterov and adam, twice; schedules, batches and batch-norm by chance. `npm run torture` has more.
it("a fork has the bits of the run it left, ten times", async () => {
  const { failures, figures } = await forks.run(10, 1);
  expect(failures).toEqual([]);
  expect(figures["θ compared"]).toBeGreaterThan(100);
});

describe("a fork as a session", () => {
  let parent: string;
  beforeAll(async () => {
    parent = await recorded(SPIRALS);
  }, RECORDING_MS);

  it("names its parent, holds the same samples after the fork, and can be verified", async () => {
    const path = await recorded({ fork: parent, atStep: 8 });
    const [a, b] = await Promise.all([openRecording(parent), openRecording(path)]);
    expect(b.header.fork).toMatchObject({ session: a.header.id, name: "spirals", step: 8, changed: {} });
    const { channels, afterStep } = await diffSessions(a, b);
    expect(afterStep).toBe(8);
    const equal = channels.filter(({ equal: count, ...rest }) => count > 0 && isEqual(rest));
    // 16 updates; θ and state as often as they are recorded. The path as such begins anew.
    expect(Object.fromEntries(equal.map(({ channel, equal: count }) => [channel, count]))).toMatchObject({
      "train/loss": 16,
      "train/learning-rate": 16,
      "train/update-norm": 16,
      "train/weights": 8,
      "train/state": 2,
      "distance/to-init": 16,
      "path/loss": 4,
    });
    // Its first sample is θ of the fork's step; θ₀, which distances are measured from, is the parent's.
    for (const step of [0, 8]) expect(await b.weights(step)).toEqual(await a.weights(step));
    expect(await b.weights(6)).toEqual({ found: false, nearest: [0, 8] });
    await Promise.all([a.close(), b.close()]);
    const report = await verifyRecording(path, { samples: 5 });
    expect(report.streams.flatMap(({ faults }) => faults)).toEqual([]);
    expect(report.agrees).toBe(true);
  });

  it("takes other settings for the way from here, and a fork of its own", async () => {
    const first = await recorded({ fork: parent, atStep: 8, learningRate: 0.005, batchSize: 20, steps: 30 });
    const second = await recorded({ fork: first, atStep: 24, optimizer: "sgd" });
    const [a, b, c] = await Promise.all([parent, first, second].map(openRecording));
    expect(b?.header.fork?.changed).toEqual({
      learningRate: { from: 0.02, to: 0.005 },
      batchSize: { from: 16, to: 20 },
      steps: { from: 24, to: 30 },
    });
    expect(c?.header).toMatchObject({
      steps: 30,
      fork: { session: b?.header.id, step: 24, changed: { optimizer: { from: "adam", to: "sgd" } } },
      config: { learningRate: 0.005, batchSize: 20, momentum: 0 },
    });
    expect(await c?.weights(0)).toEqual(await a?.weights(0));
    await Promise.all([a?.close(), b?.close(), c?.close()]);
    for (const path of [first, second]) {
      const report = await verifyRecording(path, { samples: 5 });
      expect(report.streams.flatMap(({ faults }) => faults)).toEqual([]);
    }
  });

  it("is found by its session's id, or as much of it as no other has", async () => {
    const session = await openRecording(parent);
    await session.close();
    const { id } = session.header;
    for (const named of [id, id.slice(0, 8)]) {
      const { fork } = await planRun({ fork: named, atStep: 16 }, undefined, (each) =>
        openParent(each, folder),
      );
      expect(fork?.origin).toMatchObject({ session: id, step: 16 });
    }
    expect(await refusal({ fork: "0".repeat(32), atStep: 0 })).toMatch(
      /^fork: expected a file, or the id of one recording, got "0{32}", which none in .* has$/,
    );
  });

  it.each<[RunSettings, string]>([
    [{ atStep: 5 }, "got 5; the nearest are 0 and 8"],
    [{ atStep: 6 }, "weights and train/state (adam needs it) are recorded, got 6; the nearest are 0 and 8"],
    [{ atStep: 99 }, "got 99; the nearest is 24"],
    [{ atStep: 24 }, "steps: expected more than the 24 that the fork begins after, got 24"],
    [{ atStep: 8, loss: "mse" }, 'loss: expected the "cross-entropy" of the run that is forked, got "mse"'],
    [{ atStep: 8, hidden: [7] }, "hidden: expected the [6] of the run that is forked, got [7]"],
    [{ atStep: 8, dataset: "mnist" }, 'dataset: expected the "two-spirals" of the run'],
    [{ atStep: 8, seedOrder: 5 }, "seed-order: expected the 1 of the run that is forked, got 5"],
    [{ atStep: 8, seed: 1 }, "seed: expected none with a fork, got 1"],
    [{ atStep: 8, optimizer: "momentum" }, "got momentum, which needs velocity"],
    [{}, "at-step: expected the step at which the fork begins, got none"],
  ])("refuses %j in one sentence", async (settings, sentence) => {
    expect(await refusal({ fork: parent, ...settings })).toContain(sentence);
  });

  it("refuses a step without a fork", async () => {
    expect(await refusal({ atStep: 3 })).toBe("at-step: expected fork beside it, got 3");
  });
});

describe("a fork of a run of one's own", () => {
  const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const MODULE = path("examples/my-run.js");
  const SETTINGS: RunSettings = {
    steps: 24,
    weightsEvery: 2,
    every: { state: 8, hessian: 12, path: 5, line: 12 },
    backend: "wasm",
  };
  let parent: string;
  beforeAll(async () => {
    parent = await recorded(SETTINGS, MODULE);
  }, RECORDING_MS);

  it("has the bits of the run it left, and can be forked again with other settings", async () => {
    const same = await recorded({ fork: parent, atStep: 8 }, MODULE);
    await expectContinued(parent, same);
    const slower = await recorded({ fork: same, atStep: 16, learningRate: 0.01, steps: 30 }, MODULE);
    const [a, c] = [await openRecording(parent), await openRecording(slower)];
    expect(Object.keys(c.header.fork?.changed ?? {})).toEqual(["steps", "learningRate"]);
    for (const step of [0, 16]) expect(await c.weights(step)).toEqual(await a.weights(step));
    expect(await c.weights(18)).not.toEqual(await a.weights(18));
    await Promise.all([a.close(), c.close()]);
    const report = await verifyRecording(slower, { samples: 5 });
    expect(report.streams.flatMap(({ faults }) => faults)).toEqual([]);
  });

  it("does so with a layer and a loss of its own, and weights that no seed brings back", async () => {
    const module = path("test/training/fixtures/own-parts.js");
    const own = await recorded(SETTINGS, module);
    await expectContinued(own, await recorded({ fork: own, atStep: 8 }, module));
  });

  it("asks for its module, and takes no other", async () => {
    expect(await refusal({ fork: parent, atStep: 8 })).toMatch(
      /^fork: expected the module of noisy circle too \(thalweg train <module> --fork …\)/,
    );
    await expect(
      recorded({ fork: parent, atStep: 8 }, path("examples/streamed-run.js")),
    ).rejects.toMatchObject({
      code: "fork-differs",
      message: expect.stringMatching(/^fork: expected parameters of the shapes .* as in noisy circle, got /),
    });
  });
});

/** 16 updates from step 8 on, the same to the last bit, from the same θ₀. */
async function expectContinued(parent: string, fork: string): Promise<void> {
  const [a, b] = [await openRecording(parent), await openRecording(fork)];
  expect(b.header).toMatchObject({ task: "own", fork: { session: a.header.id, step: 8, changed: {} } });
  const { channels } = await diffSessions(a, b);
  const equal = channels.filter(({ equal: count, ...rest }) => count > 0 && isEqual(rest));
  expect(Object.fromEntries(equal.map(({ channel, equal: count }) => [channel, count]))).toMatchObject({
    "train/loss": 16,
    "train/weights": 8,
    "train/state": 2,
    "distance/to-init": 16,
  });
  expect(await b.weights(0)).toEqual(await a.weights(0));
  await Promise.all([a.close(), b.close()]);
}

function isEqual({ different, onlyInA, onlyInB }: Record<"different" | "onlyInA" | "onlyInB", number>) {
  return different + onlyInA + onlyInB === 0;
}
