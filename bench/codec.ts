/** How small θ gets, by optimizer, and how many a second can be recorded without loss, on one core and on two. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { take } from "rxjs";
import { openBackend } from "../server/backends/select.ts";
import { WeightEncoder } from "../server/recording/weight-codec.ts";
import { zstd } from "../server/recording/zstd.ts";
import { SessionLog } from "../server/session/log.ts";
import type { RunSettings } from "../server/training/config.ts";
import { train } from "../server/training/from-settings.ts";
import type { CodecOrder, CodecReply } from "./codec-worker.ts";
import type { Measurement } from "./harness.ts";
import { weightsHeader } from "./weights-header.ts";

const ROUNDS = 3;
/** θ of one run: enough for two keyframes. */
const SNAPSHOTS = 32;
const KEYFRAME_EVERY = 16;
/** Of each throughput measurement. */
const FOR_MS = 4000;
/** Groups that may be under way in a worker. */
const GROUPS_AHEAD = 2;
const BACKLOG_BYTES = 8 * 2 ** 20;
const BASE: RunSettings = {
  preset: "fc-199k",
  steps: 1000,
  backend: "wasm",
  optimizer: "sgd",
  batchSize: 32,
};

const RUNS: readonly { readonly name: string; readonly settings: RunSettings; readonly skip: number }[] = [
  { name: "sgd, steps 0 to 31", settings: BASE, skip: 0 },
  { name: "sgd, steps 300 to 331", settings: BASE, skip: 300 },
  { name: "momentum 0.9", settings: { ...BASE, optimizer: "momentum", momentum: 0.9 }, skip: 20 },
  { name: "nesterov 0.9", settings: { ...BASE, optimizer: "nesterov", momentum: 0.9 }, skip: 20 },
  { name: "sgd with weight decay 1e-4", settings: { ...BASE, weightDecay: 1e-4 }, skip: 20 },
  { name: "adam", settings: { ...BASE, optimizer: "adam", learningRate: 0.001 }, skip: 20 },
];

export async function codec(): Promise<Measurement[]> {
  await openBackend("wasm", { allowNative: false });
  const rows: Measurement[] = [];
  let sgd: readonly Float32Array[] = [];
  for (const { name, settings, skip } of RUNS) {
    const thetas = await snapshots(settings, skip);
    if (sgd.length === 0) sgd = thetas;
    const coded = codedBytes(thetas) / thetas.length;
    const plain = thetas.reduce((sum, theta) => sum + plainBytes(theta), 0) / thetas.length;
    rows.push({
      name: `${name}: bytes a step, keyframes included`,
      unit: "B",
      rounds: [coded],
      ratio: {
        to: "plain zstd -1",
        value: coded / plain,
        target: name.startsWith("sgd, ") ? "≤ 0.455 (2.2 times smaller)" : "",
      },
    });
  }
  const shared = share(sgd);
  const [one, two]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    one.push(await recordHere(sgd));
    two.push(await recordWithWorkers(shared, 2));
  }
  const backend = "zstdCompressSync" in (await import("node:zlib")) ? "node:zlib" : "wasm";
  rows.push({
    name: `199,210 parameters recorded, one thread, ${backend} (target ≥ ${backend === "wasm" ? 170 : 220})`,
    unit: "steps/s",
    rounds: one,
  });
  rows.push({
    name: `the same, two workers (target ≥ ${backend === "wasm" ? 320 : 420})`,
    unit: "steps/s",
    rounds: two,
  });
  return rows;
}

async function snapshots(settings: RunSettings, skip: number): Promise<Float32Array[]> {
  const run = await train(settings);
  const thetas: Float32Array[] = [];
  await new Promise<void>((resolve, reject) => {
    run.steps$.pipe(take(skip + SNAPSHOTS)).subscribe({
      next: ({ step, theta }) => {
        if (step >= skip) thetas.push(theta.slice());
      },
      error: reject,
      complete: resolve,
    });
  });
  run.dispose();
  return thetas;
}

function codedBytes(thetas: readonly Float32Array[]): number {
  const encoder = new WeightEncoder(thetas[0]?.length ?? 0, KEYFRAME_EVERY);
  return thetas.reduce((sum, theta) => sum + encoder.encode(theta).byteLength, 0);
}

function plainBytes(theta: Float32Array): number {
  return zstd.compress(new Uint8Array(theta.buffer, theta.byteOffset, theta.byteLength)).byteLength;
}

/** Forwards and back again, so that neighbours stay neighbours for ever. */
function placeOf(step: number, count: number): number {
  const at = step % (2 * count - 2);
  return at < count ? at : 2 * count - 2 - at;
}

async function withLog<R>(parameterCount: number, use: (log: SessionLog) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), "thalweg-codec-"));
  try {
    const log = await SessionLog.create({
      header: weightsHeader(parameterCount),
      path: join(folder, "a.mcap"),
    });
    const result = await use(log);
    await log.close();
    return result;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Steps a second from the first θ to the last written byte. */
async function recordHere(thetas: readonly Float32Array[]): Promise<number> {
  const parameterCount = thetas[0]?.length ?? 0;
  return withLog(parameterCount, async (log) => {
    const encoder = new WeightEncoder(parameterCount, KEYFRAME_EVERY);
    const beganMs = performance.now();
    let step = 0;
    for (; performance.now() - beganMs < FOR_MS; step++) {
      const theta = thetas[placeOf(step, thetas.length)] as Float32Array;
      log.append(0, step, { weights: encoder.encode(theta) });
      await log.whenBelow(BACKLOG_BYTES);
      // The log closes chunks and writes them in the turns of this loop.
      if (step % 4 === 0) await new Promise(setImmediate);
    }
    await log.flush();
    return (1000 * step) / (performance.now() - beganMs);
  });
}

/** A keyframe and what follows it need nothing of other groups: each goes to one worker, and into the log in its turn. */
async function recordWithWorkers(shared: SharedArrayBuffer, workerCount: number): Promise<number> {
  const parameterCount = shared.byteLength / 4 / SNAPSHOTS;
  const workers = Array.from(
    { length: workerCount },
    () =>
      new Worker(new URL("./codec-worker.js", import.meta.url), { workerData: { shared, parameterCount } }),
  );
  const coded = workers.map(() => new Map<number, readonly Uint8Array[]>());
  let wake: () => void = () => {};
  workers.forEach((worker, i) => {
    worker.on("message", ({ group, messages }: CodecReply) => {
      coded[i]?.set(group, messages);
      wake();
    });
  });
  const ask = (group: number) => {
    const places = Array.from({ length: KEYFRAME_EVERY }, (_, i) =>
      placeOf(group * KEYFRAME_EVERY + i, SNAPSHOTS),
    );
    workers[group % workerCount]?.postMessage({ group, places } satisfies CodecOrder);
  };
  try {
    return await withLog(parameterCount, async (log) => {
      const next = async (group: number): Promise<readonly Uint8Array[]> => {
        const done = coded[group % workerCount];
        while (!done?.has(group))
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        const messages = done.get(group) ?? [];
        done.delete(group);
        return messages;
      };
      // Until each has answered once, they are only starting.
      for (let group = 0; group < workerCount; group++) ask(group);
      for (let group = 0; group < workerCount; group++) await next(group);
      let asked = workerCount;
      for (; asked < workerCount * (1 + GROUPS_AHEAD); asked++) ask(asked);
      const beganMs = performance.now();
      let step = 0;
      for (let group = workerCount; performance.now() - beganMs < FOR_MS; group++) {
        for (const weights of await next(group)) log.append(0, step++, { weights });
        ask(asked++);
        await log.whenBelow(BACKLOG_BYTES);
      }
      await log.flush();
      return (1000 * step) / (performance.now() - beganMs);
    });
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function share(thetas: readonly Float32Array[]): SharedArrayBuffer {
  const count = thetas[0]?.length ?? 0;
  const shared = new SharedArrayBuffer(4 * count * thetas.length);
  thetas.forEach((theta, i) => {
    new Float32Array(shared, 4 * count * i, count).set(theta);
  });
  return shared;
}
