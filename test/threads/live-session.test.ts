/** The whole of it: three threads, a real task, a recording. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filter, firstValueFrom } from "rxjs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { diffSessions } from "../../server/session/diff.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import type { Session, SessionEvent } from "../../server/session/session.ts";
import type { LiveSession } from "../../server/threads/live-session.ts";
import { startLiveSession } from "../../server/threads/start-live-session.ts";
import type { RunSettings } from "../../server/training/config.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import type { DirectionalSharpness, PreconditionedEigenvalues } from "../../shared/readings.ts";
import { decodeValue } from "../../shared/value.ts";

const SETTINGS: RunSettings = {
  preset: "edge",
  trainSize: 200,
  hidden: [16],
  steps: 60,
  weightsEvery: 3,
  every: {
    hessian: 20,
    line: 30,
    eval: 30,
    path: 10,
    "batch-sharpness": 20,
    density: 30,
    "per-layer": 30,
    "gauss-newton": 30,
    directional: 20,
    sam: 20,
  },
};

/** Minibatches, and data that needs no reading. */
const SPIRALS: RunSettings = {
  task: "two-spirals",
  dataset: "two-spirals",
  trainSize: 300,
  probeSize: 100,
  hidden: [12],
  batchSize: 32,
  optimizer: "adam",
  learningRate: 0.01,
  steps: 40,
  weightsEvery: 5,
  every: {
    hessian: 10,
    line: 20,
    eval: 20,
    path: 5,
    "batch-sharpness": 10,
    density: 20,
    "per-layer": 20,
    "gauss-newton": 20,
    preconditioned: 10,
    directional: 10,
    sam: 10,
    "noise-scale": 20,
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-live-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(settings: RunSettings, record = true): Promise<LiveSession> {
  const resolved = resolveSettings(settings);
  if (!resolved.ok) throw new Error(resolved.problems.join());
  return startLiveSession({
    config: resolved.config,
    folder,
    record,
    onTrouble: (sentence) => {
      throw new Error(sentence);
    },
  });
}

async function everything(session: Session): Promise<SessionEvent[]> {
  const cursor = session.cursor({ channels: new Set(session.header.channels.keys()), from: 0 });
  const events: SessionEvent[] = [];
  while (cursor.position <= session.status.headSeq) {
    events.push(...(await cursor.read({ maxEvents: 500, maxBytes: 2 ** 20 })));
  }
  cursor.close();
  return events;
}

function samplesOf(session: Session, events: readonly SessionEvent[], channel: string) {
  const index = session.header.channels.findIndex(({ name }) => name === channel);
  return events
    .filter((event) => event.channel === index)
    .map(({ step, json }) => ({ step, value: decodeValue(JSON.parse(json ?? "null")) as never }));
}

/** Threads start, data is read: seconds on an idle machine, more on a shared one. */
const TIMEOUT_MS = 180_000;

/** But for what a busy machine adds, which does not come to the last measurements' end before they are given up. */
const codesOf = (statuses: readonly { readonly code: string }[]) =>
  statuses.map(({ code }) => code).filter((code) => code !== "measurement-abandoned");

describe("a live session", { timeout: TIMEOUT_MS }, () => {
  it("measures what is due, and its recording holds every event bit for bit", async () => {
    const session = await start(SETTINGS);
    expect(await session.ended).toBe("finished");
    const live = await everything(session);
    expect(live.map(({ seq }) => seq)).toEqual([...live.keys()]);
    const steps = (channel: string) => samplesOf(session, live, channel).map(({ step }) => step);
    const all = Array.from({ length: 61 }, (_, t) => t);
    expect(steps("train/loss")).toEqual(all.slice(1));
    expect(steps("path/loss")).toEqual(all);
    expect(steps("distance/to-init")).toEqual(all);
    expect(steps("hessian/eigenvalues")).toEqual([0, 1, 2, 4, 8, 16, 20, 40, 60]);
    expect(steps("line/profile")).toEqual([0, 1, 2, 4, 8, 16, 30, 60]);
    const logged = all.filter((t) => t % 3 === 0 || [1, 2, 4, 8, 16, 32].includes(t));
    expect(steps("train/weights"), "whatever begins densely has its θ").toEqual(logged);
    expect(steps("hessian/density"), "sparse: no dense beginning").toEqual([0, 30, 60]);
    expect(steps("gradient/top-subspace")).toEqual(steps("hessian/eigenvalues"));
    expect(steps("hessian/directional"), "no update has made θ₀").toEqual([1, 2, 4, 8, 16, 20, 40, 60]);
    // Full-batch gradient descent: the update is along the gradient, and its length is the logged one.
    const norms = samplesOf(session, live, "train/update-norm") as { step: number; value: number }[];
    for (const { step, value } of samplesOf(session, live, "hessian/directional"))
      expect((value as DirectionalSharpness).updateNorm).toBeCloseTo(norms[step - 1]?.value ?? Number.NaN, 5);
    expect(steps("path/top-mode")[0], "v₁ of step 0 is used after step 1").toBe(2);
    // The loss that made update t+1 is the probe's loss at θ_t: the probe is the full batch.
    const path = samplesOf(session, live, "path/loss");
    for (const { step, value } of samplesOf(session, live, "train/loss"))
      expect(value).toBe(path[step - 1]?.value);

    const recorded = await openRecording(session.recordingPath as string);
    expect(recorded.header).toEqual(session.header);
    expect(recorded.status).toMatchObject({
      state: "ended",
      reason: "finished",
      headSeq: session.status.headSeq,
    });
    expect(await everything(recorded)).toEqual(live);
    const weights = await recorded.weights(60);
    expect(weights.found && Math.hypot(...weights.theta)).toBeGreaterThan(0);
    await recorded.close();
    await session.close();
  });

  it("is the same run again with the same seeds, and another with another seed", async () => {
    const paths: string[] = [];
    for (const seed of [7, 7, 8]) {
      const session = await start({ ...SPIRALS, seed });
      await session.ended;
      paths.push(session.recordingPath as string);
      await session.close();
    }
    const [a, b, c] = await Promise.all(paths.map(openRecording));
    if (a === undefined || b === undefined || c === undefined) throw new Error("three recordings");
    const same = await diffSessions(a, b);
    expect(
      same.channels.filter(({ different, onlyInA, onlyInB }) => different + onlyInA + onlyInB > 0),
    ).toEqual([]);
    expect(same.isEqual).toBe(true);
    // P of Adam and θ_{t−1} come through the ring.
    const events = await everything(a);
    const due = [1, 2, 4, 8, 10, 20, 30, 40];
    for (const channel of ["hessian/preconditioned", "hessian/directional"])
      expect(samplesOf(a, events, channel).map(({ step }) => step)).toEqual(due);
    for (const { value } of samplesOf(a, events, "hessian/preconditioned"))
      expect((value as PreconditionedEigenvalues).ratio).toBeGreaterThan(0);
    const other = await diffSessions(a, c);
    expect(other.channels.find(({ channel }) => channel === "train/loss")?.different).toBe(40);
    await Promise.all([a, b, c].map((session) => session.close()));
  });

  it("pauses, steps, changes η, measures on demand, and stops, each with an event that says so", async () => {
    const session = await start({ ...SETTINGS, steps: 100_000 }, false);
    const accept = async (...args: Parameters<NonNullable<Session["control"]>>) => {
      const result = await session.control(...args);
      expect(result).toMatchObject({ accepted: true });
      return result;
    };
    await firstValueFrom(session.status$.pipe(filter(({ step }) => step >= 1)));
    await accept({ action: "pause" });
    await accept({ action: "step" });
    await accept({ action: "set", learningRate: 0.05 });
    await accept({ action: "measure", stream: "hessian/eigenvalues" });
    await accept({ action: "measure", stream: "hessian/directional" });
    expect(await session.control({ action: "measure", stream: "train/loss" })).toMatchObject({
      accepted: false,
      code: "unknown-stream",
    });
    // A stop would give up what a busy machine has not come to.
    await vi.waitFor(
      async () => {
        const events = await everything(session);
        // What has been written lags behind the trainer: the event says at which step it was asked for.
        const asked = samplesOf(session, events, "run/status").findLast(
          ({ value }) => (value as { code: string }).code === "control-measure",
        );
        const measured = samplesOf(session, events, "hessian/directional").map(({ step }) => step);
        expect(measured, "θ_{t−1} is there on demand too").toContain(asked?.step);
      },
      { timeout: TIMEOUT_MS / 2, interval: 50 },
    );
    await accept({ action: "resume" });
    const paused = session.status.step;
    await firstValueFrom(session.status$.pipe(filter(({ step }) => step >= paused + 3)));
    await session.stop();
    expect(session.status).toMatchObject({ state: "ended", reason: "stopped" });
    const events = await everything(session);
    const statuses = samplesOf(session, events, "run/status").map(({ value }) => value as { code: string });
    expect(codesOf(statuses)).toEqual([
      "started",
      "control-pause",
      "control-step",
      "control-set",
      "control-measure",
      "control-measure",
      "control-resume",
      "stopped",
    ]);
    const rates = new Set(samplesOf(session, events, "train/learning-rate").map(({ value }) => value));
    expect([...rates]).toEqual([0.2, 0.05]);
    await session.close();
  });

  it("records divergence as a fact and stays open", async () => {
    const session = await start({ ...SETTINGS, learningRate: 50, steps: 500 });
    await new Promise<void>((resolve) => {
      session.status$.subscribe(({ state }) => {
        if (state === "diverged") resolve();
      });
    });
    expect(session.status.state).toBe("diverged");
    await session.stop();
    const events = await everything(session);
    const statuses = samplesOf(session, events, "run/status").map(({ value }) => value as { code: string });
    expect(codesOf(statuses)).toEqual(["started", "diverged", "stopped"]);
    // The run itself diverged, not the trial before it: every step up to there is recorded.
    const { step } = session.status;
    expect(step).toBeGreaterThan(1);
    expect(samplesOf(session, events, "distance/to-init").map((sample) => sample.step)).toEqual(
      Array.from({ length: step + 1 }, (_, t) => t),
    );
    await session.close();
  });

  it("does without the streams that nobody wants, and says so", async () => {
    const unwanted = ["hessian", "density", "distance/to-init"];
    const session = await start({ ...SETTINGS, steps: 20, without: unwanted }, false);
    expect(await session.ended).toBe("finished");
    const names = session.header.channels.map(({ name }) => name);
    const left = ["hessian/eigenvalues", "hessian/density", "distance/to-init", "gradient/top-subspace"];
    expect(names.filter((name) => left.includes(name))).toEqual([]);
    expect(names).toContain("gauss-newton/eigenvalues");
    const events = await everything(session);
    expect(samplesOf(session, events, "gauss-newton/eigenvalues").map(({ step }) => step)).toEqual([0, 20]);
    const said = samplesOf(session, events, "run/status").map(
      ({ value }) => value as { level: string; code: string; message: string },
    );
    expect(said.filter(({ code }) => code === "stream-left-out")).toContainEqual({
      level: "info",
      code: "stream-left-out",
      message: "hessian/density is left out: --without density",
      stream: "hessian/density",
    });
    await session.close();
  });

  it("refuses streams that there are none of, and a run without training's own", async () => {
    await expect(
      start({ ...SETTINGS, every: { hesian: 5 }, without: ["densty", "train/loss"] }),
    ).rejects.toMatchObject({
      code: "settings",
      message: expect.stringMatching(
        /^every: .*got "hesian"; did you mean hessian\?\nwithout: .*got "densty"; did you mean density\?\nwithout: .*got "train\/loss"/,
      ),
    });
  });

  it("refuses data that is not there with one sentence", async () => {
    await expect(start({ ...SETTINGS, dataset: "idx:/nowhere" })).rejects.toMatchObject({
      code: "dataset-missing",
    });
  });
});
