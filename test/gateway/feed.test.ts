import { beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../server/gateway/clock.ts";
import { Feeds } from "../../server/gateway/feeds.ts";
import { LIMITS, type Limits } from "../../server/gateway/limits.ts";
import { silent } from "../../server/gateway/logger.ts";
import { RecordingError } from "../../server/recording/recording-error.ts";
import type { ClientMessageInput } from "../../shared/protocol.ts";
import { FakeSocket, quiet } from "../support/fake-socket.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";

const channels = [
  descriptor("train/loss"),
  descriptor("run/status", { cadence: { kind: "event" } }),
  descriptor("train/weights", { encoding: "f32", heavy: true }),
];
const CHOSEN = ["train/loss", "train/weights"];
const limits: Limits = { ...LIMITS, batchMs: 0, highWaterBytes: 1000, batchBytes: 2000 };

let session: MemorySession;
let feeds: Feeds;

beforeEach(() => {
  session = new MemorySession(sessionHeader({ channels }));
  feeds = new Feeds({ clock: systemClock, limits });
  logged = [];
});

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const loss = (step: number) => ({ channel: "train/loss", step, value: step / 3 });
const theta = (step: number) => ({
  channel: "train/weights",
  step,
  value: new Float32Array([step, Number.NaN]),
});

type Subscribe = Extract<ClientMessageInput, { op: "subscribe" }>;

/** What the server logs of what happens to it. */
let logged: unknown[];
const logger = { ...silent, error: (fields: object) => logged.push((fields as { err: unknown }).err) };

async function subscriber(asked: Partial<Subscribe> = {}): Promise<FakeSocket> {
  const socket = FakeSocket.connect(session, { feeds, limits, logger });
  socket.ask({ op: "subscribe", id: 1, session: "live", channels: CHOSEN, ...asked });
  await quiet();
  return socket;
}

/** One write after the other. */
async function write(from: number, to: number): Promise<void> {
  for (const step of range(from, to)) {
    session.append(loss(step), theta(step));
    await quiet();
  }
}

const streamed = (socket: FakeSocket) =>
  socket.frames.filter(({ data, isText }) => !isText || String(data).startsWith('{"op":"samples"'));

describe("subscriptions at the head", () => {
  it("are read for once, whatever their number and their ids", async () => {
    const sockets = await Promise.all(range(0, 20).map((id) => subscriber({ id: id % 3 })));
    await write(0, 10);
    for (const [index, socket] of sockets.entries()) expect(socket.seqs(index % 3)).toEqual(range(0, 20));
    expect(session.readSamples).toBe(20);
  });

  it("are sent the same bytes under the same id, and under another but for the id", async () => {
    const [first, second, other] = await Promise.all([subscriber(), subscriber(), subscriber({ id: 2 })]);
    await write(0, 5);
    const bytes = (socket: FakeSocket) => streamed(socket).map(({ data }) => data);
    expect(bytes(first).length).toBe(10);
    bytes(first).forEach((data, index) => {
      // Not only equal: there is one copy of it, of θ too.
      expect(bytes(second)[index]?.buffer).toBe(data.buffer);
      expect(bytes(second)[index]?.byteOffset).toBe(data.byteOffset);
    });
    const renamed = bytes(other).map((data, index) => {
      const copy = Buffer.from(data as Uint8Array);
      if (streamed(other)[index]?.isText) return copy.toString().replace('"id":2', '"id":1');
      copy.writeUInt32LE(1, 4);
      return copy.toString("hex");
    });
    expect(renamed).toEqual(
      streamed(first).map(({ data, isText }) =>
        Buffer.from(data as Uint8Array).toString(isText ? "utf8" : "hex"),
      ),
    );
  });

  it("are not read for together where they chose different samples", async () => {
    const all = await subscriber();
    const third = await subscriber({ every: 3 });
    const losses = await subscriber({ channels: ["train/loss"] });
    await write(0, 6);
    expect(all.seqs(1)).toEqual(range(0, 12));
    expect(third.seqs(1)).toEqual([0, 1, 6, 7]);
    expect(losses.seqs(1)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(session.readSamples).toBe(12 + 4 + 6);
  });
});

describe("a subscription that does not keep up", () => {
  it("goes on alone from where it stood, holds nobody up, and comes back", async () => {
    const [slow, fast] = await Promise.all([subscriber(), subscriber()]);
    await write(0, 2);
    slow.stall();
    await write(2, 50);
    expect(fast.seqs(1)).toEqual(range(0, 100));
    expect(slow.bufferedAmount).toBeGreaterThanOrEqual(limits.highWaterBytes);
    expect(slow.mostBuffered).toBeLessThan(limits.highWaterBytes + limits.batchBytes);
    slow.drain();
    await quiet();
    expect(slow.seqs(1)).toEqual(range(0, 100));
    const before = session.readSamples;
    await write(50, 60);
    expect(slow.seqs(1)).toEqual(range(0, 120));
    expect(session.readSamples - before).toBe(20);
  });

  it("costs one batch, however many subscriptions its client has", async () => {
    const stalled = FakeSocket.connect(session, { feeds, limits });
    for (const id of range(0, 16)) {
      stalled.ask({ op: "subscribe", id, session: "live", channels: id % 2 === 0 ? CHOSEN : ["train/loss"] });
    }
    await quiet();
    stalled.stall();
    const value = "x".repeat(900);
    for (const step of range(0, 20)) {
      session.append({ channel: "train/loss", step, value });
      await quiet();
    }
    expect(stalled.mostBuffered).toBeLessThan(limits.highWaterBytes + limits.batchBytes);
    expect(session.readSamples).toBeLessThan(16 * 20);
    stalled.drain();
    await quiet();
    await quiet();
    for (const id of range(0, 16)) expect(stalled.seqs(id)).toEqual(range(0, 20));
  });

  it("a client that only asks whether it is heard costs no more than others", async () => {
    const asking = await subscriber();
    asking.emit("ping", Buffer.from("there?"));
    expect(asking.pongs).toBe(1);
    asking.stall();
    for (let i = 0; i < 1000; i++) asking.emit("ping", Buffer.alloc(125));
    expect(asking.pongs).toBeGreaterThan(1);
    await write(0, 10);
    expect(asking.mostBuffered).toBeLessThan(limits.highWaterBytes + limits.batchBytes);
    asking.drain();
    await quiet();
    expect(asking.seqs(1)).toEqual(range(0, 20));
  });

  it("is not read for before its turn", async () => {
    const slow = await subscriber();
    slow.stall();
    const value = "x".repeat(600);
    for (const step of range(0, 20)) {
      session.append({ channel: "train/loss", step, value });
      await quiet();
    }
    // The second is what fills it.
    expect(session.readSamples).toBe(2);
  });

  it("does not keep the log's chunks small", async () => {
    const slow = await subscriber();
    expect(session.hurrying).toBe(1);
    slow.stall();
    await write(0, 50);
    expect(session.hurrying).toBe(0);
    slow.drain();
    await quiet();
    expect(session.hurrying).toBe(1);
  });
});

describe("a subscription that is operated", () => {
  it("stands exactly where the others do, and joins them again", async () => {
    const [operated, other] = await Promise.all([subscriber(), subscriber()]);
    await write(0, 3);
    operated.ask({ op: "pause", id: 1 });
    await quiet();
    expect(JSON.parse(String(operated.frames.at(-1)?.data))).toMatchObject({ state: "paused", seq: 6 });
    await write(3, 5);
    expect(operated.seqs(1)).toEqual(range(0, 6));
    operated.ask({ op: "play", id: 1 });
    await quiet();
    operated.ask({ op: "seek", id: 1, to: { seq: 8 } });
    await quiet();
    expect(operated.seqs(1)).toEqual([...range(0, 10), 8, 9]);
    const before = session.readSamples;
    await write(5, 9);
    expect(operated.seqs(1)).toEqual([...range(0, 10), ...range(8, 18)]);
    expect(other.seqs(1)).toEqual(range(0, 18));
    expect(session.readSamples - before).toBe(8);
  });

  it("leaves no cursor behind when it goes", async () => {
    const [first, second] = await Promise.all([subscriber(), subscriber()]);
    await write(0, 2);
    first.hangUp();
    second.ask({ op: "unsubscribe", id: 1 });
    await write(2, 4);
    expect(first.seqs(1)).toEqual(range(0, 4));
    expect(second.seqs(1)).toEqual(range(0, 4));
    expect(session.openCursors).toBe(0);
    expect(session.hurrying).toBe(0);
  });
});

describe("a log that ends, or fails", () => {
  it("is said to have ended by each", async () => {
    const sockets = await Promise.all(range(0, 3).map(() => subscriber()));
    session.append(loss(0));
    session.end("finished");
    await quiet();
    for (const socket of sockets) {
      expect(socket.seqs(1)).toEqual([0]);
      expect(JSON.parse(String(socket.frames.at(-1)?.data))).toEqual({
        op: "end",
        id: 1,
        lastSeq: 0,
        reason: "finished",
      });
    }
  });

  it.each([
    ["read-failed", new RecordingError("disk-error", "EIO")],
    ["internal", new TypeError("a fault of ours")],
  ] as const)("is said to be %s by each, and logged with its cause", async (code, cause) => {
    const sockets = await Promise.all(range(0, 3).map(() => subscriber()));
    session.beforeRead = async () => {
      throw cause;
    };
    session.append(loss(0));
    await quiet();
    for (const socket of sockets) {
      expect(JSON.parse(String(socket.frames.at(-1)?.data))).toMatchObject({ id: 1, code });
    }
    expect(logged).toEqual([cause, cause, cause]);
    expect(session.openCursors).toBe(0);
  });

  it("is told to all who followed by one failed read, and read for together again", async () => {
    const paused = await subscriber();
    paused.ask({ op: "pause", id: 1 });
    const followers = await Promise.all([subscriber(), subscriber()]);
    await write(0, 2);
    session.beforeRead = async () => {
      session.beforeRead = async () => {};
      throw new RecordingError("disk-error", "EIO");
    };
    session.append(loss(2));
    await quiet();
    for (const follower of followers) {
      expect(JSON.parse(String(follower.frames.at(-1)?.data))).toMatchObject({ code: "read-failed" });
      expect(follower.seqs(1)).toEqual(range(0, 4));
      follower.ask({ op: "subscribe", id: 1, session: "live", channels: CHOSEN, from: { seq: 4 } });
    }
    await quiet();
    const before = session.readSamples;
    await write(3, 8);
    for (const follower of followers) expect(follower.seqs(1)).toEqual(range(0, 15));
    // Though somebody has held on to it all the time.
    expect(session.readSamples - before).toBe(10);
    paused.ask({ op: "play", id: 1 });
    await quiet();
    expect(paused.seqs(1)).toEqual(range(0, 15));
  });

  it("announces to each what it dropped while it was read", async () => {
    const strict = await subscriber();
    const lenient = await subscriber({ allowGap: true });
    session.beforeRead = async () => session.forget(6);
    session.append(...range(0, 10).map(loss));
    await quiet();
    expect(strict.seqs(1)).toEqual([]);
    expect(strict.frames.map(({ data }) => String(data)).at(-1)).toContain('"code":"retention"');
    expect(lenient.seqs(1)).toEqual(range(6, 10));
    expect(lenient.frames.map(({ data }) => String(data))).toContain(
      '{"op":"gap","id":1,"fromSeq":0,"toSeq":5,"count":6,"reason":"retention"}',
    );
  });
});
