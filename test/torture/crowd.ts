/** A thousand clients of one live session: 1 KB fifty times a second to each of them. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { TOKEN } from "../support/test-gateway.ts";
import { type Check, Failures, type Outcome, quantile } from "./check.ts";
import { ChildServer } from "./child-server.ts";
import { withFolder } from "./victim.ts";

const CLIENTS = 1000;
const HZ = 50;
/** Together with its frame about 1 KB. */
const TEXT_BYTES = 900;
const CONNECTED_AT_ONCE = 50;

export const crowd: Check = {
  name: "gateway/crowd",
  unit: "seconds",
  fast: 10,
  full: 600,
  must: "1,000 clients, none dropped, nothing missing",
  run,
};

interface Listener {
  readonly socket: WebSocket;
  next: number;
}

async function run(count: number): Promise<Outcome> {
  const failures = new Failures();
  const delaysMs: number[] = [];
  const steps = count * HZ;
  return withFolder(async (folder) => {
    const server = await ChildServer.start({
      path: `${folder}/run.mcap`,
      id: "a".repeat(32),
      parameterCount: 6,
      textBytes: TEXT_BYTES,
      hasWeights: false,
      steps,
      intervalMs: 1000 / HZ,
      maxConnections: CLIENTS,
    });
    const listeners: Listener[] = [];
    while (listeners.length < CLIENTS) {
      const more = Array.from({ length: CONNECTED_AT_ONCE }, () => listenTo(server.url, delaysMs, failures));
      listeners.push(...(await Promise.all(more)));
    }
    const before = await server.measure();
    const ended = Promise.all(listeners.map(({ socket }) => once(socket, "ended")));
    const dropped = new Promise<never>((_, reject) => {
      for (const { socket } of listeners)
        socket.once("close", (code) => reject(new Error(`a client was dropped with ${code}`)));
    });
    server.begin();
    const beganMs = performance.now();
    await Promise.race([ended, dropped]).catch((cause: Error) => failures.add(cause.message));
    const seconds = (performance.now() - beganMs) / 1000;
    const after = await server.measure();
    const short = listeners.filter(({ next }) => next !== steps).length;
    failures.expect(short === 0, () => `${short} clients did not get all of ${steps} samples`);
    dropped.catch(() => {});
    for (const { socket } of listeners) socket.terminate();
    await server.kill();
    return {
      count,
      failures: failures.sentences,
      figures: {
        samples: CLIENTS * steps,
        // Asked for are HZ.
        "samples a second to each": steps / seconds,
        "p50 ms": quantile(delaysMs, 0.5),
        "p99 ms": quantile(delaysMs, 0.99),
        "server CPU s per s": (after.cpuMs - before.cpuMs) / 1000 / seconds,
        "server RSS MB": after.bytes / 1e6,
      },
    };
  });
}

/** Reads no more of a frame than it must: a thousand clients share one core with the server. */
async function listenTo(url: string, delaysMs: number[], failures: Failures): Promise<Listener> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/stream`, ["thalweg.v1", `bearer.${TOKEN}`], {
    perMessageDeflate: false,
  });
  const listener: Listener = { socket, next: 0 };
  await once(socket, "open");
  socket.send(JSON.stringify({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] }));
  const subscribed = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer) => {
      const text = data.toString("latin1");
      if (text.startsWith('{"op":"subscribed"')) resolve();
      if (text.startsWith('{"op":"end"')) socket.emit("ended");
      if (!text.startsWith('{"op":"samples"')) return;
      const now = performance.timeOrigin + performance.now();
      for (const [, seq, wallTimeMs] of text.matchAll(
        /"seq":(\d+),[^{}]{0,40}"step":\d+,"wallTimeMs":([\d.]+)/g,
      )) {
        failures.expect(Number(seq) === listener.next, () => `expected seq ${listener.next}, got ${seq}`);
        listener.next = Number(seq) + 1;
        delaysMs.push(now - Number(wallTimeMs));
      }
    });
  });
  await subscribed;
  return listener;
}
