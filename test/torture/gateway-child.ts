/** A server in a process of its own, to be watched or killed: writes a session as it was told, and serves it. Told over IPC. */
import { createRandom } from "../../server/numerics/random.ts";
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import { buildHeader } from "../support/build-header.ts";
import { testGateway } from "../support/test-gateway.ts";
import { thetaAt } from "../support/write-steps.ts";

export interface ChildOrder {
  readonly path: string;
  readonly id: string;
  readonly parameterCount: number;
  /** Of the text that goes with each step. */
  readonly textBytes: number;
  /** θ with each step, or text alone. */
  readonly hasWeights: boolean;
  readonly steps: number;
  /** Between steps; 0: as fast as the log takes them. */
  readonly intervalMs: number;
  readonly maxConnections: number;
}

/** What it says: its address, then the answers to "rss", and that all steps are written. */
export type ChildWord =
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "rss"; readonly bytes: number; readonly cpuMs: number }
  | { readonly kind: "written" };

const THETAS = 16;
const say = (word: ChildWord) => process.send?.(word);

const order = JSON.parse(process.argv[2] ?? "") as ChildOrder;
const header = buildHeader({ id: order.id, parameterCount: order.parameterCount, startedAtMs: Date.now() });
const log = await SessionLog.create({ header, path: order.path });
const gateway = await testGateway([log], { limits: { batchMs: 8, maxConnections: order.maxConnections } });
process.on("disconnect", () => process.exit());
process.on("message", (asked) => {
  if (asked === "rss") {
    const { user, system } = process.cpuUsage();
    say({ kind: "rss", bytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 });
  }
  if (asked === "begin") void write();
});
say({ kind: "listening", url: gateway.url });

async function write(): Promise<void> {
  const encoder = new WeightEncoder(order.parameterCount);
  // Made beforehand: what is watched is the server.
  const thetas = Array.from({ length: THETAS }, (_, step) => thetaAt(step, order.parameterCount));
  const filler = "x".repeat(order.textBytes);
  const random = createRandom(1);
  const beganMs = performance.now();
  for (let step = 0; step < order.steps; step++) {
    log.append(0, step, { json: order.textBytes > 0 ? `"${filler}"` : String(random.uniform()) });
    if (order.hasWeights)
      log.append(1, step, { weights: encoder.encode(thetas[step % THETAS] as Float32Array) });
    await log.whenBelow(2 ** 20);
    const dueMs = beganMs + (step + 1) * order.intervalMs;
    const waitMs = Math.max(0, dueMs - performance.now());
    if (order.intervalMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    else await new Promise(setImmediate);
  }
  await log.flush();
  await log.finish("finished");
  say({ kind: "written" });
}
