import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Connection } from "../../../client/connection/connection.ts";
import { BACKOFF, backoffMs } from "../../../client/connection/link.ts";
import { RequestError } from "../../../client/connection/requests.ts";
import type { HistorySample } from "../../../client/data/history.ts";
import { FakeServer, SESSION } from "./fake-server.ts";

const ALL = ["train/loss", "path/loss", "train/weights"];

function connect(server: FakeServer, token?: string): Connection {
  return new Connection({ url: "ws://test", host: server, ...(token === undefined ? {} : { token }) });
}

/** Lets the line come up again, whatever the backoff. */
function recover(server: FakeServer): void {
  server.advance(BACKOFF.ceilingMs + 10);
}

describe("Connection", () => {
  it("gives every sample once and in order, wherever and however often the line breaks", () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ do: fc.constant("cut" as const), count: fc.nat(3) }),
    );
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 40 }),
        fc.subarray(ALL, { minLength: 1 }),
        (actions, channels) => {
          const server = new FakeServer();
          server.append(5);
          const connection = connect(server);
          const got: HistorySample[] = [];
          connection.subscribe({ session: "live", channels }, { samples: (samples) => got.push(...samples) });
          server.advance(5);
          for (const { do: what, count } of actions) {
            if (what === "deliver") server.deliver(count);
            else if (what === "append") server.append(count);
            else {
              // 0: a cut before the server has said welcome or subscribed.
              if (count > 0) recover(server);
              server.cut();
            }
          }
          recover(server);
          server.deliver(10_000);
          const expected = server.log.filter(({ channel }) => channels.includes(channel));
          expect(got.map(({ seq }) => seq)).toEqual(expected.map(({ seq }) => seq));
          expect(got.map(({ value }) => (value instanceof Float32Array ? value[0] : value))).toEqual(
            expected.map(({ channel, value }) => (channel === "train/weights" ? Math.fround(value) : value)),
          );
          connection.close();
        },
      ),
      { numRuns: 150 },
    );
  });

  it("resumes the session it was given, not whichever is live by then", () => {
    const server = new FakeServer();
    server.append(30);
    const connection = connect(server);
    connection.subscribe({ session: "live", channels: ["train/loss"] }, {});
    server.advance(5);
    server.deliver(4);
    server.cut();
    recover(server);
    const subscribes = server.received.filter((message) => message.op === "subscribe");
    expect(subscribes.map(({ session, from }) => [session, from])).toEqual([
      ["live", "start"],
      [SESSION, { seq: 10 }],
    ]);
    connection.close();
  });

  it("goes on after an announced omission, and counts it on the badge", () => {
    const server = new FakeServer();
    server.append(30);
    const connection = connect(server);
    const gaps: number[] = [];
    connection.subscribe({ session: SESSION, channels: ALL }, { gap: ({ count }) => gaps.push(count) });
    server.advance(5);
    if (server.line)
      server.send(server.line, { op: "gap", id: 1, fromSeq: 0, toSeq: 19, count: 20, reason: "retention" });
    server.cut();
    recover(server);
    expect(gaps).toEqual([20]);
    expect(connection.link.omittedSamples).toBe(20);
    expect(server.received.findLast(({ op }) => op === "subscribe")).toMatchObject({ from: { seq: 20 } });
    connection.close();
  });

  it("says so once when the session has ended", () => {
    const server = new FakeServer();
    server.append(6);
    server.hasEnded = true;
    const connection = connect(server);
    const ends: string[] = [];
    connection.subscribe({ session: SESSION, channels: ALL }, { end: ({ reason }) => ends.push(reason) });
    server.advance(5);
    server.deliver(100);
    server.cut();
    recover(server);
    server.deliver(100);
    expect(ends).toEqual(["finished"]);
    connection.close();
  });

  it("asks a lost question again, but never repeats an order", async () => {
    const server = new FakeServer();
    server.isReachable = false;
    const connection = connect(server);
    const list = connection.list();
    await expect(connection.control(SESSION, { action: "stop" })).rejects.toMatchObject({
      code: "link-lost",
      retryable: true,
    });
    server.advance(5_000);
    server.isReachable = true;
    recover(server);
    await expect(list).resolves.toEqual([]);
    const stop = connection.control(SESSION, { action: "stop" });
    server.cut();
    await expect(stop).rejects.toBeInstanceOf(RequestError);
    recover(server);
    expect(server.received.filter(({ op }) => op === "control").length).toBe(1);
    connection.close();
  });

  it("notices a line that is dead without having closed", () => {
    const server = new FakeServer();
    const connection = connect(server);
    server.advance(5);
    expect(connection.link.status).toBe("connected");
    server.answersPings = false;
    server.advance(13_000);
    expect(server.lines.length).toBeGreaterThan(1);
    expect(connection.link.reconnects).toBe(1);
    connection.close();
  });

  it("measures the round trip, and stays connected while nothing but pongs come", () => {
    const server = new FakeServer();
    const connection = connect(server);
    server.advance(60_000);
    expect(server.lines.length).toBe(1);
    expect(connection.link).toMatchObject({ status: "connected", roundTripMs: 0, reconnects: 0 });
    expect(server.nowMs() - (connection.link.lastFrameAtMs ?? 0)).toBeLessThanOrEqual(5_000);
    connection.close();
  });

  it("says reconnecting, then offline, and tries on", () => {
    const server = new FakeServer();
    const connection = connect(server);
    server.advance(5);
    server.isReachable = false;
    server.cut();
    const { status, retryAtMs } = connection.link;
    expect(status).toBe("reconnecting");
    expect((retryAtMs ?? 0) - server.nowMs()).toBeGreaterThanOrEqual(BACKOFF.floorMs);
    server.advance(60_000);
    expect(connection.link.status).toBe("offline");
    server.isReachable = true;
    recover(server);
    expect(connection.link).toMatchObject({ status: "connected", reason: null });
    connection.close();
  });

  it("does not knock again where its login is refused", () => {
    const server = new FakeServer();
    const connection = connect(server);
    server.advance(5);
    server.cut(4001);
    server.advance(120_000);
    expect(server.lines.length).toBe(1);
    expect(connection.link.status).toBe("offline");
    expect(connection.link.reason).toContain("expired");
    connection.close();
  });

  it("passes over frames that are no thalweg.v1, and counts them", () => {
    const server = new FakeServer();
    const connection = connect(server);
    server.advance(5);
    const message = server.line?.socket.onmessage;
    message?.({ data: "{" });
    message?.({ data: '{"op":"samples"}' });
    message?.({ data: new ArrayBuffer(8) });
    expect(connection.link).toMatchObject({ status: "connected", invalidFrames: 3 });
    connection.close();
  });

  it("offers a token as a subprotocol, and leaves no timer behind when closed", async () => {
    const server = new FakeServer();
    const connection = connect(server, "secret");
    server.advance(5);
    expect(server.protocols).toEqual([["thalweg.v1", "bearer.secret"]]);
    connection.close();
    expect(server.timerCount).toBe(0);
    expect(server.line).toBeUndefined();
    await expect(connection.list()).rejects.toMatchObject({ code: "closed" });
  });

  it("stays closed, whichever change of the link it was closed at", () => {
    const changesOf = (closeAt: number) => {
      const server = new FakeServer();
      const connection = connect(server);
      let changes = 0;
      connection.onLink(() => {
        if (++changes === closeAt) connection.close();
      });
      server.advance(5);
      server.cut();
      recover(server);
      if (changes < closeAt) return changes;
      server.advance(60_000);
      expect([connection.link.status, server.timerCount, server.line]).toEqual(["closed", 0, undefined]);
      return changes;
    };
    const all = changesOf(Number.POSITIVE_INFINITY);
    expect(all).toBeGreaterThan(5);
    for (let closeAt = 1; closeAt <= all; closeAt++) changesOf(closeAt);
  });
});

describe("backoffMs", () => {
  it("lies between the floor and a ceiling that doubles up to ten seconds", () => {
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, random) => {
          const delayMs = backoffMs(attempt, random);
          expect(delayMs).toBeGreaterThanOrEqual(250);
          expect(delayMs).toBeLessThanOrEqual(Math.min(10_000, 250 * 2 ** (attempt + 1)));
        },
      ),
    );
    expect(backoffMs(20, 0.999_999)).toBeGreaterThan(9_999);
  });
});
