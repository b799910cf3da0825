/** One value of one stream is changed, and the recording written again with right checksums: verify must notice, each time. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLiveSession } from "../../server/threads/start-live-session.ts";
import type { RunSettings } from "../../server/training/config.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import type { VerifyReport } from "../../server/verify/report.ts";
import { verifyRecording } from "../../server/verify/verify.ts";
import type { LineProfile, PathMonotonicity } from "../../shared/readings.ts";
import { type Entry, type Readout, readRecording, writeRecording } from "../support/rewritten-recording.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-verify-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const COMMON: RunSettings = {
  preset: "spirals",
  trainSize: 60,
  hidden: [5],
  steps: 24,
  seed: 5,
  backend: "wasm",
  every: {
    hessian: 6,
    path: 3,
    line: 12,
    eval: 8,
    state: 10,
    "batch-sharpness": 8,
    directional: 8,
    sam: 8,
    density: 12,
    "per-layer": 12,
    "gauss-newton": 12,
    "noise-scale": 8,
    preconditioned: 6,
    weights: 1,
  },
};

/** Costs of watching come once a second, which this run does not last. */
const OVERHEAD = {
  total: 0.5,
  interval: [0.25, 0.6],
  stepsPerSecond: 250,
  bareStepMs: 2,
  perStream: { "path/loss": 0.1 },
};

async function recorded(name: string, settings: RunSettings): Promise<Readout> {
  const resolved = resolveSettings({ ...COMMON, ...settings });
  if (!resolved.ok) throw new Error(resolved.problems.join());
  const session = await startLiveSession({ config: { ...resolved.config, name }, folder, record: true });
  await session.ended;
  await session.close();
  const { header, entries } = await readRecording(session.recordingPath as string);
  const own = entries.filter(({ channel }) => channel !== "run/overhead");
  return {
    header,
    entries: [...own.slice(0, 1), { channel: "run/overhead", step: 0, value: OVERHEAD }, ...own.slice(1)],
  };
}

let written = 0;
async function verified(recording: Readout, ...streams: string[]): Promise<VerifyReport> {
  const path = join(folder, `${written++}.mcap`);
  await writeRecording(path, recording);
  return verifyRecording(path, { samples: 1000, ...(streams.length === 0 ? {} : { streams }) });
}

/** The sample in the middle of the channel, or the last one that has what is to be changed. */
function altered({ header, entries }: Readout, channel: string, change: (value: never) => unknown): Readout {
  const samples = entries.filter((entry) => entry.channel === channel);
  const middle = samples.slice(samples.length >> 1);
  const target = [...middle, ...samples].find(
    ({ value }) => change(structuredClone(value) as never) !== undefined,
  );
  if (target === undefined) throw new Error(`${channel}: nothing to change`);
  const replaced: Entry = { ...target, value: change(structuredClone(target.value) as never) };
  return { header, entries: entries.map((entry) => (entry === target ? replaced : entry)) };
}

type Path = readonly (string | number)[];

/** Changes what lies at this path; undefined where it is null or not there. */
function at(path: Path, change: (value: never) => unknown): (value: never) => unknown {
  return (whole) => {
    const [key, ...rest] = path;
    if (key === undefined) return change(whole);
    const inner = (whole as Record<string | number, unknown>)[key];
    if (inner === null || inner === undefined) return undefined;
    const changed = at(rest, change)(inner as never);
    if (changed === undefined) return undefined;
    (whole as Record<string | number, unknown>)[key] = changed;
    return whole;
  };
}

const more = (value: number) => (value === 0 ? undefined : value * 1.001);
const muchMore = (value: number) => (value === 0 ? undefined : value * 1.2);
const aBitMore = (value: number) => value + 1e-3;
const opposite = (value: boolean) => !value;
const nextStep = (value: number) => value + 1;
const element = (value: Float32Array) => value.with(7, (value[7] as number) * 1.001);
const slot = (value: Uint8Array) => value.with(value.length - 2, (value.at(-2) as number) ^ 8);

type Alteration = readonly [channel: string, path: Path, change: (value: never) => unknown];

const SHARED: readonly Alteration[] = [
  ["train/loss", [], more],
  ["train/gradient-norm", [], more],
  ["train/update-norm", [], more],
  ["train/learning-rate", [], more],
  ["train/weights", [], element],
  ["train/state", [], slot],
  ["path/loss", [], more],
  ["path/monotonicity", ["excess"], more],
  ["path/monotonicity", ["drawUp"], more],
  ["path/monotonicity", ["upFraction"], more],
  ["path/monotonicity", ["firstLoss"], more],
  ["path/monotonicity", ["every"], nextStep],
  ["path/monotonicity", ["pairedStdErr"], more],
  ["path/top-mode", ["projection"], muchMore],
  ["path/top-mode", ["modeStep"], nextStep],
  ["path/top-mode", ["referenceStep"], nextStep],
  ["eval/test-loss", [], more],
  ["eval/test-accuracy", [], more],
  ["line/profile", ["losses", 4], more],
  ["line/profile", ["alphas", 4], more],
  ["line/profile", ["plateau"], more],
  ["line/profile", ["pairedStdErr"], muchMore],
  ["line/profile", ["noiseFloor"], () => 0],
  ["line/profile", ["monotoneOnProbe"], opposite],
  ["line/profile", ["carriesVerdict"], opposite],
  ["line/profile", ["control", "losses", 20], more],
  ["line/profile", ["control", "drawUp"], aBitMore],
  ["line/profile", ["control", "monotoneOnProbe"], opposite],
  ["line/profile", ["projection", 1], more],
  ["line/profile", ["residual", 1], more],
  ["hessian/directional", ["value"], more],
  ["hessian/directional", ["ratio"], more],
  ["hessian/directional", ["updateNorm"], more],
  ["hessian/directional", ["n"], nextStep],
  ["sharpness/sam", ["value"], more],
  ["sharpness/sam", ["rho"], muchMore],
  ["sharpness/sam", ["loss"], more],
  ["sharpness/sam", ["gradientNorm"], more],
  ["distance/to-init", ["l2"], more],
  ["distance/to-init", ["relative"], more],
  ["distance/to-init", ["pathLength"], more],
  ["distance/to-init", ["straightness"], more],
  ["distance/to-init", ["perLayer", 1], more],
  ["distance/to-init", ["rotation", 2], more],
  ["hessian/eigenvalues", ["top", 0, "value"], muchMore],
  ["hessian/eigenvalues", ["top", 1, "value"], muchMore],
  ["hessian/eigenvalues", ["bottom", 0, "value"], muchMore],
  ["hessian/eigenvalues", ["threshold"], more],
  ["hessian/eigenvalues", ["rule"], () => "adam"],
  ["hessian/eigenvalues", ["ratio"], more],
  ["hessian/eigenvalues", ["eta"], more],
  ["hessian/eigenvalues", ["n"], nextStep],
  ["hessian/eigenvalues", ["loss"], more],
  ["hessian/eigenvalues", ["thetaNorm"], more],
  ["hessian/density", ["trace"], more],
  ["hessian/density", ["traceStdErr"], more],
  ["hessian/density", ["nearZeroFraction"], more],
  ["hessian/density", ["nearZeroStdErr"], more],
  ["hessian/density", ["nearZeroBounds", 0], more],
  ["hessian/density", ["nearZeroBounds", 1], more],
  ["hessian/density", ["nearZeroBelow"], more],
  ["hessian/density", ["negativeMass"], aBitMore],
  ["hessian/density", ["negativeBounds", 0], aBitMore],
  ["hessian/density", ["negativeBounds", 1], aBitMore],
  ["hessian/density", ["kernelWidth"], more],
  ["hessian/density", ["lambda", 80], more],
  ["hessian/density", ["density", 20], more],
  ["hessian/density", ["outliers", "count"], nextStep],
  ["hessian/density", ["outliers", "lowest"], more],
  ["hessian/density", ["outliers", "gap"], more],
  ["hessian/density", ["outliers", "secondGap"], more],
  ["hessian/density", ["outliers", "among"], nextStep],
  ["hessian/density", ["probes"], nextStep],
  ["hessian/density", ["n"], nextStep],
  ["gradient/top-subspace", ["share"], more],
  ["gradient/top-subspace", ["control"], more],
  ["gradient/top-subspace", ["k"], nextStep],
  ["gradient/top-subspace", ["converged"], nextStep],
  ["hessian/overlap", ["previous", "overlap"], more],
  ["hessian/overlap", ["previous", "step"], nextStep],
  ["hessian/overlap", ["references", 0, "overlap"], more],
  ["hessian/overlap", ["references", 0, "step"], nextStep],
  ["hessian/overlap", ["control"], more],
  ["hessian/overlap", ["k"], nextStep],
  ["hessian/overlap", ["converged"], nextStep],
  ["hessian/per-layer", ["layers", 0, "value"], more],
  ["hessian/per-layer", ["layers", 1, "value"], more],
  ["hessian/per-layer", ["layers", 1, "layer"], () => "elsewhere"],
  ["hessian/per-layer", ["n"], nextStep],
  ["gauss-newton/eigenvalues", ["top", 0, "value"], muchMore],
  ["gauss-newton/eigenvalues", ["n"], nextStep],
  ["run/overhead", ["total"], more],
  ["run/overhead", ["stepsPerSecond"], more],
  ["run/overhead", ["bareStepMs"], String],
  ["run/status", ["message"], (message: string) => message.replace("24", "25")],
  ["run/status", ["code"], () => "started"],
];

const MINIBATCH: readonly Alteration[] = [
  ["train/loss", [], more],
  ["train/weights", [], element],
  ["path/monotonicity", ["populationDrawUp"], aBitMore],
  ["line/profile", ["monotoneInPopulation"], opposite],
  ["line/profile", ["monotoneInPopulation"], () => null],
  ["hessian/eigenvalues", ["probeStdErr"], (value: number) => value + 1],
  ["hessian/batch-sharpness", ["value"], more],
  ["hessian/batch-sharpness", ["stdErr"], more],
  ["hessian/batch-sharpness", ["threshold"], more],
  ["hessian/batch-sharpness", ["ratio"], more],
  ["hessian/batch-sharpness", ["batches"], nextStep],
  ["gradient/noise-scale", ["value"], more],
  ["gradient/noise-scale", ["signal"], more],
  ["gradient/noise-scale", ["signalStdErr"], more],
  ["gradient/noise-scale", ["noise"], more],
  ["gradient/noise-scale", ["interval", 0], muchMore],
  ["gradient/noise-scale", ["interval", 1], (high: number) => (Number.isFinite(high) ? high * 1.001 : 1000)],
  ["gradient/noise-scale", ["batchSize"], nextStep],
  ["gradient/noise-scale", ["batches"], nextStep],
];

const ADAM: readonly Alteration[] = [
  ["hessian/preconditioned", ["top", 0, "value"], muchMore],
  ["hessian/preconditioned", ["threshold"], more],
  ["hessian/preconditioned", ["rule"], () => "gd"],
  ["hessian/preconditioned", ["ratio"], more],
  ["hessian/preconditioned", ["eta"], more],
  ["hessian/preconditioned", ["n"], nextStep],
];

describe.each([
  ["heavy ball on the full batch", { learningRate: 0.8 }, SHARED],
  ["minibatches", { optimizer: "sgd", batchSize: 12, probeSize: 25 }, MINIBATCH],
  ["Adam", { optimizer: "adam", learningRate: 0.01 }, ADAM],
] as const)("%s", (name, settings, alterations) => {
  let recording: Readout;
  beforeAll(async () => {
    recording = await recorded(name, settings as RunSettings);
  });

  it("agrees as it was recorded, on every channel", async () => {
    const { agrees, streams } = await verified(recording);
    expect(streams.filter(({ verdict }) => verdict === "differs").flatMap(({ faults }) => faults)).toEqual(
      [],
    );
    expect(agrees).toBe(true);
    expect(streams.map(({ stream }) => stream)).toEqual([
      "header",
      ...recording.header.channels.map((each) => each.name),
    ]);
    const unchecked = streams.filter(({ verdict }) => verdict === "not checked").map(({ stream }) => stream);
    expect(unchecked).toEqual([]);
  });

  it.each(alterations.map(([channel, path, change]) => [channel, path.join("."), path, change] as const))(
    "notices that %s %s was altered",
    async (channel, _name, path, change) => {
      const { agrees, streams } = await verified(altered(recording, channel, at(path, change)), channel);
      expect(streams.find(({ stream }) => stream === channel)?.verdict).toBe("differs");
      expect(agrees).toBe(false);
    },
  );

  it("covers every channel that it has", () => {
    const covered = new Set([...SHARED, ...MINIBATCH, ...ADAM].map(([channel]) => channel));
    const names = recording.header.channels.map((each) => each.name);
    expect(names.filter((name) => !covered.has(name))).toEqual([]);
  });

  it("agrees with what earlier versions recorded of path and line, where that follows from the losses", async () => {
    const { header, entries } = recording;
    const onAll = header.probe.isTrainingSet;
    const losses = new Map(
      entries.flatMap(({ channel, step, value }) =>
        channel === "path/loss" ? [[step, value as number]] : [],
      ),
    );
    const upFraction = (last: number) => {
      const past = [...losses].flatMap(([step, loss]) => (step <= last ? [loss] : []));
      const ups = past.filter((loss, i) => i > 0 && loss > (past[i - 1] as number)).length;
      return ups === 0 ? 0 : ups / (past.length - 1);
    };
    const earlier = (isMonotone: (profile: LineProfile) => boolean) =>
      entries.map((entry) => {
        if (entry.channel === "path/monotonicity") {
          const { firstLoss, ...value } = entry.value as PathMonotonicity;
          const population = Math.max(0, value.drawUp - 2 * (value.pairedStdErr ?? 0));
          const before = {
            upFraction: upFraction(entry.step),
            ...(onAll && { populationDrawUp: population }),
          };
          return { ...entry, value: { ...value, ...before } };
        }
        if (entry.channel !== "line/profile" || !onAll) return entry;
        const value = entry.value as LineProfile;
        return { ...entry, value: { ...value, monotoneInPopulation: isMonotone(value) } };
      });
    const rule = ({ losses: [first = 0, ...rest], pairedStdErr }: LineProfile) => {
      const all = [first, ...rest];
      const rises = all.flatMap((high, j) => all.slice(0, j).map((low) => high - low));
      return Math.max(...rises) + 3 * pairedStdErr <= 1e-3 * first;
    };
    const streams = ["path/monotonicity", "line/profile"];
    expect((await verified({ header, entries: earlier(rule) }, ...streams)).agrees).toBe(true);
    const wrong = await verified({ header, entries: earlier((value) => !rule(value)) }, ...streams);
    expect(wrong.agrees).toBe(!onAll);
  });

  it("notices that a sample was taken out", async () => {
    const { header, entries } = recording;
    const gone = entries.find(({ channel, step }) => channel === "train/loss" && step === 9);
    const { streams } = await verified(
      { header, entries: entries.filter((entry) => entry !== gone) },
      "train/loss",
    );
    expect(streams.find(({ stream }) => stream === "train/loss")?.faults).toEqual([
      "step 9: a sample is due and not there",
    ]);
  });
});
