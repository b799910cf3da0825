/** kill -9 of a recording process at random moments, that of finishing among them: what it had said to be written is there, and right. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as afterMs } from "node:timers/promises";
import { createRandom, type Random } from "../../server/numerics/random.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { readAll } from "../support/read-all.ts";
import { thetaAt } from "../support/write-steps.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { buildChild } from "./child.ts";
import type { KillOrder } from "./kill-child.ts";
import { withFolder } from "./victim.ts";

export const kill: Check = {
  name: "recording/kill",
  unit: "kills",
  fast: 25,
  full: 1000,
  must: "0 acknowledged events lost, 0 gaps, 0 altered",
  run: (count, seed) => withFolder((folder) => run(folder, count, seed)),
};

const SYNCS = ["interval", "chunk", "os"] as const;
const PARAMETERS = 300;
const LONGEST_DELAY_MS = 250;

async function run(folder: string, count: number, seed: number): Promise<Outcome> {
  const random = createRandom(seed);
  const failures = new Failures();
  const figures = {
    acknowledged: 0,
    recovered: 0,
    "killed before the first": 0,
    "ended before the kill": 0,
    parts: 0,
  };
  const program = await buildChild("kill-child");
  for (let i = 0; i < count; i++) {
    const order = drawOrder(join(folder, `${i}.mcap`), random);
    const delayMs = random.uniform() * LONGEST_DELAY_MS;
    const fail = (sentence: string) =>
      failures.add(`kill ${i} after ${delayMs.toFixed(1)} ms of ${JSON.stringify(order)}: ${sentence}`);
    const { said, wasKilled } = await killAfter(program, order, delayMs);
    if (!wasKilled) figures["ended before the kill"]++;
    if (said < 0) figures["killed before the first"]++;
    figures.acknowledged += said + 1;
    figures.recovered += await recovered(order, said, fail);
  }
  figures.parts = (await readdir(folder)).length;
  return { count, failures: failures.sentences, figures };
}

function drawOrder(path: string, random: Random): KillOrder {
  return {
    path,
    parameterCount: PARAMETERS,
    keeping: {
      sync: SYNCS[random.integer(SYNCS.length)] ?? "interval",
      partBytes: random.uniform() < 0.5 ? 40_000 + random.integer(200_000) : 2 ** 30,
    },
    isHurried: random.uniform() < 0.5,
    steps: random.uniform() < 0.5 ? 1 + random.integer(300) : 1_000_000,
  };
}

/** @returns the last seq it said was written, -1 if none. The delay counts from its first word. */
async function killAfter(
  program: string,
  order: KillOrder,
  delayMs: number,
): Promise<{ readonly said: number; readonly wasKilled: boolean }> {
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  let said = -1;
  let isTimed = false;
  for await (const line of createInterface({ input: child.stdout })) {
    said = Number(line);
    if (isTimed) continue;
    isTimed = true;
    void afterMs(delayMs).then(() => child.kill("SIGKILL"));
  }
  const [, signal] = (await closed) as [number | null, string | null];
  return { said, wasKilled: signal === "SIGKILL" };
}

/** How many events the recording holds, each compared with what must have been written. */
async function recovered(
  { path }: KillOrder,
  said: number,
  fail: (sentence: string) => void,
): Promise<number> {
  const session = await openRecording(path).catch((cause: unknown) => String(cause));
  if (typeof session === "string") {
    fail(session);
    return 0;
  }
  const { headSeq } = session.status;
  if (headSeq < said) fail(`seq ${said} had been acknowledged, and ${headSeq} is the last there is`);
  const events = await readAll(session);
  if (events.length !== headSeq + 1) fail(`${events.length} events up to seq ${headSeq}`);
  for (const [i, { seq, channel, step, json, data }] of events.entries()) {
    const isExpected = seq === i && channel === seq % 2 && step === Math.floor(seq / 2);
    const isValue = channel === 0 ? json === String(step) : isTheta(data, step);
    if (!isExpected || !isValue)
      fail(`event ${i} is seq ${seq} of channel ${channel} at step ${step}, and not what was written`);
  }
  await session.close();
  return events.length;
}

function isTheta(data: Float32Array | Uint8Array | undefined, step: number): boolean {
  if (!(data instanceof Float32Array)) return false;
  const expected = thetaAt(step, PARAMETERS);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).equals(Buffer.from(expected.buffer));
}
