/** Records 500 scalars and 20 θ a second for as long as it is told, beside a lossless reader, and says each second what memory it holds. */
import { setTimeout as afterMs } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import { buildHeader } from "../support/build-header.ts";

export interface SoakOrder {
  readonly path: string;
  readonly seconds: number;
}

/** One line a second. */
export interface SoakReport {
  readonly second: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly read: number;
  /** Cursor and log agree on what has been read so far. */
  readonly isGapless: boolean;
}

const PARAMETERS = 20_000;
const TICK_MS = 50;
const SCALARS_PER_TICK = 25;
const TICKS_PER_SECOND = 1000 / TICK_MS;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const { path, seconds } = JSON.parse(process.argv[2] ?? "null") as SoakOrder;
const log = await SessionLog.create({
  header: buildHeader({ parameterCount: PARAMETERS, startedAtMs: Date.now() }),
  path,
});
const encoder = new WeightEncoder(PARAMETERS);
const theta = new Float32Array(PARAMETERS);
const cursor = log.cursor({ channels: new Set(log.header.channels.keys()), from: 0 });
const release = log.hurry();
const beganMs = performance.now();
let read = 0;
let isGapless = true;
for (let tick = 0; tick < seconds * TICKS_PER_SECOND; tick++) {
  for (let i = 0; i < PARAMETERS; i++)
    theta[i] = Math.fround((theta[i] as number) + 1e-4 * Math.sin(i + tick));
  for (let i = 0; i < SCALARS_PER_TICK; i++) log.append(0, tick, { json: String(1 / (1 + tick)) });
  log.append(1, tick, { weights: encoder.encode(theta) });
  for (;;) {
    const events = await cursor.read({ maxEvents: 100, maxBytes: 2 ** 20 });
    for (const { seq } of events) if (seq !== read++) isGapless = false;
    if (events.length === 0) break;
  }
  await afterMs(Math.max(0, beganMs + (tick + 1) * TICK_MS - performance.now()));
  if ((tick + 1) % TICKS_PER_SECOND !== 0) continue;
  collectGarbage();
  const { rss: rssBytes, heapUsed: heapBytes } = process.memoryUsage();
  const second = (tick + 1) / TICKS_PER_SECOND;
  process.stdout.write(
    `${JSON.stringify({ second, rssBytes, heapBytes, read, isGapless } satisfies SoakReport)}\n`,
  );
}
release();
cursor.close();
await log.finish("finished");
await log.close();
