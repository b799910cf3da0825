/** Random seeks in a long recording of a large network: the θ that was recorded, bit for bit, and soon. */
import { join } from "node:path";
import { createRandom } from "../../server/numerics/random.ts";
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording, type RecordedSession } from "../../server/session/recorded-session.ts";
import { buildHeader } from "../support/build-header.ts";
import { type Check, Failures, type Outcome, quantile } from "./check.ts";
import { withFolder } from "./victim.ts";

export const seeks: Check = {
  name: "recording/seeks",
  unit: "seeks",
  fast: 300,
  full: 10_000,
  must: "bit-exact, p50 ≤ 75 ms, p99 ≤ 150 ms",
  run: (count, seed) => withFolder((folder) => run(folder, count, seed)),
};

const STEPS = 100_000;
/** 784-200-200-10. */
const PARAMETERS = 199_210;
/** As the server would thin them: 1,000 θ in some 300 MB. */
const WEIGHTS_EVERY = 100;
const MOST_MS = { p50: 75, p99: 150 } as const;
const BACKLOG_BYTES = 8 * 2 ** 20;

async function run(folder: string, count: number, seed: number): Promise<Outcome> {
  const path = join(folder, "a.mcap");
  await record(path);
  const random = createRandom(seed);
  const failures = new Failures();
  const session = await openRecording(path);
  if (session.status.step !== STEPS) failures.add(`the recording ends at step ${session.status.step}`);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const step = WEIGHTS_EVERY * random.integer(STEPS / WEIGHTS_EVERY + 1);
    const seek = i % 2 === 0 ? byStep : byCursor;
    const beganMs = performance.now();
    const theta = await seek(session, step);
    times.push(performance.now() - beganMs);
    if (theta === undefined || !isSame(theta, thetaAt(step)))
      failures.add(`${seek.name} of step ${step}: another θ`);
  }
  await session.close();
  const figures = {
    "p50 ms": quantile(times, 0.5),
    "p99 ms": quantile(times, 0.99),
    "most ms": quantile(times, 1),
  };
  if (figures["p50 ms"] > MOST_MS.p50) failures.add(`p50 is ${figures["p50 ms"]} ms`);
  if (figures["p99 ms"] > MOST_MS.p99) failures.add(`p99 is ${figures["p99 ms"]} ms`);
  return { count, failures: failures.sentences, figures };
}

async function record(path: string): Promise<void> {
  const header = buildHeader({ parameterCount: PARAMETERS, startedAtMs: Date.now(), steps: STEPS });
  const log = await SessionLog.create({ header, path });
  const encoder = new WeightEncoder(PARAMETERS);
  for (let step = 0; step <= STEPS; step++) {
    log.append(0, step, { json: String(1 / (1 + step)) });
    if (step % WEIGHTS_EVERY !== 0) continue;
    log.append(1, step, { weights: encoder.encode(thetaAt(step)) });
    await log.whenBelow(BACKLOG_BYTES);
    await new Promise(setImmediate);
  }
  await log.finish("finished");
  await log.close();
}

async function byStep(session: RecordedSession, step: number): Promise<Float32Array | undefined> {
  const result = await session.weights(step);
  return result.found ? result.theta : undefined;
}

/** As a subscription seeks: to the step, then on to its next θ. */
async function byCursor(session: RecordedSession, step: number): Promise<Float32Array | undefined> {
  const cursor = session.cursor({ channels: new Set([1]), from: await session.seqOfStep(step) });
  const [event] = await cursor.read({ maxEvents: 1, maxBytes: 1 });
  cursor.close();
  return event?.step === step && event.data instanceof Float32Array ? event.data : undefined;
}

/** A slow drift with noise in the last bits, as training has: about as hard to pack as SGD's. */
function thetaAt(step: number): Float32Array {
  const theta = new Float32Array(PARAMETERS);
  for (let i = 0; i < PARAMETERS; i++) {
    const noise = (Math.imul(Math.imul(i + 1, 0x9e3779b1) ^ step, 0x85ebca6b) >>> 8) / 2 ** 24;
    theta[i] = 0.05 * ((i % 97) - 48) + 1e-6 * step + 1e-3 * noise;
  }
  return theta;
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer));
}
