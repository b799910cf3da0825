/** What the gateway adds to bare `ws`: the same frame to many clients, as frames that a second of the server's CPU sends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { Auth } from "../server/gateway/auth.ts";
import { startGateway } from "../server/gateway/gateway.ts";
import { SessionLibrary } from "../server/session/library.ts";
import { SessionLog } from "../server/session/log.ts";
import { emptyHeader } from "./empty-header.ts";
import { interleaved, type Measurement, ratioOf } from "./harness.ts";
import type { SinkOrder } from "./sink.ts";

const ROUNDS = 5;
const CLIENTS = 100;
const TIMES = 300;
/** About 1 KB with its frame. */
const TEXT = "x".repeat(900);
const TOKEN = "bench-token-0123456789";

export async function fanOut(): Promise<Measurement[]> {
  const sink = spawn(process.execPath, [fileURLToPath(new URL("./sink.js", import.meta.url))], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [bareName, loggedName, gatewayName] = [
    "bare ws, one prepared buffer",
    "the same, after a log has written each sample",
    "gateway, one subscription each",
  ] as const;
  const values = await interleaved(
    [
      { name: bareName, run: () => bare(sink, async () => {}) },
      { name: loggedName, run: () => withLog((log) => bare(sink, (time) => write(log, time))) },
      { name: gatewayName, run: () => withLog((log) => gateway(sink, log)) },
    ],
    ROUNDS,
  );
  sink.kill();
  const row = (name: string): Measurement => ({ name, unit: "frames/CPU-s", rounds: values.get(name) ?? [] });
  const ratio = (of: string, to: string, target: string) => ({ to, value: ratioOf(values, of, to), target });
  return [
    row(bareName),
    { ...row(loggedName), ratio: { ...ratio(loggedName, bareName, ""), to: "bare" } },
    { ...row(gatewayName), ratio: { ...ratio(gatewayName, bareName, "≥ 0.9"), to: "bare" } },
    {
      ...row(gatewayName),
      name: "the same",
      ratio: { ...ratio(gatewayName, loggedName, ""), to: "bare with a log" },
    },
  ];
}

/** @param before  each frame. */
async function bare(sink: ChildProcess, before: (time: number) => Promise<void>): Promise<number> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const frame = Buffer.from(`{"op":"samples","id":1,"samples":[{"value":"${TEXT}"}]}`);
  const order = { url: `ws://127.0.0.1:${port}`, protocols: [], hello: "" };
  const rate = await framesPerCpuSecond(sink, order, async (time) => {
    await before(time);
    for (const client of server.clients) client.send(frame, { binary: false });
  });
  for (const client of server.clients) client.terminate();
  server.close();
  return rate;
}

async function withLog(measure: (log: SessionLog) => Promise<number>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "thalweg-bench-"));
  const log = await SessionLog.create({ header: HEADER, temporary: true, folder });
  const rate = await measure(log);
  await log.close();
  await rm(folder, { recursive: true });
  return rate;
}

async function write(log: SessionLog, time: number): Promise<void> {
  log.append(0, time, { json: `"${TEXT}"` });
  await log.flush();
}

async function gateway(sink: ChildProcess, log: SessionLog): Promise<number> {
  const library = new SessionLibrary();
  library.add(log);
  const served = await startGateway({
    library,
    auth: new Auth({ token: TOKEN }),
    host: "127.0.0.1",
    port: 0,
    version: "bench",
    // A frame for each sample, as bare ws sends them: batching, which makes it one for many, is not what is measured.
    limits: { batchMs: 0, maxConnections: CLIENTS },
  });
  const order = {
    url: `${served.url.replace("http", "ws")}/v1/stream`,
    protocols: ["thalweg.v1", `bearer.${TOKEN}`],
    hello: JSON.stringify({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] }),
  };
  const rate = await framesPerCpuSecond(sink, order, (time) => write(log, time));
  await served.close();
  return rate;
}

/** @param send  one frame to each client; the next follows when all of them have it. */
async function framesPerCpuSecond(
  sink: ChildProcess,
  order: Omit<SinkOrder, "clients">,
  send: (time: number) => Promise<void>,
): Promise<number> {
  sink.send({ ...order, clients: CLIENTS } satisfies SinkOrder);
  await said(sink, "connected");
  // What connecting costs is behind it then.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = process.cpuUsage();
  for (let time = 0; time < TIMES; time++) {
    const round = said(sink, "round");
    await send(time);
    await round;
  }
  const { user, system } = process.cpuUsage(before);
  sink.send("hang up");
  return (CLIENTS * TIMES) / ((user + system) / 1e6);
}

function said(sink: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve) => {
    const listen = (heard: unknown) => {
      if (heard !== word) return;
      sink.off("message", listen);
      resolve();
    };
    sink.on("message", listen);
  });
}

/** Of a session that only streams one channel. */
const HEADER = emptyHeader({
  id: "b".repeat(32),
  name: "bench",
  steps: TIMES,
  channels: [
    {
      name: "train/loss",
      title: "Text",
      about: "Text of a bench.",
      unit: "1",
      encoding: "json",
      heavy: false,
      on: "run",
      needs: "trainer",
      cadence: { kind: "step" },
      fields: [],
    },
  ],
});
