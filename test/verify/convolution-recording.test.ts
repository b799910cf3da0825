/** Recordings of convolutional networks on small pictures: they agree as they are, and an altered value is noticed. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { setBackend } from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../../server/numerics/random.ts";
import { startLiveSession } from "../../server/threads/start-live-session.ts";
import type { RunSettings } from "../../server/training/config.ts";
import { lookAtFiles } from "../../server/training/look-at-files.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import { verifyRecording } from "../../server/verify/verify.ts";
import { type Entry, type Readout, readRecording, writeRecording } from "../support/rewritten-recording.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-verify-"));
  await writePictures("train", 60, 1);
  await writePictures("t10k", 40, 2);
  await setBackend("cpu");
  const maxima = sequential({
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 3, strides: 2, activation: "relu", inputShape: [14, 14, 1] }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 4, kernelSize: 2, padding: "same", activation: "relu" }),
      layers.maxPooling2d({ poolSize: 2, strides: 1, padding: "same" }),
      layers.flatten(),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ units: 3 }),
    ],
  });
  await writeFile(join(folder, "maxima.json"), JSON.stringify({ modelTopology: maxima.toJSON(null, false) }));
  maxima.dispose();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const SIDE = 14;

/** Bars on a black ground, as idx files: down, across, or both. */
async function writePictures(split: string, count: number, seed: number): Promise<void> {
  const random = createRandom(seed);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 3);
  const pixels = new Uint8Array(count * SIDE * SIDE);
  for (const [i, label] of labels.entries()) {
    const [row, column] = [2 + random.integer(10), 2 + random.integer(10)];
    for (let at = 2; at < 12; at++) {
      const place = (y: number, x: number) => (i * SIDE + y) * SIDE + x;
      if (label !== 1) pixels[place(at, column)] = 100 + random.integer(156);
      if (label !== 0) pixels[place(row, at)] = 100 + random.integer(156);
    }
  }
  await writeFile(join(folder, `${split}-images-idx3-ubyte`), idx([count, SIDE, SIDE], pixels));
  await writeFile(join(folder, `${split}-labels-idx1-ubyte`), idx([count], labels));
}

function idx(sizes: readonly number[], values: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * sizes.length);
  head.writeUInt32BE(0x800 + sizes.length);
  for (const [i, size] of sizes.entries()) head.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([head, values]);
}

async function recorded(settings: RunSettings): Promise<Readout> {
  const given: RunSettings = {
    preset: "lenet",
    dataset: `idx:${folder}`,
    trainSize: 60,
    probeSize: 30,
    batchSize: 10,
    steps: 6,
    seed: 5,
    backend: "wasm",
    every: {
      hessian: 6,
      path: 3,
      line: 6,
      eval: 6,
      state: 6,
      "batch-sharpness": 6,
      directional: 6,
      sam: 6,
      density: 6,
      "per-layer": 6,
      "gauss-newton": 6,
      "noise-scale": 6,
      weights: 1,
    },
    ...settings,
  };
  const resolved = resolveSettings(given, await lookAtFiles(given));
  if (!resolved.ok) throw new Error(resolved.problems.join());
  const session = await startLiveSession({ config: resolved.config, folder, record: true });
  await session.ended;
  await session.close();
  return readRecording(session.recordingPath as string);
}

/** In the last sample of a channel: one of the two that are always drawn. */
function altered({ header, entries }: Readout, channel: string, change: (value: never) => unknown): Readout {
  const target = entries.filter((entry) => entry.channel === channel).at(-1) as Entry;
  const replaced = { ...target, value: change(structuredClone(target.value) as never) };
  return { header, entries: entries.map((entry) => (entry === target ? replaced : entry)) };
}

let written = 0;
async function verified(recording: Readout, streams?: readonly string[], samples?: number) {
  const path = join(folder, `${written++}.mcap`);
  await writeRecording(path, recording);
  return verifyRecording(path, {
    ...(streams === undefined ? {} : { streams }),
    ...(samples === undefined ? {} : { samples }),
  });
}

type Alteration = readonly [channel: string, change: (value: never) => unknown];

const more = (value: number) => value * 1.001;
const first = ({ top, ...rest }: { readonly top: readonly { readonly value: number }[] }) => ({
  ...rest,
  top: top.map((pair, i) => (i === 0 ? { ...pair, value: pair.value * 1.05 } : pair)),
});
const of =
  (key: string) =>
  (value: Record<string, number>): unknown => ({ ...value, [key]: more(value[key] as number) });

const ALTERATIONS: readonly Alteration[] = [
  ["train/loss", more],
  ["train/gradient-norm", more],
  // A weight of the first convolution.
  ["train/weights", (theta: Float32Array) => theta.with(7, (theta[7] as number) * 1.001)],
  ["path/loss", more],
  ["eval/test-loss", more],
  ["hessian/eigenvalues", first],
  ["hessian/density", of("trace")],
  ["gauss-newton/eigenvalues", first],
  ["hessian/batch-sharpness", of("value")],
  ["hessian/directional", of("value")],
  ["gradient/noise-scale", of("signal")],
  ["sharpness/sam", of("value")],
  ["gradient/top-subspace", of("control")],
];

/** A run is recorded: some seconds on an idle machine, more on a shared one. */
const TIMEOUT_MS = 120_000;

describe.each([
  ["LeNet-5 in tanh and means", {}],
  ["a model of one's own in relu and maxima", { model: "maxima.json", redraw: true }],
] as const)("%s", (_name, { model, ...settings }: RunSettings) => {
  let recording: Readout;
  beforeAll(async () => {
    recording = await recorded({
      ...settings,
      ...(model === undefined ? {} : { model: join(folder, model as string) }),
    });
  }, TIMEOUT_MS);

  it("agrees as it was recorded, on every channel", async () => {
    const { agrees, streams } = await verified(recording);
    expect(streams.flatMap(({ faults }) => faults)).toEqual([]);
    expect(agrees).toBe(true);
    const unchecked = streams.filter(({ verdict }) => verdict === "not checked").map(({ stream }) => stream);
    // Costs of watching come once a second, which this run does not last.
    expect(unchecked.filter((stream) => stream !== "run/overhead")).toEqual([]);
  });

  it.each(ALTERATIONS)("notices that %s was altered", async (channel, change) => {
    const { streams } = await verified(altered(recording, channel, change), [channel], 2);
    expect(streams.find(({ stream }) => stream === channel)?.verdict).toBe("differs");
  });
});
