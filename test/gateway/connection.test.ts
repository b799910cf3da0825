import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ControlAction } from "../../shared/protocol.ts";
import { eventually } from "../support/eventually.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import { TestClient } from "../support/test-client.ts";
import { READ_TOKEN, type TestGateway, TOKEN, testGateway } from "../support/test-gateway.ts";

let session: MemorySession;
let gateway: TestGateway;
let client: TestClient;

beforeEach(async () => {
  session = new MemorySession(
    sessionHeader({
      channels: [descriptor("train/loss"), descriptor("train/weights", { encoding: "f32", heavy: true })],
    }),
  );
  session.append({ channel: "train/loss", step: 0, value: 1 });
  gateway = await testGateway([session]);
  client = await gateway.connect();
});

afterEach(async () => {
  await client.close();
  await gateway.close();
});

describe("requests", () => {
  it("welcomes with its limits and the token's scopes", async () => {
    expect(client.received[0]).toEqual({
      op: "welcome",
      protocol: "thalweg.v1",
      server: { name: "thalweg", version: "0.0.0" },
      limits: { maxFrameBytes: 65536, maxFragments: 16, maxSubscriptions: 16, maxErrors: 16 },
      scopes: ["read", "control"],
    });
  });

  it("answers list, describe and ping with what was asked, and the request's name", async () => {
    const { id } = session.header;
    client.send({ op: "list", request: "a" });
    client.send({ op: "describe", session: "live", request: "b" });
    client.send({ op: "ping", t: 1.5, request: "c" });
    const sessions = await client.next("sessions");
    expect(sessions.request).toBe("a");
    expect(sessions.sessions).toMatchObject([{ id, live: true, state: "running", headSeq: 0, step: 0 }]);
    const described = await client.next("session");
    expect(described).toMatchObject({ request: "b", state: "running", headSeq: 0, earliestSeq: 0 });
    expect(described.header).toEqual(session.header);
    expect(described.capabilities).toEqual(["weights"]);
    expect(await client.next("pong")).toEqual({ op: "pong", t: 1.5, request: "c" });
  });

  it("tells a subscriber the session's state, and each change of it", async () => {
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["*"] });
    const ofSession = (state: string) =>
      client.nextWhere((m) => m.op === "state" && m.session === session.header.id && m.state === state);
    await ofSession("running");
    session.enter("paused");
    await ofSession("paused");
    session.enter("diverged");
    await ofSession("diverged");
    session.end("failed");
    await ofSession("ended");
  });

  it("after the answer to unsubscribe, sends nothing more of it", async () => {
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["*"] });
    await client.next("samples");
    client.send({ op: "unsubscribe", id: 1, request: "u" });
    expect(await client.next("accepted")).toEqual({ op: "accepted", id: 1, request: "u" });
    const count = client.received.length;
    session.append({ channel: "train/loss", step: 1, value: 1 });
    await client.settle();
    expect(client.received.slice(count).map(({ op }) => op)).toEqual(["pong"]);
  });

  it("refuses what cannot be, with a stable code, and goes on", async () => {
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
    await client.next("subscribed");
    const refusals: [Parameters<TestClient["send"]>[0], string][] = [
      [{ op: "describe", session: "f".repeat(32) }, "unknown-session"],
      [{ op: "subscribe", id: 2, session: "live", channels: ["train/los"] }, "unknown-channel"],
      [{ op: "subscribe", id: 2, session: "live", channels: ["*weights"] }, "unknown-channel"],
      [{ op: "subscribe", id: 1, session: "live", channels: ["*"] }, "id-in-use"],
      [{ op: "subscribe", id: 2, session: "live", channels: ["*"], from: { seq: 9 } }, "diverged"],
      [{ op: "play", id: 3 }, "unknown-subscription"],
      [{ op: "seek", id: 1, to: { seq: 9 } }, "diverged"],
      [{ op: "loop", id: 1, from: { seq: 1 }, to: { seq: 0 } }, "empty-loop"],
      [{ op: "control", session: "live", action: "pause" }, "not-controllable"],
      [{ op: "subscribe", id: 2, session: "live", channels: ["*"], maxHz: 5 }, "invalid-message"],
    ];
    for (const [message, code] of refusals) {
      client.send({ ...message, request: code });
      expect(await client.next("error")).toMatchObject({ code, request: code });
    }
    await client.settle();
  });

  it("says of a session that is none what HTTP says", async () => {
    session.end("finished");
    for (const id of ["live", "f".repeat(32), "x".repeat(64)]) {
      client.send({ op: "describe", session: id });
      const { message } = await client.next("error");
      const answer = await gateway.get(`/v1/sessions/${id}`);
      expect(await answer.json()).toEqual({ error: { code: "unknown-session", message } });
      expect(message.endsWith(`got "${id}"`)).toBe(true);
    }
    await client.settle();
  });

  it("bounds the subscriptions of a connection", async () => {
    for (let id = 0; id < 16; id++) client.send({ op: "subscribe", id, session: "live", channels: ["*"] });
    await client.settle();
    client.send({ op: "subscribe", id: 16, session: "live", channels: ["*"] });
    expect(await client.next("error")).toMatchObject({ id: 16, code: "too-many-subscriptions" });
    await client.close();
    await eventually(() => session.openCursors).toBe(0);
  });
});

describe("control", () => {
  it("hands the action to the session and answers with the seq of its event", async () => {
    const actions: ControlAction[] = [];
    session.control = async (action) => {
      actions.push(action);
      return { accepted: true, seq: 41 + actions.length };
    };
    client.send({ op: "control", session: "live", action: "set", learningRate: 0.05, request: "lr" });
    expect(await client.next("accepted")).toEqual({ op: "accepted", seq: 42, request: "lr" });
    client.send({ op: "control", session: "live", action: "measure", stream: "hessian/eigenvalues" });
    expect((await client.next("accepted")).seq).toBe(43);
    expect(actions).toEqual([
      { action: "set", learningRate: 0.05 },
      { action: "measure", stream: "hessian/eigenvalues" },
    ]);
  });

  it("passes the session's own refusal on", async () => {
    session.control = async () => ({
      accepted: false,
      code: "not-paused",
      message: "step: expected a paused run",
    });
    client.send({ op: "control", session: "live", action: "step" });
    expect(await client.next("error")).toMatchObject({
      code: "not-paused",
      message: "step: expected a paused run",
    });
  });

  it("is not for a token that may only read", async () => {
    session.control = async () => ({ accepted: true, seq: 1 });
    const reader = await TestClient.open(gateway.url, { token: READ_TOKEN });
    expect(reader.received[0]).toMatchObject({ scopes: ["read"] });
    reader.send({ op: "control", session: "live", action: "stop" });
    expect(await reader.next("error")).toMatchObject({ code: "forbidden" });
    await reader.close();
  });

  it("survives a session that throws", async () => {
    session.control = async () => {
      throw new Error("secret path /root");
    };
    client.send({ op: "control", session: "live", action: "stop" });
    const error = await client.next("error");
    expect(error).toMatchObject({ code: "internal", retryable: true });
    expect(error.message).not.toContain("/root");
    await client.settle();
  });
});

describe("bad input", () => {
  it("names the field, what was expected and what came", async () => {
    const cases: [string, string, RegExp][] = [
      ["{", "bad-json", /JSON/],
      ["[]", "invalid-message", /expected object, received array/],
      [`{"op":"dance","request":"q"}`, "invalid-message", /^op: .*'subscribe'.*got "dance"$/],
      [`{"op":"subscribe","id":-1,"session":"live","channels":["*"]}`, "invalid-message", /^id: .*got -1$/],
      [`{"op":"subscribe","id":1,"session":"live","channels":[]}`, "invalid-message", /^channels: /],
      [`{"op":"ping","t":1,"tt":2}`, "invalid-message", /tt/],
      [`{"op":"control","session":"live","action":"fly"}`, "invalid-message", /^action: .*got "fly"$/],
      [`{"op":"seek","id":1,"to":{"seq":1.5}}`, "invalid-message", /^to: /],
    ];
    for (const [text, code, message] of cases) {
      client.socket.send(text);
      const error = await client.next("error");
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain("\n");
    }
  });

  it("closes with 4000 at the 16th message that breaks the protocol, and not for ordinary refusals", async () => {
    for (let i = 0; i < 20; i++) client.send({ op: "play", id: i });
    await client.settle();
    for (let i = 0; i < 15; i++) client.socket.send(i % 2 === 0 ? "{" : Buffer.from([1, 2, 3]));
    await client.settle();
    client.socket.send("nonsense");
    expect(await client.closed()).toBe(4000);
    expect(client.received.filter((m) => m.op === "error" && m.code === "bad-json").length).toBe(16);
  });

  it("closes with 1009 a frame over 64 KiB, and with 1008 a message in more than 16 fragments", async () => {
    client.socket.send("x".repeat(64 * 1024 + 1));
    expect(await client.closed()).toBe(1009);
    const other = await gateway.connect();
    for (let i = 0; i < 20; i++) other.socket.send("x", { fin: false });
    expect(await other.closed()).toBe(1008);
    const third = await gateway.connect();
    third.socket.send(`{"op":"ping","t":7${" ".repeat(60_000)}}`);
    expect((await third.next("pong")).t).toBe(7);
    await third.close();
  });

  it("outlives any JSON", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string(), mutatedMessage()), async (text) => {
        const victim = await gateway.connect();
        victim.socket.send(text);
        victim.socket.send(`{"op":"ping","t":1}`);
        await victim.next("pong");
        await victim.close();
      }),
      { numRuns: 150, seed: 20240501 },
    );
    await client.settle();
    await eventually(() => session.openCursors).toBe(0);
  });

  it("outlives raw garbage on the wire, before and after the handshake", async () => {
    const handshake =
      "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      `Sec-WebSocket-Protocol: thalweg.v1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
    for (let i = 0; i < 100; i++) {
      const socket = connectTcp(gateway.port, "127.0.0.1");
      socket.on("error", () => {});
      const prefix = i % 2 === 0 ? handshake : handshake.slice(0, (i * 37) % handshake.length);
      socket.write(prefix);
      socket.end(randomBytes(1 + ((i * 13) % 300)));
      socket.resume();
      await once(socket, "close");
    }
    await eventually(() => gateway.connections).toBe(1);
    await client.settle();
  });
});

describe("peers that are gone", () => {
  it("are given up after two unanswered pings", async () => {
    await gateway.close();
    gateway = await testGateway([session], { limits: { pingMs: 10 } });
    client = await gateway.connect();
    // A peer that neither answers pings nor says goodbye.
    const silent = await TestClient.open(gateway.url, { token: TOKEN });
    silent.socket.pause();
    await eventually(() => gateway.connections).toBe(1);
    silent.socket.resume();
    expect(await silent.closed()).toBe(1006);
    await client.settle();
  });

  it("are not those who ask: a ping is answered", async () => {
    client.socket.ping("there?");
    const [data] = (await once(client.socket, "pong")) as [Buffer];
    expect(data.toString()).toBe("there?");
  });

  it("leave no cursor behind", async () => {
    const leaver = await gateway.connect();
    leaver.send({ op: "subscribe", id: 1, session: "live", channels: ["*"] });
    await leaver.next("samples");
    await leaver.close();
    await eventually(() => session.openCursors).toBe(0);
  });
});

describe("closing the gateway", () => {
  it("lets clients have what is written, says goodbye, and closes with 4010", async () => {
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["*"] });
    await client.next("subscribed");
    for (let step = 1; step < 3_000; step++) session.append({ channel: "train/loss", step, value: step });
    session.end("stopped");
    await gateway.close();
    expect(await client.closed()).toBe(4010);
    expect(client.samples(1).length).toBe(3_000);
    expect(client.received.slice(-2).map(({ op }) => op)).toEqual(["end", "goodbye"]);
    await expect(gateway.get("/healthz")).rejects.toThrow();
  });
});

/** A valid message with one thing changed. */
function mutatedMessage(): fc.Arbitrary<string> {
  const base = {
    op: "subscribe",
    id: 1,
    session: "live",
    channels: ["*"],
    from: "start",
    speed: 1,
    every: 2,
  };
  return fc
    .record({ key: fc.constantFrom(...Object.keys(base), "mode", "maxHz"), value: fc.jsonValue() })
    .map(({ key, value }) => JSON.stringify({ ...base, [key]: value }));
}
