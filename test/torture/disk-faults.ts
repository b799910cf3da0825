/** A disk that fails at one operation, each in turn, in each way, under each policy: said loudly, nothing lost that can be kept. */
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import type { Recovery } from "../../server/session/log-writer.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { buildHeader } from "../support/build-header.ts";
import { type DiskFault, FaultyDisk } from "../support/faulty-disk.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { thetaAt } from "../support/write-steps.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { withFolder } from "./victim.ts";

export const diskFaults: Check = {
  name: "recording/disk-faults",
  unit: "operations",
  fast: 200,
  full: 2000,
  must: "said loudly, earlier data readable, nothing lost unannounced",
  run: (count, seed) => withFolder((folder) => run(folder, count, seed)),
};

const FAULTS = ["short-write", "ENOSPC", "EIO", "fsync-EIO"] as const;
const POLICIES = ["pause", "continue"] as const;
const CODE: Readonly<Record<DiskFault, string | null>> = {
  "short-write": null,
  ENOSPC: "disk-full",
  EIO: "disk-error",
  "fsync-EIO": "disk-error",
};
/** Operations at which each way is tried. */
const ALL_WAYS = 200;
/** Of events after the disk is well again. */
const STEPS_AFTER = 12;
const KEYFRAME_EVERY = 4;
const PARAMETERS = 6;

async function run(folder: string, count: number, seed: number): Promise<Outcome> {
  const failures = new Failures();
  const figures = { runs: 0, recoveries: 0, "events lost and said to be": 0 };
  for (let at = 0; at < count; at++) {
    for (const [fault, onFailure] of waysAt(at, seed)) {
      const fail = (sentence: string) =>
        failures.add(`${fault} at operation ${at}, ${onFailure}, seed ${seed}: ${sentence}`);
      const path = join(folder, `${figures.runs++}.mcap`);
      try {
        for (const { lost } of await maltreat(path, fault, at, onFailure, fail)) {
          figures.recoveries++;
          if (lost !== null) figures["events lost and said to be"] += lost.toSeq - lost.fromSeq + 1;
        }
      } catch (cause) {
        fail(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
      }
    }
  }
  return { count, failures: failures.sentences, figures };
}

/** Every way of failing; far into a run, which takes long to get to, one after the other. */
function waysAt(at: number, seed: number): readonly (readonly [DiskFault, "pause" | "continue"])[] {
  const ways = FAULTS.flatMap((fault) => POLICIES.map((policy) => [fault, policy] as const));
  return at < ALL_WAYS ? ways : ways.filter((_, i) => i === (at + seed) % ways.length);
}

/** Records until the disk has failed at that operation, heals it, goes on, finishes, and compares what is read. */
async function maltreat(
  path: string,
  fault: DiskFault,
  at: number,
  onFailure: "pause" | "continue",
  fail: (sentence: string) => void,
): Promise<Recovery[]> {
  const disk = new FaultyDisk(fault, at);
  const header = buildHeader({ parameterCount: PARAMETERS });
  // A part is full after some 20 chunks, so that faults also hit the change from one to the next.
  const keeping = { sync: "chunk", onFailure, partBytes: 24_000 } as const;
  const log = await SessionLog.create({ header, path, open: disk.open, retryMs: 1, ...keeping }).catch(
    (cause: { code: string }) => cause,
  );
  if (!(log instanceof SessionLog)) {
    if (log.code !== CODE[fault]) fail(`the log could not be begun: ${log.code}`);
    return [];
  }
  const failures: string[] = [];
  const recoveries: Recovery[] = [];
  log.failure$.subscribe(({ code }) => failures.push(code));
  log.recovery$.subscribe((recovery) => recoveries.push(recovery));
  const encoder = new WeightEncoder(PARAMETERS, KEYFRAME_EVERY);
  let step = 0;
  const writeStep = async () => {
    log.append(0, step, { json: String(step) });
    log.append(1, step, { weights: encoder.encode(thetaAt(step, PARAMETERS)) });
    step++;
    await Promise.all([log.flush(), setImmediate()]);
  };
  while (!disk.hasFailed) await writeStep();
  if (CODE[fault] !== null) {
    // Said, and what was written before it is there.
    if (failures[0] !== CODE[fault]) fail(`expected ${CODE[fault]} to be said, got ${failures[0]}`);
    const early = await readAll(log);
    if (early.length !== log.status.headSeq + 1)
      fail(`${early.length} events are readable of ${log.status.headSeq + 1}`);
    disk.heal();
    for (let turn = 0; log.status.trouble !== null && turn < 10_000; turn++) {
      if (turn % 10 === 0 && onFailure === "continue") await writeStep();
      else await new Promise((resolve) => setTimeout(resolve, 1));
    }
    if (log.status.trouble !== null) fail("the log does not go on, though the disk is well again");
  }
  for (let i = 0; i < STEPS_AFTER; i++) await writeStep();
  const { accepted } = log.watermarks;
  const live = await readAll(log);
  if (live.length !== accepted + 1) fail(`${live.length} of ${accepted + 1} events are readable live`);
  await log.finish("finished");
  await log.close();

  const isLost = (seq: number) =>
    recoveries.some(({ lost }) => lost !== null && seq >= lost.fromSeq && seq <= lost.toSeq);
  const recorded = await openRecording(path);
  const found = fingerprints(await readAll(recorded));
  const kept = fingerprints(live.filter(({ seq }) => !isLost(seq)));
  if (found.join("\n") !== kept.join("\n"))
    fail(`${found.length} events are recorded, of ${kept.length} that must be`);
  if (recorded.status.reason !== "finished")
    fail(`the recording is ${recorded.status.reason}: ${recorded.fault}`);
  if (onFailure === "pause" && recoveries.some(({ lost }) => lost !== null))
    fail("events were lost under pause");
  await recorded.close();
  return recoveries;
}
