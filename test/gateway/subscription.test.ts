import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LIMITS } from "../../server/gateway/limits.ts";
import { RecordingError } from "../../server/recording/recording-error.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import type { TestClient } from "../support/test-client.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

const channels = [
  descriptor("train/loss"),
  descriptor("hessian/eigenvalues"),
  descriptor("train/weights", { encoding: "f32", heavy: true }),
  descriptor("train/state", { encoding: "bytes", heavy: true }),
  descriptor("run/status", { cadence: { kind: "event" } }),
];

let session: MemorySession;
let gateway: TestGateway;
let client: TestClient;
let clock: FakeClock;

beforeEach(async () => {
  session = new MemorySession(sessionHeader({ channels }));
  clock = new FakeClock(1_000);
  gateway = await testGateway([session], { clock });
  client = await gateway.connect();
});

afterEach(async () => {
  await client.close();
  await gateway.close();
});

const loss = (step: number) => ({ channel: "train/loss", step, value: step / 2 });
const losses = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => loss(from + i));
const seqs = (id: number) => client.samples(id).map(({ seq }) => seq);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("a lossless subscription", () => {
  it("sends the past, then what is written, without gap or repeat", async () => {
    session.append(...losses(0, 50));
    client.send({ op: "subscribe", id: 7, session: session.header.id, channels: ["*"], request: "r" });
    const subscribed = await client.next("subscribed");
    expect(subscribed).toMatchObject({ id: 7, firstSeq: 0, headSeq: 49, earliestSeq: 0, request: "r" });
    expect(subscribed.channels.map(({ name }) => name)).toEqual([
      "train/loss",
      "hessian/eigenvalues",
      "run/status",
    ]);
    await client.until(() => seqs(7).length === 50);
    for (const sample of losses(50, 80)) session.append(sample);
    await client.until(() => seqs(7).length === 80);
    expect(seqs(7)).toEqual(range(0, 80));
  });

  it("passes the stored value on bit for bit", async () => {
    const values = [0.1 + 0.2, 5e-324, -1.7976931348623157e308, Number.NaN, Number.NEGATIVE_INFINITY];
    values.forEach((value, step) => {
      session.append({ channel: "train/loss", step, value, wallTimeMs: 1_700_000_000_000.125 + step });
    });
    const value = { text: 'λ₁ "quoted"\n', top: [{ value: 1e-7 }, null], flag: true };
    session.append({ channel: "hessian/eigenvalues", step: 9, value });
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["*"] });
    await client.until(() => seqs(1).length === 6);
    const samples = client.samples(1);
    expect(samples.map((s) => s.value)).toEqual([...values.slice(0, 3), "NaN", "-Infinity", value]);
    expect(samples[3]).toEqual({
      seq: 3,
      channel: "train/loss",
      step: 3,
      wallTimeMs: 1_700_000_000_003.125,
      value: "NaN",
    });
  });

  it("keeps seq increasing across text and binary frames", async () => {
    for (const step of range(0, 40)) {
      session.append(
        loss(step),
        { channel: "train/weights", step, value: new Float32Array([step, -step]) },
        loss(step),
        { channel: "train/state", step, value: new Uint8Array([step, 1, 2]) },
      );
    }
    client.send({
      op: "subscribe",
      id: 4_294_967_295,
      session: "live",
      channels: ["train/loss", "train/weights", "train/state"],
    });
    await client.until(() => seqs(4_294_967_295).length === 160);
    expect(seqs(4_294_967_295)).toEqual(range(0, 160));
    const samples = client.samples(4_294_967_295);
    expect(samples[77]).toMatchObject({ channel: "train/weights", step: 19 });
    expect(samples[77]?.value).toEqual(new Float32Array([19, -19]));
    expect(samples[159]?.value).toEqual(new Uint8Array([39, 1, 2]));
    expect(samples[159]?.wallTimeMs).toBe(session.events[159]?.wallTimeMs);
  });

  it("cuts what it catches up on into frames of at most 256 KiB", async () => {
    const value = "x".repeat(1_000);
    session.append(...range(0, 2_000).map((step) => ({ channel: "train/loss", step, value })));
    const frameBytes: number[] = [];
    client.socket.on("message", (data) => frameBytes.push((data as ArrayBuffer).byteLength));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
    await client.until(() => seqs(1).length === 2_000);
    expect(Math.max(...frameBytes)).toBeLessThanOrEqual(256 * 1024);
    expect(frameBytes.length).toBeLessThan(20);
    expect(seqs(1)).toEqual(range(0, 2_000));
  });

  it("begins where it is told: now, a seq, a step, or a step yet to come", async () => {
    session.append(...losses(0, 10));
    const { id } = session.header;
    client.send({ op: "subscribe", id: 1, session: id, channels: ["train/loss"], from: "now" });
    client.send({ op: "subscribe", id: 2, session: id, channels: ["train/loss"], from: { seq: 8 } });
    client.send({ op: "subscribe", id: 3, session: id, channels: ["train/loss"], from: { step: 9 } });
    client.send({ op: "subscribe", id: 4, session: id, channels: ["train/loss"], from: { step: 12 } });
    client.send({ op: "subscribe", id: 5, session: id, channels: ["train/loss"], from: { seq: 10 } });
    await client.settle();
    session.append(...losses(10, 15));
    await client.until(() => range(1, 6).every((sub) => seqs(sub).at(-1) === 14));
    expect(range(1, 6).map((sub) => seqs(sub)[0])).toEqual([10, 8, 9, 12, 10]);
  });

  it("takes a step for a place in the log: what lags behind it comes after it, also by way of seq", async () => {
    const late = (step: number) => ({ channel: "hessian/eigenvalues", step, value: step });
    session.append(...losses(0, 5), late(0), ...losses(5, 10), late(1), late(8));
    const channels = ["train/loss", "hessian/eigenvalues"];
    client.send({ op: "subscribe", id: 1, session: "live", channels, from: { step: 6 } });
    await client.until(() => seqs(1).length === 6);
    expect(seqs(1)).toEqual([7, 8, 9, 10, 11, 12]);
    // Who resumes after a cut is sent the same: a seq says nothing of steps.
    client.send({ op: "subscribe", id: 2, session: "live", channels, from: { seq: 10 } });
    client.send({
      op: "subscribe",
      id: 3,
      session: "live",
      channels: ["hessian/eigenvalues"],
      from: { step: 6 },
    });
    await client.until(() => seqs(2).length === 3 && seqs(3).length === 1);
    expect([seqs(2), seqs(3)]).toEqual([[10, 11, 12], [12]]);
  });

  it("leaves out what `every` asks to leave out, with no gap", async () => {
    session.append(...losses(0, 20));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"], every: 6 });
    await client.until(() => seqs(1).length === 4);
    await client.settle();
    expect(seqs(1)).toEqual([0, 6, 12, 18]);
    expect(client.received.filter(({ op }) => op === "gap")).toEqual([]);
  });

  it("holds the log's chunks small only while it waits at the head of a live log", async () => {
    session.append(...losses(0, 5));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
    await client.until(() => seqs(1).length === 5);
    await client.settle();
    await eventually(() => session.hurrying).toBe(1);
    client.send({ op: "pause", id: 1 });
    await client.settle();
    await eventually(() => session.hurrying).toBe(0);
    client.send({ op: "play", id: 1 });
    await client.settle();
    await eventually(() => session.hurrying).toBe(1);
    client.send({ op: "unsubscribe", id: 1 });
    await client.settle();
    await eventually(() => session.hurrying).toBe(0);
    expect(session.openCursors).toBe(0);
  });

  it("gathers what is written within a batch interval into one frame", async () => {
    await gateway.close();
    gateway = await testGateway([session], { clock, limits: { batchMs: 8 } });
    client = await gateway.connect();
    session.append(loss(0));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
    await client.next("samples");
    for (const sample of losses(1, 6)) session.append(sample);
    await client.settle();
    await eventually(() => clock.nextInMs).toBe(8);
    expect(seqs(1)).toEqual([0]);
    clock.advance(8);
    const frame = await client.next("samples");
    expect(frame.samples.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  });

  it("ends with the session, and can be sought back after the end", async () => {
    session.append(...losses(0, 3));
    session.end("finished");
    client.send({ op: "subscribe", id: 1, session: session.header.id, channels: ["train/loss"] });
    expect(await client.next("end")).toEqual({ op: "end", id: 1, lastSeq: 2, reason: "finished" });
    client.send({ op: "seek", id: 1, to: { seq: 1 }, request: "again" });
    expect(await client.nextWhere((m) => m.op === "state" && m.id === 1)).toEqual({
      op: "state",
      id: 1,
      state: "playing",
      seq: 1,
      speed: "asap",
      generation: 1,
      request: "again",
    });
    await client.next("end");
    expect(seqs(1)).toEqual([0, 1, 2, 1, 2]);
  });

  it("tells a log that cannot be read from one that has ended", async () => {
    session.append(...losses(0, 3));
    session.beforeRead = async () => {
      throw new RecordingError("disk-error", "EIO");
    };
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
    expect(await client.next("error")).toMatchObject({ id: 1, code: "read-failed", retryable: true });
    await eventually(() => session.openCursors).toBe(0);
    // Also where it is the beginning that cannot be found.
    session.seqOfStep = () => Promise.reject(new RecordingError("damaged", "/root/secret: a chunk"));
    client.send({
      op: "subscribe",
      id: 2,
      session: "live",
      channels: ["*"],
      from: { step: 1 },
      request: "r",
    });
    const refusal = await client.next("error");
    expect(refusal).toMatchObject({ id: 2, request: "r", code: "read-failed", retryable: true });
    expect(refusal.message).not.toContain("secret");
  });
});

describe("a latest subscription", () => {
  it("delivers what it has read before it announces what was dropped meanwhile", async () => {
    const [batch, dropped, count] = [LIMITS.batchEvents, 100, 5000];
    session.append(...losses(0, count));
    let reads = 0;
    session.beforeRead = async () => {
      if (++reads === 2) session.forget(batch + dropped);
    };
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"], mode: "latest" });
    await client.until(() => seqs(1).at(-1) === count - 1);
    const told = client.received.flatMap((message) => {
      if (message.op === "gap") return [[message.reason, message.fromSeq, message.toSeq, message.count]];
      return message.op === "samples" ? [message.samples.map(({ seq }) => seq)] : [];
    });
    expect(told).toEqual([
      ["conflated", 0, batch - 2, batch - 1],
      [batch - 1],
      ["retention", batch, batch + dropped - 1, dropped],
      ["conflated", batch + dropped, count - 2, count - 1 - batch - dropped],
      [count - 1],
    ]);
  });

  it("sends the newest of each channel and announces every seq it left out", async () => {
    session.append({ channel: "hessian/eigenvalues", step: 0, value: 1 }, ...losses(0, 30));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["*"], mode: "latest" });
    await client.next("samples");
    expect(client.samples(1).map(({ seq, channel }) => [seq, channel])).toEqual([
      [0, "hessian/eigenvalues"],
      [30, "train/loss"],
    ]);
    expect(client.received.filter(({ op }) => op === "gap")).toEqual([
      { op: "gap", id: 1, fromSeq: 1, toSeq: 29, count: 29, reason: "conflated" },
    ]);
    // Never early, so that what arrives accounts for the log so far at any moment.
    const order = client.received.map(({ op }) => op);
    expect(order.indexOf("gap")).toBeLessThan(order.indexOf("samples"));
  });

  it("thins to maxHz without calling that a gap", async () => {
    session.append(...losses(0, 5));
    client.send({
      op: "subscribe",
      id: 1,
      session: "live",
      channels: ["train/loss"],
      mode: "latest",
      maxHz: 10,
    });
    expect((await client.next("subscribed")).maxHz).toBe(10);
    await client.next("samples");
    session.append(...losses(5, 9));
    await client.settle();
    await eventually(() => clock.nextInMs).toBe(100);
    expect(seqs(1)).toEqual([4]);
    clock.advance(99);
    await client.settle();
    expect(seqs(1)).toEqual([4]);
    clock.advance(1);
    await client.next("samples");
    expect(seqs(1)).toEqual([4, 8]);
    expect(client.received.filter(({ op }) => op === "gap")).toEqual([]);
  });

  it("does not make the log hurry", async () => {
    session.append(loss(0));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"], mode: "latest" });
    await client.next("samples");
    await client.settle();
    expect(session.hurrying).toBe(0);
  });
});

describe("playback", () => {
  it("paces samples by the time at which they were recorded", async () => {
    // 10 ms apart; at twice the speed, 5 ms.
    session.append(...losses(0, 6));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"], speed: 2 });
    await client.until(() => seqs(1).length === 1);
    for (const count of range(2, 7)) {
      await eventually(() => clock.nextInMs).toBeCloseTo(5);
      clock.advance(4.5);
      await client.settle();
      expect(seqs(1).length).toBe(count - 1);
      clock.advance(0.5);
      await client.until(() => seqs(1).length === count);
    }
    expect(seqs(1)).toEqual(range(0, 6));
  });

  it("pauses, answers, and sends nothing more until play", async () => {
    session.append(...losses(0, 3));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
    await client.until(() => seqs(1).length === 3);
    client.send({ op: "pause", id: 1 });
    await client.nextWhere((m) => m.op === "state" && m.id === 1 && m.state === "paused" && m.seq === 3);
    session.append(...losses(3, 6));
    await client.settle();
    expect(seqs(1).length).toBe(3);
    client.send({ op: "play", id: 1 });
    await client.until(() => seqs(1).length === 6);
    expect(seqs(1)).toEqual(range(0, 6));
  });

  it("rewinds while live: seq goes back only with a new generation", async () => {
    session.append(...losses(0, 30));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
    await client.until(() => seqs(1).length === 30);
    client.send({ op: "seek", id: 1, to: { step: 10 } });
    await client.nextWhere((m) => m.op === "state" && m.id === 1 && m.generation === 1);
    await client.until(() => seqs(1).length === 50);
    session.append(loss(30));
    await client.until(() => seqs(1).length === 51);
    expect(seqs(1)).toEqual([...range(0, 30), ...range(10, 31)]);
    const at = client.received.findIndex((m) => m.op === "state" && m.id === 1);
    const before = client.received.slice(0, at).flatMap((m) => (m.op === "samples" ? m.samples : []));
    expect(before.length).toBe(30);
  });

  it("changes speed in mid-flight", async () => {
    session.append(...losses(0, 100));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"], speed: 1 });
    await client.until(() => seqs(1).length === 1);
    client.send({ op: "speed", id: 1, speed: "asap" });
    await client.until(() => seqs(1).length === 100);
    expect(seqs(1)).toEqual(range(0, 100));
  });

  it("loops over a range, one generation a round, until the loop is taken off", async () => {
    session.append(...losses(0, 10));
    session.end("finished");
    client.send({ op: "subscribe", id: 1, session: session.header.id, channels: ["train/loss"], speed: 1 });
    await client.until(() => seqs(1).length === 1);
    client.send({ op: "loop", id: 1, from: { step: 2 }, to: { step: 4 } });
    await client.nextWhere((m) => m.op === "state" && m.id === 1);
    const rounds = [0, 1, 2, 3, 4, 2, 3, 4, 2];
    while (seqs(1).length < rounds.length) {
      await eventually(() => clock.nextInMs).toBeLessThan(Number.POSITIVE_INFINITY);
      clock.advance(10);
      await client.settle();
    }
    expect(seqs(1).slice(0, rounds.length)).toEqual(rounds);
    client.send({ op: "loop", id: 1, to: null });
    client.send({ op: "speed", id: 1, speed: "asap" });
    await client.next("end");
    const generations = client.received.flatMap((m) => (m.op === "state" ? (m.generation ?? []) : []));
    expect(generations).toEqual([...generations].sort((a, b) => a - b));
    expect(generations.at(-1)).toBeGreaterThanOrEqual(2);
    expect(seqs(1).at(-1)).toBe(9);
  });

  it("takes a loop off that holds nothing, instead of spinning", async () => {
    session.append(...losses(0, 10), { channel: "run/status", step: 9, value: "done" });
    session.end("finished");
    client.send({ op: "subscribe", id: 1, session: session.header.id, channels: ["run/status"] });
    await client.next("end");
    client.send({ op: "loop", id: 1, from: { seq: 0 }, to: { seq: 5 } });
    expect(await client.next("error")).toMatchObject({ code: "empty-loop" });
  });
});

describe("a log that forgets", () => {
  it("refuses a start that is no longer held, and names the earliest", async () => {
    session.append(...losses(0, 20));
    session.forget(15);
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"], from: { seq: 3 } });
    const error = await client.next("error");
    expect(error).toMatchObject({ id: 1, code: "retention", retryable: false });
    expect(error.message).toContain("15");
  });

  it("announces the gap to a client that allows one, and goes on", async () => {
    session.append(...losses(0, 20));
    session.forget(15);
    const from = { seq: 3 };
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"], from, allowGap: true });
    expect((await client.next("subscribed")).firstSeq).toBe(15);
    expect(await client.next("gap")).toEqual({
      op: "gap",
      id: 1,
      fromSeq: 3,
      toSeq: 14,
      count: 12,
      reason: "retention",
    });
    await client.until(() => seqs(1).length === 5);
    expect(seqs(1)).toEqual(range(15, 20));
  });

  it("ends a lossless subscription that was overtaken while paused", async () => {
    session.append(...losses(0, 5));
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
    await client.until(() => seqs(1).length === 5);
    client.send({ op: "pause", id: 1 });
    await client.settle();
    session.append(...losses(5, 20));
    session.forget(10);
    client.send({ op: "play", id: 1 });
    expect(await client.next("error")).toMatchObject({ id: 1, code: "retention" });
    await eventually(() => session.openCursors).toBe(0);
    // Its id is free again.
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
    expect((await client.next("subscribed")).firstSeq).toBe(10);
  });

  it("answers what was asked of a subscription that was overtaken meanwhile", async () => {
    session.append(...losses(0, 20));
    const other = await gateway.connect();
    session.beforeRead = async () => {
      client.send({ op: "pause", id: 1, request: "p" });
      // Until the server has that.
      for (let i = 0; i < 3; i++) await other.settle();
      session.forget(6);
    };
    // Paced, it reads by itself.
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"], speed: 1000 });
    expect(await client.next("error")).toMatchObject({ id: 1, code: "retention" });
    expect(await client.next("error")).toMatchObject({ id: 1, code: "unknown-subscription", request: "p" });
    await other.close();
  });

  it("announces what was dropped while it was being read", async () => {
    session.append(...losses(0, 20));
    session.beforeRead = async () => session.forget(6);
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"], allowGap: true });
    await client.until(() => seqs(1).length === 14);
    expect(client.received.filter(({ op }) => op === "gap")).toEqual([
      { op: "gap", id: 1, fromSeq: 0, toSeq: 5, count: 6, reason: "retention" },
    ]);
    expect(seqs(1)).toEqual(range(6, 20));
  });

  it("announces what was dropped behind the samples that were read before it", async () => {
    session.append(...losses(0, 20));
    const channels = ["train/loss"];
    client.send({ op: "subscribe", id: 1, session: "live", channels, speed: 1, allowGap: true });
    await client.until(() => seqs(1).length === 1);
    session.append(...losses(20, 30));
    session.forget(25);
    clock.advance(10);
    await client.until(() => seqs(1).length === 2);
    client.send({ op: "speed", id: 1, speed: "asap" });
    await client.until(() => seqs(1).length === 25);
    expect(seqs(1)).toEqual([...range(0, 20), ...range(25, 30)]);
    const gap = client.received.findIndex(({ op }) => op === "gap");
    expect(client.received[gap]).toMatchObject({ fromSeq: 20, toSeq: 24, reason: "retention" });
    const before = client.received.slice(0, gap).flatMap((m) => (m.op === "samples" ? m.samples : []));
    expect(before.map(({ seq }) => seq)).toEqual(range(0, 20));
  });

  it("refuses a start beyond the end as diverged, and takes the very end", async () => {
    session.append(...losses(0, 20));
    session.end("interrupted");
    const { id } = session.header;
    client.send({ op: "subscribe", id: 1, session: id, channels: ["train/loss"], from: { seq: 21 } });
    expect(await client.next("error")).toMatchObject({ id: 1, code: "diverged" });
    client.send({ op: "subscribe", id: 1, session: id, channels: ["train/loss"], from: { seq: 20 } });
    expect(await client.next("end")).toMatchObject({ lastSeq: 19, reason: "interrupted" });
  });
});
