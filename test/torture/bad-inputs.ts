/** What nobody should send: to the socket below and above its frames, to HTTP, to the command line. Each with the code that it deserves. */
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { createRandom, type Random } from "../../server/numerics/random.ts";
import { HTTP_ERRORS } from "../../shared/http.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import type { TestClient } from "../support/test-client.ts";
import { type TestGateway, TOKEN, testGateway } from "../support/test-gateway.ts";
import { BadCommands } from "./bad-commands.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { withFolder } from "./victim.ts";

export const badInputs: Check = {
  name: "gateway/bad-inputs",
  unit: "inputs",
  fast: 5000,
  full: 500_000,
  must: "0 crashes, the right code each",
  run: (count, seed) => withFolder((folder) => run(folder, count, seed)),
};

/** Of a hundred inputs; the rest are messages. */
const [COMMANDS, FRAMES, HTTP] = [3, 15, 25] as const;

async function run(folder: string, count: number, seed: number): Promise<Outcome> {
  const random = createRandom(seed);
  const failures = new Failures();
  const crashes = watchForCrashes(failures);
  const session = new MemorySession(
    sessionHeader({
      channels: [descriptor("train/loss"), descriptor("train/weights", { encoding: "f32", heavy: true })],
    }),
  );
  for (let step = 0; step < 50; step++) session.append({ channel: "train/loss", step, value: step });
  const gateway = await testGateway([session]);
  const given = { messages: 0, frames: 0, http: 0 };
  const messages = new Messages(gateway, failures);
  const commands = new BadCommands(folder, failures);
  for (let input = 0; input < count; input++) {
    const at = `seed ${seed}, input ${input}`;
    const drawn = random.integer(100);
    if (drawn < COMMANDS) await commands.give(random, at);
    else if (drawn < COMMANDS + FRAMES) {
      given.frames++;
      await badFrame(gateway, random, failures, at);
    } else if (drawn < COMMANDS + FRAMES + HTTP) {
      given.http++;
      await badRequest(gateway, random, failures, at);
    } else {
      given.messages++;
      await messages.send(random, at);
    }
  }
  await messages.close();
  // After all of it, somebody well-behaved is served as ever.
  const client = await gateway.connect();
  client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
  const { samples } = await client.next("samples");
  failures.expect(samples.length === 50, () => `afterwards a client got ${samples.length} of 50 samples`);
  await client.close();
  await gateway.close();
  failures.expect(session.openCursors === 0, () => `${session.openCursors} cursors were left open`);
  // A server's card is gone with it, and the folder of cards stays.
  const left = (await readdir(folder, { recursive: true })).filter((name) => name !== "thalweg");
  failures.expect(left.length === 0, () => `commands that were refused left ${left.join(", ")}`);
  crashes.stop();
  const figures = { ...given, commands: commands.count, "of them processes": commands.processes };
  return { count, failures: failures.sentences, figures };
}

function watchForCrashes(failures: Failures): { stop(): void } {
  const crashed = (cause: unknown) => failures.add(`the process would have died: ${String(cause)}`);
  process.on("uncaughtException", crashed);
  process.on("unhandledRejection", crashed);
  return {
    stop() {
      process.off("uncaughtException", crashed);
      process.off("unhandledRejection", crashed);
    },
  };
}

// ---- messages: whole frames with nonsense in them

const JUNK: readonly unknown[] = [
  null,
  true,
  -1,
  1.5,
  2 ** 53,
  "",
  "x".repeat(300),
  [],
  {},
  [[]],
  "\u0000",
  "🙂",
  "__proto__",
];
const VALID: readonly Record<string, unknown>[] = [
  { op: "list" },
  { op: "describe", session: "live" },
  {
    op: "subscribe",
    id: 1,
    session: "live",
    channels: ["train/loss"],
    mode: "latest",
    from: { seq: 3 },
    every: 2,
    maxHz: 5,
  },
  { op: "play", id: 1 },
  { op: "seek", id: 1, to: { step: 3 } },
  { op: "speed", id: 1, speed: 2 },
  { op: "loop", id: 1, from: { seq: 0 }, to: { seq: 5 } },
  { op: "unsubscribe", id: 1 },
  { op: "control", session: "live", action: "set", learningRate: 0.1 },
  { op: "ping", t: 1 },
];

/** What is sent, and the only codes that it may be answered with. */
interface BadMessage {
  readonly text: string | Uint8Array;
  readonly codes: readonly string[];
}

function badMessage(random: Random): BadMessage {
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)] as T;
  switch (random.integer(8)) {
    case 0: {
      const whole = JSON.stringify(pick(VALID));
      return { text: whole.slice(0, random.integer(whole.length)), codes: ["bad-json"] };
    }
    case 1:
      return {
        text: Uint8Array.from({ length: random.integer(64) }, () => random.integer(256)),
        codes: ["bad-json"],
      };
    case 2:
      return { text: JSON.stringify(pick(JUNK)), codes: ["invalid-message"] };
    case 3:
      return {
        text: JSON.stringify({ ...pick(VALID), op: pick([...JUNK, "subscribed", "LIST"]) }),
        codes: ["invalid-message"],
      };
    case 4:
      return {
        text: JSON.stringify({ ...pick(VALID), [pick(["x", "Op", "sessions"])]: pick(JUNK) }),
        codes: ["invalid-message"],
      };
    case 5:
      return {
        text: JSON.stringify({ op: pick(["play", "pause", "unsubscribe"]), id: 1000 + random.integer(1000) }),
        codes: ["unknown-subscription"],
      };
    case 6:
      return {
        text: JSON.stringify({
          op: "describe",
          session: pick(["x", "../../etc/passwd", "f".repeat(32), "LIVE", "constructor"]),
        }),
        codes: ["unknown-session"],
      };
    default:
      return badSubscribe(random);
  }
}

function badSubscribe(random: Random): BadMessage {
  const base = { op: "subscribe", id: 5000, session: "live", channels: ["train/loss"] };
  const bad: readonly (readonly [object, string])[] = [
    [{ channels: ["train/los"] }, "unknown-channel"],
    [{ channels: ["*x*y*".repeat(20)] }, "unknown-channel"],
    [{ channels: [] }, "invalid-message"],
    [{ channels: new Array(257).fill("*") }, "invalid-message"],
    [{ from: { seq: 51 + random.integer(1e6) } }, "diverged"],
    [{ from: { seq: -1 } }, "invalid-message"],
    [{ from: { seq: 1, step: 1 } }, "invalid-message"],
    [{ maxHz: 5 }, "invalid-message"],
    [{ speed: 0 }, "invalid-message"],
    [{ speed: 1001 }, "invalid-message"],
    [{ every: 0 }, "invalid-message"],
    [{ id: 2 ** 32 }, "invalid-message"],
    [{ session: "x".repeat(65) }, "invalid-message"],
  ];
  const [change, code] = bad[random.integer(bad.length)] as (typeof bad)[number];
  return { text: JSON.stringify({ ...base, ...change }), codes: [code] };
}

/** One connection, until sixteen of its messages have broken the protocol; then the next. */
class Messages {
  readonly #gateway: TestGateway;
  readonly #failures: Failures;
  #client: TestClient | null = null;
  #misuses = 0;

  constructor(gateway: TestGateway, failures: Failures) {
    this.#gateway = gateway;
    this.#failures = failures;
  }

  async send(random: Random, at: string): Promise<void> {
    this.#client ??= await this.#gateway.connect();
    const client = this.#client;
    const { text: sent, codes } = badMessage(random);
    client.socket.send(sent);
    const { code } = await client.next("error");
    this.#failures.expect(
      codes.includes(code),
      () => `${at}: ${show(sent)} was answered ${code}, expected ${codes}`,
    );
    if (code !== "bad-json" && code !== "invalid-message") return;
    this.#misuses++;
    if (this.#misuses < 16) return;
    const closed = await client.closed();
    this.#failures.expect(closed === 4000, () => `${at}: 16 misuses closed with ${closed}`);
    this.#client = null;
    this.#misuses = 0;
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }
}

// ---- frames: what RFC 6455 does not allow

interface BadFrame {
  readonly bytes: Buffer;
  readonly what: string;
  readonly code: number;
}

function frame(first: number, payload: Buffer, { masked = true, length = payload.length } = {}): Buffer {
  const mask = Buffer.from([1, 2, 3, 4]);
  const flag = masked ? 0x80 : 0;
  const size =
    length < 126
      ? Buffer.from([flag | length])
      : length < 65_536
        ? Buffer.from([flag | 126, length >> 8, length & 0xff])
        : Buffer.concat([Buffer.from([flag | 127]), big(length)]);
  const body = masked ? payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0)) : payload;
  return Buffer.concat([Buffer.from([first]), size, masked ? mask : Buffer.alloc(0), body]);
}

function big(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

function makeBadFrame(random: Random): BadFrame {
  const hello = Buffer.from('{"op":"list"}');
  const frames: readonly BadFrame[] = [
    { what: "a reserved bit", bytes: frame(0x81 | (0x10 << random.integer(3)), hello), code: 1002 },
    { what: "a reserved opcode", bytes: frame(0x83 + random.integer(5), hello), code: 1002 },
    { what: "no mask", bytes: frame(0x81, hello, { masked: false }), code: 1002 },
    { what: "text that is no UTF-8", bytes: frame(0x81, Buffer.from([0xc3, 0x28])), code: 1007 },
    { what: "a long ping", bytes: frame(0x89, Buffer.alloc(126 + random.integer(100))), code: 1002 },
    { what: "a ping in pieces", bytes: frame(0x09, hello), code: 1002 },
    {
      what: "a close code that cannot be",
      bytes: frame(0x88, Buffer.from([0x03, 0xec + random.integer(3)])),
      code: 1002,
    },
    { what: "a continuation of nothing", bytes: frame(0x80, hello), code: 1002 },
    {
      what: "more than 64 KiB",
      bytes: frame(0x81, Buffer.alloc(65_537 + random.integer(1000), "x")),
      code: 1009,
    },
    { what: "a length of 2^40", bytes: frame(0x81, hello, { length: 2 ** 40 }), code: 1009 },
    { what: "a length of 2^60", bytes: frame(0x81, hello, { length: 2 ** 60 }), code: 1009 },
    {
      what: "17 fragments",
      bytes: Buffer.concat([
        frame(0x01, Buffer.from("{")),
        ...Array.from({ length: 17 }, () => frame(0x00, Buffer.from(" "))),
      ]),
      code: 1008,
    },
  ];
  return frames[random.integer(frames.length)] as BadFrame;
}

async function badFrame(gateway: TestGateway, random: Random, failures: Failures, at: string): Promise<void> {
  const { bytes, what, code } = makeBadFrame(random);
  // Now and then in two pieces, the second later.
  const cut = random.integer(2) === 0 ? bytes.length : random.integer(bytes.length);
  const got = await closeCodeAfter(gateway.port, [bytes.subarray(0, cut), bytes.subarray(cut)]);
  failures.expect(got === code, () => `${at}: ${what} closed with ${got}, expected ${code}`);
}

/** Shakes hands, sends, and waits for the close frame: the last thing that comes. 1006: the line was cut without one. */
async function closeCodeAfter(port: number, pieces: readonly Buffer[]): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  let tail = Buffer.alloc(0);
  let isOpen = false;
  let code = 1006;
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-200);
    if (!isOpen) {
      isOpen = true;
      for (const piece of pieces) setImmediate(() => socket.write(piece));
    }
    code = closeCode(tail) ?? code;
    if (code !== 1006) socket.destroy();
  });
  socket.write(
    [
      "GET /v1/stream HTTP/1.1",
      `Host: 127.0.0.1:${port}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Protocol: thalweg.v1",
      `Authorization: Bearer ${TOKEN}`,
      "\r\n",
    ].join("\r\n"),
  );
  await once(socket, "close");
  return code;
}

/** Of a close frame at the very end: unmasked, opcode 8, at least a code. */
function closeCode(tail: Buffer): number | null {
  for (let from = 0; from < tail.length - 3; from++) {
    if (tail[from] === 0x88 && tail[from + 1] === tail.length - from - 2) return tail.readUInt16BE(from + 2);
  }
  return null;
}

// ---- HTTP

async function badRequest(
  gateway: TestGateway,
  random: Random,
  failures: Failures,
  at: string,
): Promise<void> {
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)] as T;
  const junk = pick([
    "x",
    "-1",
    "1e9",
    "0x10",
    "",
    "99999999999999999999",
    "1.5",
    "%00",
    "NaN",
    "🙂",
    "a".repeat(3000),
  ]);
  const value = encodeURIComponent(junk);
  const json = { "content-type": "application/json" };
  const cases: readonly (readonly [number, string, RequestInit])[] = [
    [400, `/v1/sessions/live/samples?channel=*&limit=${value}`, {}],
    [400, `/v1/sessions/live/samples?channel=*&from=${value}`, {}],
    [400, "/v1/sessions/live/samples?channel=*&limit=0", {}],
    [400, `/v1/sessions/live/samples?channel=*&wat=${value}`, {}],
    [400, "/v1/sessions/live/samples", {}],
    [400, `/v1/sessions/live/weights?step=${value}`, {}],
    [400, "/v1/sessions/live/weights?step=1&format=pickle", {}],
    [400, "/v1/sessions/live/samples?channel=train/weights", {}],
    [409, "/v1/sessions/live/samples?channel=*&from=77", {}],
    [
      404,
      `/v1/sessions/${encodeURIComponent(pick(["..", "../..", "x", "__proto__", "f".repeat(32)]))}/samples?channel=*`,
      {},
    ],
    [404, "/v1/sessions/live/samples?channel=nothing", {}],
    [404, "/v1/sessions/live/recording.mcap", {}],
    [404, `/v1/${pick(["nothing", "sessions/", "%2e%2e/secret", "sessions/live/other"])}`, {}],
    [404, "/v1/sessions", { method: pick(["PUT", "DELETE", "PATCH"]) }],
    [
      400,
      "/v1/shares",
      { method: "POST", headers: json, body: pick(["{", "[1,", "nul", '{"a":}', "\u0000"]) },
    ],
    [
      400,
      "/v1/shares",
      {
        method: "POST",
        headers: json,
        body: JSON.stringify(pick([[], 7, { x: 1 }, { session: 7 }, { expiresInSeconds: "1d" }])),
      },
    ],
    [
      400,
      "/v1/sessions/live",
      {
        method: "PATCH",
        headers: json,
        body: JSON.stringify({ name: pick(["", " ", 7, null, "a".repeat(121), "a\nb"]) }),
      },
    ],
    [413, "/v1/shares", { method: "POST", headers: json, body: `{"session":"${"x".repeat(70_000)}"}` }],
    [
      415,
      "/v1/shares",
      {
        method: "POST",
        headers: { "content-type": pick(["text/plain", "application/xml", "x/y"]) },
        body: "{}",
      },
    ],
    [415, "/v1/recordings", { method: "POST", headers: json, body: "{}" }],
    [
      404,
      "/v1/recordings",
      { method: "POST", headers: { "content-type": "application/octet-stream" }, body: "no recording" },
    ],
  ];
  const [status, path, init] = pick(cases);
  const answer = await gateway.get(path, init);
  const body = await answer.text();
  failures.expect(
    answer.status === status,
    () => `${at}: ${init.method ?? "GET"} ${path.slice(0, 80)}: ${answer.status}, expected ${status}`,
  );
  const { code, message } = readError(body);
  const known = (HTTP_ERRORS as Record<string, number>)[code];
  failures.expect(known === status, () => `${at}: ${path.slice(0, 80)}: code ${code} with ${status}`);
  failures.expect(!/\bat .*[.][jt]s:\d+/.test(message), () => `${at}: a stack trace: ${message}`);
  if (random.integer(10) === 0) await rawRequest(gateway, random, failures, at);
}

function readError(body: string): { code: string; message: string } {
  try {
    return (JSON.parse(body) as { error: { code: string; message: string } }).error;
  } catch {
    return { code: "none", message: body };
  }
}

/** Below HTTP: lines that are none. */
async function rawRequest(
  gateway: TestGateway,
  random: Random,
  failures: Failures,
  at: string,
): Promise<void> {
  const lines = [
    "GET / HTTP/9.9\r\n\r\n",
    "GET\r\n\r\n",
    "\u0000\u0001\u0002\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    `GET /${"x".repeat(20_000)} HTTP/1.1\r\n\r\n`,
    `GET / HTTP/1.1\r\nConnection: close\r\n${"A: b\r\n".repeat(5000)}\r\n`,
  ];
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(lines[random.integer(lines.length)] ?? "");
  const said = await text(socket).catch(() => "");
  socket.destroy();
  failures.expect(
    said === "" || /^HTTP\/1\.1 4\d\d /.test(said),
    () => `${at}: nonsense was answered ${said.slice(0, 60)}`,
  );
}

function show(sent: string | Uint8Array): string {
  return typeof sent === "string" ? sent.slice(0, 120) : `${sent.length} bytes`;
}
