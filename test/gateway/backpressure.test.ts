import { afterEach, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

const PARAMETERS = 50_000;
const FRAME_BYTES = 4 * PARAMETERS + 32;
const MIB = 1024 * 1024;

let gateway: TestGateway;

afterEach(() => gateway.close());

function weightsSession() {
  return new MemorySession(
    sessionHeader({
      channels: [descriptor("train/loss"), descriptor("train/weights", { encoding: "f32", heavy: true })],
    }),
  );
}

it("a stalled client costs under 2 MB and two frames, and no other client notices", async () => {
  const session = weightsSession();
  gateway = await testGateway([session]);
  const channels = ["train/loss", "train/weights"];
  const stalled = await gateway.connect();
  // As many subscriptions as a connection may have: the bound is the connection's, not theirs.
  for (let id = 0; id < 16; id++) {
    stalled.send({
      op: "subscribe",
      id,
      session: "live",
      channels,
      mode: id % 2 === 0 ? "lossless" : "latest",
    });
  }
  await stalled.settle();
  stalled.socket.pause();
  const fast = await gateway.connect();
  fast.send({ op: "subscribe", id: 1, session: "live", channels });

  let mostBuffered = 0;
  for (let step = 0; step < 200; step++) {
    const value = new Float32Array(PARAMETERS).fill(step);
    session.append({ channel: "train/loss", step, value: 0 }, { channel: "train/weights", step, value });
    await fast.until(() => fast.samples(1).length === 2 * (step + 1));
    mostBuffered = Math.max(mostBuffered, gateway.bufferedBytes);
    // The test's own copies are not what is measured.
    fast.received.forEach((message) => {
      if (message.op === "binary") Object.assign(message.frame, { payload: new Float32Array(0) });
    });
  }
  expect(fast.samples(1).map(({ seq }) => seq)).toEqual(Array.from({ length: 400 }, (_, seq) => seq));
  // 16 subscriptions were due 200 frames of 200 kB each: 640 MB.
  expect(mostBuffered).toBeGreaterThan(256 * 1024);
  expect(mostBuffered).toBeLessThan(2 * MIB + 2 * FRAME_BYTES);

  // Nothing was lost on it: what it had not taken, it is served from the log.
  stalled.socket.resume();
  const lossless = () => stalled.samples(0);
  await stalled.until(() => lossless().length === 400);
  expect(lossless().map(({ seq }) => seq)).toEqual(Array.from({ length: 400 }, (_, seq) => seq));
  // A latest subscription arrives at the head, and its gaps account for every seq on the way.
  const isAt = (id: number) => stalled.samples(id).at(-1)?.seq === 399;
  await stalled.until(() => [1, 3, 5, 7, 9, 11, 13, 15].every(isAt));
  for (const id of [1, 3, 5, 7, 9, 11, 13, 15]) {
    const sent = stalled.samples(id).length;
    const omitted = stalled.received.reduce(
      (sum, m) => sum + (m.op === "gap" && m.id === id ? m.count : 0),
      0,
    );
    expect(sent + omitted).toBe(400);
    expect(omitted).toBeGreaterThan(0);
  }
  await stalled.close();
  await fast.close();
});

it("who waits holds nothing of the log: 16 subscriptions of a client that stalls, and paused ones", async () => {
  const session = weightsSession();
  for (let step = 0; step < 200; step++) {
    session.append({ channel: "train/weights", step, value: new Float32Array(PARAMETERS) });
  }
  session.end("finished");
  const clock = new FakeClock(1_000);
  gateway = await testGateway([session], { clock });
  const client = await gateway.connect();
  const ids = Array.from({ length: 16 }, (_, id) => id);
  for (const id of ids) {
    client.send({ op: "subscribe", id, session: session.header.id, channels: ["train/weights"] });
  }
  await client.until(() => ids.every((id) => client.samples(id).length > 0));
  client.socket.pause();
  let before = -1;
  await eventually(() => {
    const isStill = gateway.bufferedBytes > 256 * 1024 && session.readSamples === before;
    before = session.readSamples;
    return isStill;
  }).toBe(true);
  expect(before).toBeLessThan(200 * 16);
  expect(session.holding.thetas.size).toBe(16);
  clock.advance(1_000);
  expect(session.holding.chunks.size + session.holding.thetas.size).toBe(0);

  client.socket.resume();
  for (const id of ids) client.send({ op: "pause", id });
  const paused = () => client.received.filter((m) => m.op === "state" && m.state === "paused");
  await client.until(() => paused().length === 16);
  await client.settle();
  expect(session.holding.chunks.size + session.holding.thetas.size).toBe(0);
  await client.close();
});

it("requests of a client that does not read their answers wait in its own socket", async () => {
  const session = new MemorySession(sessionHeader({ name: "n".repeat(50_000) }));
  gateway = await testGateway([session]);
  const greedy = await gateway.connect();
  await greedy.settle();
  greedy.socket.pause();
  // 30 MB of questions, 55 MB of answers.
  for (let i = 0; i < 500; i++) greedy.send({ op: "describe", session: "live", request: "r".repeat(60_000) });
  const patient = await gateway.connect();
  for (let i = 0; i < 50; i++) await patient.settle();
  expect(gateway.bufferedBytes).toBeGreaterThan(256 * 1024);
  expect(gateway.bufferedBytes).toBeLessThan(MIB);
  // What the kernel does not hold is still on the client's side.
  expect(greedy.socket.bufferedAmount).toBeGreaterThan(15 * MIB);
  await greedy.close();
  await patient.close();
});
