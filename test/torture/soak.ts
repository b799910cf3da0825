/** A recording that goes on and on: the memory of its process must not. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openRecording } from "../../server/session/recorded-session.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { buildChild } from "./child.ts";
import type { SoakOrder, SoakReport } from "./soak-child.ts";
import { withFolder } from "./victim.ts";

export const soak: Check = {
  name: "recording/soak",
  unit: "seconds",
  fast: 60,
  full: 3600,
  must: "memory after GC +≤ 8 MB, over 10 minutes a slope < 2 MB/h; no gap",
  run: (count) => withFolder((folder) => run(folder, count)),
};

const MB = 1e6;
const MOST_GROWTH_BYTES = 8 * MB;
const MOST_SLOPE_BYTES_PER_HOUR = 2 * MB;
/** Until buffers have their size and code is compiled. */
const WARM_UP_SECONDS = 20;
/** Below it, a slope is noise. */
const SLOPE_FROM_SECONDS = 600;

async function run(folder: string, seconds: number): Promise<Outcome> {
  const failures = new Failures();
  const order: SoakOrder = { path: join(folder, "a.mcap"), seconds };
  const child = spawn(process.execPath, [await buildChild("soak-child"), JSON.stringify(order)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const reports: SoakReport[] = [];
  for await (const line of createInterface({ input: child.stdout }))
    reports.push(JSON.parse(line) as SoakReport);
  const [code] = (await closed) as [number | null];
  if (code !== 0) failures.add(`the recording process ended with ${code}`);
  const warm = reports.filter(({ second }) => second > Math.min(WARM_UP_SECONDS, seconds / 3));
  const [first, last] = [warm[0], warm.at(-1)];
  if (first === undefined || last === undefined) {
    failures.add("it said nothing");
    return { count: reports.length, failures: failures.sentences, figures: {} };
  }
  const growth = last.rssBytes - first.rssBytes;
  const slope = 3600 * slopeOf(warm.map(({ second, rssBytes }) => [second, rssBytes]));
  if (growth > MOST_GROWTH_BYTES) failures.add(`${growth / MB} MB more than at second ${first.second}`);
  if (seconds >= SLOPE_FROM_SECONDS && slope > MOST_SLOPE_BYTES_PER_HOUR)
    failures.add(`a slope of ${slope / MB} MB/h`);
  if (reports.some(({ isGapless }) => !isGapless)) failures.add("the reader beside it met a gap");
  const recorded = await openRecording(order.path);
  if (recorded.status.reason !== "finished") failures.add(`the recording is ${recorded.status.reason}`);
  if (recorded.status.headSeq + 1 < last.read)
    failures.add(`${last.read} events were read, ${recorded.status.headSeq + 1} are recorded`);
  await recorded.close();
  const figures = {
    events: recorded.status.headSeq + 1,
    "RSS MB": last.rssBytes / MB,
    "RSS growth MB": growth / MB,
    "RSS slope MB/h": slope / MB,
    "heap slope MB/h": (3600 * slopeOf(warm.map(({ second, heapBytes }) => [second, heapBytes]))) / MB,
  };
  return { count: reports.length, failures: failures.sentences, figures };
}

/** Of the least-squares line. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const [above, below] = points.reduce(
    ([a, b], [x, y]) => [a + (x - meanX) * (y - meanY), b + (x - meanX) ** 2],
    [0, 0],
  );
  return below === 0 ? 0 : above / below;
}
