import { mkdtemp, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNpy } from "../../server/gateway/npy.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { startLiveSession } from "../../server/threads/start-live-session.ts";
import type { RunSettings } from "../../server/training/config.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import type { VerifyReport } from "../../server/verify/report.ts";
import { Sampler } from "../../server/verify/sampler.ts";
import { verifyRecording } from "../../server/verify/verify.ts";
import { type Readout, readRecording, writeRecording } from "../support/rewritten-recording.ts";
import { runHere } from "../support/run-here.ts";

let folder: string;
let path: string;
let recording: Readout;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-verify-"));
  path = await recorded({
    optimizer: "gd",
    steps: 12,
    weightsEvery: 3,
    every: { hessian: 6, path: 1, line: 12, eval: 12 },
  });
  recording = await readRecording(path);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function recorded(settings: RunSettings): Promise<string> {
  const resolved = resolveSettings({ preset: "spirals", trainSize: 40, hidden: [4], ...settings });
  if (!resolved.ok) throw new Error(resolved.problems.join());
  const session = await startLiveSession({ config: resolved.config, folder, record: true });
  await session.ended;
  await session.close();
  return session.recordingPath as string;
}

async function verified(name: string, changed: Readout): Promise<VerifyReport> {
  const copy = join(folder, name);
  await writeRecording(copy, changed);
  return verifyRecording(copy);
}

const verdictOf = ({ streams }: VerifyReport, name: string) => streams.find(({ stream }) => stream === name);

describe("a recording whose θ is there at every third step only", () => {
  it("is checked at the steps between by retracing updates", async () => {
    const report = await verifyRecording(path);
    expect(report.agrees).toBe(true);
    for (const stream of ["train/loss", "train/gradient-norm", "train/update-norm"])
      expect(verdictOf(report, stream)).toMatchObject({ checked: 12, verdict: "agrees" });
  });
});

it("says what cannot be retraced, of a rule with a memory", async () => {
  const every = { hessian: 4, path: 8, line: 8, eval: 8 };
  const report = await verifyRecording(await recorded({ steps: 8, weightsEvery: 2, every }));
  // v₁ of step 1 is used from step 3 on, that of 2 from 5 on: two θ that are not there, nor can be known by the rule.
  expect(verdictOf(report, "path/top-mode")).toMatchObject({
    verdict: "not checked",
    notChecked: ["projections whose θ, or the one that they begin at, is not recorded (4 times)"],
  });
});

describe("θ at powers of two", () => {
  const isDense = (step: number) => step % 3 !== 0 && (step & (step - 1)) === 0;

  it("is there for what is measured densely at first", async () => {
    const report = await verifyRecording(path);
    expect(verdictOf(report, "hessian/eigenvalues")).toMatchObject({ samples: 6, checked: 6 });
    expect(verdictOf(report, "train/weights")).toMatchObject({ samples: 9, checked: 9 });
  });

  it("is missed where one is gone", async () => {
    const entries = recording.entries.filter(
      ({ channel, step }) => channel !== "train/weights" || step !== 8,
    );
    const report = await verified("gone.mcap", { ...recording, entries });
    const missing = "θ of step 8 is not in the recording";
    // That of step 9 is retraced from it.
    expect(verdictOf(report, "train/weights")?.faults).toEqual([`step 8: ${missing}`, `step 9: ${missing}`]);
    expect(verdictOf(report, "path/top-mode")?.faults).toEqual([`step 8: ${missing}`]);
  });

  it("is not asked of a recording that was to have multiples only", async () => {
    const channels = recording.header.channels.map((each) =>
      each.name === "train/weights" ? { ...each, cadence: { kind: "logged" as const, every: 3 } } : each,
    );
    const entries = recording.entries.filter(
      ({ channel, step }) => channel !== "train/weights" || !isDense(step),
    );
    const report = await verified("old.mcap", { header: { ...recording.header, channels }, entries });
    expect(report.agrees).toBe(true);
    expect(verdictOf(report, "train/weights")).toMatchObject({ samples: 5, checked: 5 });
    expect(verdictOf(report, "hessian/eigenvalues")).toMatchObject({ samples: 6, checked: 3 });
  });
});

describe("what cannot be derived", () => {
  it("is not checked when the data are other ones, and the header differs", async () => {
    const probe = { ...recording.header.probe, sha256: "0".repeat(64) };
    const report = await verified("sha.mcap", { ...recording, header: { ...recording.header, probe } });
    expect(verdictOf(report, "header")?.faults[0]).toMatch(
      /^step 0: the probe's sha256 is 0{64}, that of two-spirals/,
    );
    expect(verdictOf(report, "path/loss")).toMatchObject({
      verdict: "not checked",
      notChecked: ["the data of two-spirals are not those recorded"],
    });
    expect(verdictOf(report, "distance/to-init")?.verdict).toBe("agrees");
  });

  it("is not checked for a layer without float64 rules, by its name", async () => {
    const model = { config: { layers: [{ class_name: "LSTM", config: { name: "memory" } }] } };
    const report = await verified("memory.mcap", { ...recording, header: { ...recording.header, model } });
    expect(verdictOf(report, "hessian/eigenvalues")).toMatchObject({
      verdict: "not checked",
      notChecked: expect.arrayContaining(["there is no float64 rule for layer memory (LSTM)"]),
    });
    expect(report.agrees).toBe(true);
  });

  it("is named where a stream has no rule", async () => {
    const channels = recording.header.channels.map((each) =>
      each.name === "eval/test-loss" ? { ...each, name: "eval/unheard-of" } : each,
    );
    const entries = recording.entries.map((entry) =>
      entry.channel === "eval/test-loss" ? { ...entry, channel: "eval/unheard-of" } : entry,
    );
    const report = await verified("stream.mcap", { header: { ...recording.header, channels }, entries });
    expect(verdictOf(report, "eval/unheard-of")).toMatchObject({
      verdict: "not checked",
      notChecked: ["there is no rule for this stream"],
    });
  });
});

it("reads a file that was cut off as far as it goes, and says so", async () => {
  const cut = join(folder, "cut.mcap");
  await writeRecording(cut, recording, "cut");
  await truncate(cut, (await stat(cut)).size - 20);
  const report = await verifyRecording(cut);
  expect(report.agrees).toBe(true);
  expect(verdictOf(report, "header")?.notChecked[0]).toMatch(/^what came after the last whole chunk: /);
});

it("asks a file that was cut off for no θ that came to the log after its end, as θ comes last", async () => {
  const entries = recording.entries.filter(({ channel, step }) => channel !== "train/weights" || step < 7);
  const late = join(folder, "late.mcap");
  await writeRecording(late, { ...recording, entries }, "cut");
  const report = await verifyRecording(late);
  expect(report.streams.flatMap(({ faults }) => faults)).toEqual([]);
  expect(verdictOf(report, "train/weights")).toMatchObject({ samples: 6, checked: 6 });
  expect(report.streams.flatMap(({ notChecked }) => notChecked)).toContainEqual(
    expect.stringMatching(/^\d samples? whose θ is not recorded$/),
  );
  // One that is missing before the last is missed.
  const holed = entries.filter(({ channel, step }) => channel !== "train/weights" || step !== 3);
  const missing = join(folder, "missing.mcap");
  await writeRecording(missing, { ...recording, entries: holed }, "cut");
  expect(verdictOf(await verifyRecording(missing), "train/weights")?.faults[0]).toBe(
    "step 3: θ of step 3 is not in the recording",
  );
});

it("draws the same steps for streams that have the same, other ones with another seed, and the ends always", () => {
  const steps = (seed: number) => {
    const reservoir = new Sampler(seed, null).reservoir<number>(6);
    for (let step = 0; step < 200; step++) reservoir.offer(step, step);
    return reservoir.drawn().map(({ step }) => step);
  };
  expect(steps(1)).toEqual(steps(1));
  expect(steps(1)).toHaveLength(6);
  expect(steps(1)).not.toEqual(steps(2));
  expect([steps(1)[0], steps(1).at(-1)]).toEqual([0, 199]);
});

describe("the command line", { timeout: 120_000 }, () => {
  it("ends with 0 where all agrees, with 1 where something differs", async () => {
    const good = await runHere(["verify", path]);
    expect(good.out).toMatch(/^verifying .* …\nsha256 /);
    expect(good.out).toMatch(/^all \d+ agree$|^what was checked agrees/m);
    expect(good).toMatchObject({ code: 0, err: "" });
    const entries = recording.entries.map((entry) =>
      entry.channel === "train/loss" && entry.step === 7 ? { ...entry, value: 0.5 } : entry,
    );
    const altered = join(folder, "altered.mcap");
    await writeRecording(altered, { ...recording, entries });
    const bad = await runHere(["verify", altered, "--json"]);
    expect(bad.code).toBe(1);
    const report = JSON.parse(bad.out) as VerifyReport;
    expect(report.streams.filter(({ verdict }) => verdict === "differs").map(({ stream }) => stream)).toEqual(
      ["train/loss"],
    );
  });

  it("prints the spectrum at a recorded step, and float64's beside it", async () => {
    const { out, code } = await runHere([
      "hessian",
      path,
      "--step",
      "6",
      "--top",
      "3",
      "--bottom",
      "1",
      "--exact",
      "--density",
      "--json",
    ]);
    expect(code).toBe(0);
    const { top, bottom, exact, density, step, parameterCount } = JSON.parse(out);
    expect({ step, parameterCount, count: exact.length }).toEqual({ step: 6, parameterCount: 22, count: 22 });
    const largest = exact[0];
    // 24 steps are more than the network has weights: each quadrature is exact, only four signs are drawn.
    const trace = exact.reduce((sum: number, value: number) => sum + value, 0);
    expect(Math.abs(density.trace - trace)).toBeLessThan(4 * density.traceStdErr);
    for (const [i, { value, residual }] of top.entries())
      expect(Math.abs(value - exact[i])).toBeLessThan(residual + 1e-6 * largest);
    expect(Math.abs(bottom[0].value - exact[21])).toBeLessThan(bottom[0].residual + 1e-6 * largest);
  });

  it("takes θ from a NumPy file or from safetensors, with the network that it belongs to", async () => {
    const session = await openRecording(path);
    const found = await session.weights(6);
    await session.close();
    if (!found.found) throw new Error("θ of step 6 is recorded");
    const npy = join(folder, "theta.npy");
    await writeFile(npy, encodeNpy(found.theta));
    const safetensors = join(folder, "theta.safetensors");
    await writeFile(safetensors, encodeSafetensors(found.theta));
    const config = join(folder, "run.json");
    const settings = { preset: "spirals", trainSize: 40, hidden: [4], optimizer: "gd", momentum: undefined };
    await writeFile(config, JSON.stringify(settings));
    const spectrum = async (args: readonly string[]) => {
      const { out, err, code } = await runHere(["hessian", ...args, "--json"]);
      expect({ err, code }).toEqual({ err: "", code: 0 });
      return { ...JSON.parse(out), source: "", step: 0 };
    };
    const recorded = await spectrum([path, "--step", "6"]);
    for (const file of [npy, safetensors])
      expect(await spectrum([file, "--config", config])).toEqual(recorded);
  });

  function encodeSafetensors(theta: Float32Array): Buffer {
    const tensors = recording.header.parameters.map(({ name, shape, offset }) => {
      const size = shape.reduce((product, length) => product * length, 1);
      return [name, { dtype: "F32", shape, data_offsets: [4 * offset, 4 * (offset + size)] }];
    });
    const header = Buffer.from(JSON.stringify(Object.fromEntries(tensors)));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    return Buffer.concat([length, header, Buffer.from(theta.buffer)]);
  }

  it("answers mistakes with one sentence and exit code 2", async () => {
    const short = join(folder, "short.npy");
    await writeFile(short, encodeNpy(new Float32Array(10)));
    const foreign = join(folder, "foreign.npy");
    await writeFile(foreign, "these are no weights");
    const mistakes = [
      [["verify", path, "--samples", "none"], 'samples: expected a whole number > 0, got "none"'],
      [
        ["hessian", path, "--step", "7"],
        "step: expected a step whose weights are recorded, got 7; the nearest are 6 and 8",
      ],
      [["hessian", short, "--preset", "spirals"], `${short}: expected 1218 weights, found 10`],
      [["hessian", foreign, "--preset", "spirals"], `${foreign}: expected a NumPy file, found other bytes`],
      [
        ["hessian", short],
        `hessian: expected --preset, --config or --module with ${short}: they say which network and which data the weights belong to`,
      ],
    ] as const;
    for (const [args, sentence] of mistakes)
      expect(await runHere(args)).toEqual({ code: 2, out: "", err: `thalweg: ${sentence}\n` });
  });
});
