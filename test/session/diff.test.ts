import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { diffSessions } from "../../server/session/diff.ts";
import { SessionLog } from "../../server/session/log.ts";
import { buildHeader } from "../support/build-header.ts";
import { appendSteps, thetaAt } from "../support/write-steps.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-diff-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function create(name: string, changes: Parameters<typeof buildHeader>[0] = {}): Promise<SessionLog> {
  return SessionLog.create({ header: buildHeader(changes), path: join(folder, `${name}.mcap`) });
}

test("two equal runs do not differ, whatever the order in which their threads reported, and whatever the overhead", async () => {
  const a = await create("a");
  const b = await create("b", { id: "f".repeat(32), name: "another", startedAtMs: 1 });
  await appendSteps(a, 40);
  await appendSteps(b, 40);
  a.append(0, 41, { json: "1" });
  a.append(3, 40, { json: "2" });
  a.append(5, 40, { json: "0.1" });
  b.append(3, 40, { json: "2" });
  b.append(5, 40, { json: "0.2" });
  b.append(5, 41, { json: "0.3" });
  b.append(0, 41, { json: "1" });
  await Promise.all([a.flush(), b.flush()]);
  const diff = await diffSessions(a, b);
  expect(diff.isEqual).toBe(true);
  expect(diff.setup).toEqual([]);
  expect(diff.channels.map(({ channel, equal }) => [channel, equal])).toEqual([
    ["train/loss", 41],
    ["train/weights", 40],
    ["train/state", 2],
    ["hessian/eigenvalues", 5],
    ["run/status", 2],
  ]);
  await Promise.all([a.close(), b.close()]);
});

test("exactly the planted differences are found", async () => {
  const parameterCount = 6;
  const a = await create("a", { backend: "wasm", config: { learningRate: 0.2, steps: 100 } });
  const b = await create("b");
  const encoders = [new WeightEncoder(parameterCount), new WeightEncoder(parameterCount)];
  for (let step = 0; step < 20; step++) {
    [a, b].forEach((log, i) => {
      const theta = thetaAt(step, parameterCount);
      if (step === 7 && log === b) theta[5] = -0;
      if (step === 7 && log === a) theta[5] = 0;
      log.append(1, step, { weights: (encoders[i] as WeightEncoder).encode(theta) });
      if (!(step === 3 && log === a) && !(step === 4 && log === b))
        log.append(0, step, { json: `${step}.5` });
      if (step === 10)
        log.append(3, step, { json: log === a ? '{"top":[1]}' : '{"top":[1.0000000000000002]}' });
    });
  }
  await Promise.all([a.flush(), b.flush()]);
  const diff = await diffSessions(a, b);
  expect(diff.isEqual).toBe(false);
  expect(diff.setup).toEqual([
    { part: "config.learningRate", a: "0.2", b: "0.1" },
    { part: "backend", a: '"wasm"', b: '"cpu"' },
  ]);
  const none = { different: 0, onlyInA: 0, onlyInB: 0, first: [] };
  expect(diff.channels).toEqual([
    {
      channel: "train/loss",
      equal: 18,
      different: 0,
      onlyInA: 1,
      onlyInB: 1,
      first: [
        { step: 3, a: null, b: "3.5" },
        { step: 4, a: "4.5", b: null },
      ],
    },
    {
      ...none,
      channel: "train/weights",
      equal: 19,
      different: 1,
      first: [{ step: 7, a: "[5] = 0 (0x0)", b: "[5] = 0 (0x80000000)" }],
    },
    { ...none, channel: "train/state", equal: 0 },
    {
      ...none,
      channel: "hessian/eigenvalues",
      equal: 0,
      different: 1,
      first: [{ step: 10, a: '{"top":[1]}', b: '{"top":[1.0000000000000002]}' }],
    },
    { ...none, channel: "run/status", equal: 0 },
  ]);
  await Promise.all([a.close(), b.close()]);
});

test("a channel that only one session has is missing in the other, and a long list is cut", async () => {
  const a = await create("a");
  const b = await create("b", { channels: buildHeader().channels.slice(1) });
  for (let step = 0; step < 9; step++) a.append(0, step, { json: "1" });
  await a.flush();
  const diff = await diffSessions(a, b, { listed: 2 });
  expect(diff.channels.find(({ channel }) => channel === "train/loss")).toEqual({
    channel: "train/loss",
    equal: 0,
    different: 0,
    onlyInA: 9,
    onlyInB: 0,
    first: [
      { step: 0, a: "1", b: null },
      { step: 1, a: "1", b: null },
    ],
  });
  await Promise.all([a.close(), b.close()]);
});
