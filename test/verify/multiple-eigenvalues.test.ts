/** A linear network under half-sum-mse: H = I ⊗ A, every eigenvalue as often as there are outputs. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLiveSession } from "../../server/threads/start-live-session.ts";
import type { RunSettings } from "../../server/training/config.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import { verifyRecording } from "../../server/verify/verify.ts";
import type { HessianEigenvalues } from "../../shared/readings.ts";
import { type Readout, readRecording, writeRecording } from "../support/rewritten-recording.ts";

const OUTPUTS = 10;

let folder: string;
let path: string;
let recording: Readout;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-multiple-"));
  path = await recorded({ preset: "edge", trainSize: 40, hidden: [], steps: 6, learningRate: 0.05 });
  recording = await readRecording(path);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function recorded(settings: RunSettings): Promise<string> {
  const resolved = resolveSettings({ backend: "wasm", without: ["density", "line"], ...settings });
  if (!resolved.ok) throw new Error(resolved.problems.join());
  const session = await startLiveSession({ config: resolved.config, folder, record: true });
  await session.ended;
  await session.close();
  return session.recordingPath as string;
}

const STREAMS = ["hessian/eigenvalues", "gradient/top-subspace", "hessian/overlap", "path/top-mode"];

describe("eigenvalues that occur ten times", () => {
  it("are all recorded, at every measurement", () => {
    const spectra = recording.entries.filter(({ channel }) => channel === "hessian/eigenvalues");
    expect(spectra.map(({ step }) => step)).toEqual([0, 1, 2, 4, 6]);
    for (const { value } of spectra) {
      const top = (value as HessianEigenvalues).top.map((pair) => pair.value);
      const [first = Number.NaN] = top;
      for (const copy of top.slice(0, OUTPUTS)) expect(Math.abs(copy / first - 1)).toBeLessThan(1e-4);
      for (const other of top.slice(OUTPUTS)) expect(other / first).toBeLessThan(0.9);
    }
  });

  it("span a subspace that is the same at every step: H is constant", () => {
    const overlaps = recording.entries.flatMap(({ channel, value }) =>
      channel === "hessian/overlap" ? [(value as { previous: { overlap: number } | null }).previous] : [],
    );
    for (const previous of overlaps.slice(1)) expect(previous?.overlap).toBeGreaterThan(0.999);
  });

  it("are found as often in float64, and what rests on all of them agrees", async () => {
    const report = await verifyRecording(path, { streams: STREAMS });
    expect(report.streams.flatMap(({ faults }) => faults)).toEqual([]);
    expect(report.streams.filter(({ verdict }) => verdict === "agrees").map(({ stream }) => stream)).toEqual(
      expect.arrayContaining(["hessian/eigenvalues", "gradient/top-subspace", "hessian/overlap"]),
    );
  });

  it("are not taken from a recording that has one copy more", async () => {
    const entries = recording.entries.map((entry) => {
      if (entry.channel !== "hessian/eigenvalues" || entry.step !== 4) return entry;
      const value = structuredClone(entry.value) as { top: unknown[] };
      value.top.splice(OUTPUTS, 1, structuredClone(value.top[OUTPUTS - 1]));
      return { ...entry, value };
    });
    const altered = join(folder, "altered.mcap");
    await writeRecording(altered, { ...recording, entries });
    const { streams } = await verifyRecording(altered, { streams: ["hessian/eigenvalues"] });
    expect(streams[1]?.faults).toHaveLength(1);
    expect(streams[1]?.faults[0]).toMatch(/^step 4: top\[10\] by rank is /);
  });
});

it("agrees where the Hessian is zero: any vector is its first", async () => {
  // The first update throws every ReLU into its dead half, with no slope left.
  const dead = await recorded({
    preset: "spirals",
    activation: "relu",
    optimizer: "gd",
    learningRate: 1e3,
    steps: 12,
  });
  const { entries } = await readRecording(dead);
  const last = entries.findLast(({ channel }) => channel === "hessian/eigenvalues")
    ?.value as HessianEigenvalues;
  expect(last.top.every(({ value }) => value === 0)).toBe(true);
  const report = await verifyRecording(dead, { streams: STREAMS });
  expect(report.streams.flatMap(({ faults }) => faults)).toEqual([]);
});
