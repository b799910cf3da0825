/** kill -9 of the whole server in mid-run: THALWEG_KILLS=10 for the long version. */
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { openRecording } from "../../server/session/recorded-session.ts";
import { decodeFrame } from "../../shared/frame.ts";
import { type Spawned, spawnServer, stop, TOKEN } from "../support/spawned-server.ts";

const KILLS = Number(process.env["THALWEG_KILLS"] ?? 2);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-kill-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Everything a client was sent, by seq: JSON samples as they came, weights as bytes. */
interface Held {
  readonly samples: Map<number, unknown>;
  readonly weights: Map<number, Float32Array>;
}

/** Subscribes to everything, losslessly, until `enough`. */
function listen(
  url: string,
  session: string,
  enough: (held: Held) => boolean,
): { held: Held; done: Promise<void> } {
  const held: Held = { samples: new Map(), weights: new Map() };
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/stream`, "thalweg.v1", {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  socket.binaryType = "arraybuffer";
  const done = new Promise<void>((resolve, reject) => {
    socket.on("open", () =>
      socket.send(
        JSON.stringify({
          op: "subscribe",
          id: 1,
          session,
          channels: ["*", "**", "train/weights"],
          from: "start",
        }),
      ),
    );
    socket.on("message", (data, isBinary) => {
      if (isBinary) {
        const frame = decodeFrame(data as ArrayBuffer);
        if (frame?.payload instanceof Float32Array) held.weights.set(frame.seq, frame.payload);
      } else {
        const message = JSON.parse(String(data)) as { op: string; samples?: { seq: number }[] };
        if (message.op === "error") reject(new Error(String(data)));
        for (const sample of message.samples ?? []) held.samples.set(sample.seq, sample);
        if (message.op === "end") resolve();
      }
      if (enough(held)) resolve();
    });
    socket.on("close", () => resolve());
    socket.on("error", () => resolve());
  });
  return { held, done };
}

describe("a server that is killed in mid-run", { timeout: 120_000 * KILLS }, () => {
  it.each(Array.from({ length: KILLS }, (_, kill) => kill))(
    "leaves a recording that holds everything any client was sent, and serves it (kill %i)",
    async (kill) => {
      const recordings = join(folder, String(kill));
      const server: Spawned = await spawnServer([
        "train",
        "--steps",
        "100000",
        "--train-size",
        "100",
        "--hidden",
        "8",
        "--weights-every",
        "2",
        "--recordings",
        recordings,
      ]);
      const count = 300 + 150 * kill;
      const client = listen(server.url, "live", ({ samples }) => samples.size >= count);
      await client.done;
      server.child.kill("SIGKILL");
      await once(server.child, "exit");

      const [file = ""] = await readdir(recordings);
      const recording = await openRecording(join(recordings, file));
      expect(recording.status).toMatchObject({ state: "ended", reason: "interrupted" });
      const { headSeq } = recording.status;
      expect(headSeq).toBeGreaterThanOrEqual(
        Math.max(...client.held.samples.keys(), ...client.held.weights.keys()),
      );
      await recording.close();

      const replayed = await spawnServer(["replay", join(recordings, file)]);
      const again = listen(replayed.url, recording.header.id, () => false);
      await again.done;
      expect(again.held.samples.size + again.held.weights.size).toBeGreaterThanOrEqual(
        client.held.samples.size,
      );
      for (const [seq, sample] of client.held.samples) expect(again.held.samples.get(seq)).toEqual(sample);
      for (const [seq, theta] of client.held.weights) expect(again.held.weights.get(seq)).toEqual(theta);
      expect(client.held.weights.size).toBeGreaterThan(0);
      await stop(replayed);
    },
  );
});
