import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { firstValueFrom, lastValueFrom, take, toArray } from "rxjs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  connect,
  type LinkState,
  type RemoteSample,
  RequestError,
} from "../../../client/connection/connect.ts";
import { eventually } from "../../support/eventually.ts";
import { MemorySession } from "../../support/memory-session.ts";
import { descriptor, sessionHeader } from "../../support/session-header.ts";
import { READ_TOKEN, type TestGateway, TOKEN, testGateway } from "../../support/test-gateway.ts";

let session: MemorySession;
let gateway: TestGateway;

beforeEach(async () => {
  session = new MemorySession(
    sessionHeader({
      channels: [descriptor("train/loss"), descriptor("train/weights", { encoding: "f32", heavy: true })],
    }),
  );
  gateway = await testGateway([session]);
});
afterEach(() => gateway.close());

const write = (from: number, to: number) => {
  for (let step = from; step < to; step++) session.append({ channel: "train/loss", step, value: step / 3 });
};
const codeOf = (error: unknown) => (error instanceof RequestError ? error.code : error);

it("gives what was and what comes, and completes with the session", async () => {
  write(0, 3);
  session.append({ channel: "train/weights", step: 2, value: new Float32Array([1, Number.NaN]) });
  session.append({ channel: "train/loss", step: 3, value: Number.NEGATIVE_INFINITY });
  const remote = connect(gateway.url, { token: READ_TOKEN });
  const all = lastValueFrom(remote.samples(["train/*", "train/weights"]).pipe(toArray()));
  await eventually(() => session.openCursors).toBeGreaterThan(0);
  write(4, 6);
  session.end("finished");
  expect((await all).map(({ seq, channel, step, value }) => [seq, channel, step, value])).toEqual([
    [0, "train/loss", 0, 0],
    [1, "train/loss", 1, 1 / 3],
    [2, "train/loss", 2, 2 / 3],
    [3, "train/weights", 2, new Float32Array([1, Number.NaN])],
    [4, "train/loss", 3, Number.NEGATIVE_INFINITY],
    [5, "train/loss", 4, 4 / 3],
    [6, "train/loss", 5, 5 / 3],
  ]);
  await eventually(() => gateway.connections).toBe(0);
});

it("goes on after the last sample when the line is cut, at any byte, without gap or repetition", async () => {
  const total = 2_000;
  write(0, total / 2);
  // Between the two: passes on so many bytes of each connection, then cuts it.
  let cuts = 0;
  let leftBytes = 0;
  const relay = createServer((inner: Socket) => {
    const outer = connectTcp(gateway.port, "127.0.0.1");
    inner.on("error", () => outer.destroy()).pipe(outer);
    outer.on("error", () => inner.destroy()).on("close", () => inner.destroy());
    leftBytes = cuts < 6 ? 900 + cuts * 7_001 : Number.POSITIVE_INFINITY;
    outer.on("data", (chunk: Buffer) => {
      inner.write(chunk.subarray(0, Math.min(chunk.byteLength, leftBytes)));
      leftBytes -= chunk.byteLength;
      if (leftBytes > 0) return;
      cuts++;
      inner.end();
      outer.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo;
  const got: number[] = [];
  const seen = new Set<LinkState["status"]>();
  const remote = connect(`ws://127.0.0.1:${port}/`, { token: TOKEN });
  const watching = remote.link$.subscribe(({ status }) => seen.add(status));
  const done = new Promise<void>((resolve, reject) =>
    remote.samples<number>("train/loss").subscribe({
      next: ({ seq, value }) => {
        got.push(seq);
        if (value !== seq / 3) reject(new Error(`seq ${seq} has the value ${value}`));
        if (seq === total / 2 - 1) {
          write(total / 2, total);
          session.end("finished");
        }
      },
      error: reject,
      complete: resolve,
    }),
  );
  await done;
  expect(got).toEqual(Array.from({ length: total }, (_, seq) => seq));
  expect(cuts).toBe(6);
  expect(seen).toContain("reconnecting");
  watching.unsubscribe();
  relay.close();
}, 60_000);

it("uses one socket for all, and none when nobody listens", async () => {
  write(0, 10);
  const remote = connect(gateway.url, { token: TOKEN });
  expect(gateway.connections).toBe(0);
  const two = [remote.samples("train/loss"), remote.samples("train/*", { every: 2, from: { step: 4 } })];
  const [all, even] = await Promise.all(
    two.map((samples) => firstValueFrom(samples.pipe(take(3), toArray()))),
  );
  expect(all?.map(({ step }) => step)).toEqual([0, 1, 2]);
  expect(even?.map(({ step }) => step)).toEqual([4, 6, 8]);
  await eventually(() => gateway.connections).toBe(0);
  const listening = two.map((samples) => samples.subscribe());
  await eventually(() => gateway.connections).toBe(1);
  expect((await remote.sessions()).map(({ id }) => id)).toEqual([session.header.id]);
  expect((await remote.describe("live")).header.id).toBe(session.header.id);
  expect(gateway.connections).toBe(1);
  for (const each of listening) each.unsubscribe();
  await eventually(() => gateway.connections).toBe(0);
  expect(session.openCursors).toBe(0);
});

it("waits for a run that has not begun, and takes it from its start", async () => {
  session.end("finished");
  const remote = connect(gateway.url, { token: TOKEN });
  const first = firstValueFrom(remote.samples("train/loss"));
  await eventually(() => gateway.connections).toBe(1);
  const next = new MemorySession(sessionHeader({ id: "9".repeat(32), channels: session.header.channels }));
  next.append({ channel: "train/loss", step: 7, value: 1 });
  gateway.library.add(next);
  expect((await first).step).toBe(7);
});

it("says why it is not let in, that nobody answers, and what there is not", async () => {
  const asked = async (url: string, token: string, channel = "train/loss", from = "live") =>
    codeOf(
      await firstValueFrom(connect(url, { token }).samples(channel, { session: from })).catch(
        (error: unknown) => error,
      ),
    );
  expect(await asked(gateway.url, "wrong-token-0123456789")).toBe("unauthorized");
  expect(await asked(gateway.url, TOKEN, "train/nothing")).toBe("unknown-channel");
  expect(await asked(gateway.url, TOKEN, "train/loss", "0".repeat(32))).toBe("unknown-session");
  const nobody = createServer().listen(0, "127.0.0.1");
  await once(nobody, "listening");
  const { port } = nobody.address() as AddressInfo;
  nobody.close();
  await once(nobody, "close");
  expect(await asked(`http://127.0.0.1:${port}`, TOKEN)).toBe("unreachable");
  const stranger = connect(gateway.url, { token: "wrong-token-0123456789" });
  await expect(stranger.sessions()).rejects.toMatchObject({ code: "unauthorized" });
  // A line of before, still trying, would be reconnecting.
  expect((await firstValueFrom(stranger.link$)).status).toBe("connecting");
  await expect(
    connect(gateway.url, { token: READ_TOKEN }).control("live", { action: "pause" }),
  ).rejects.toMatchObject({ code: "forbidden" });
  expect(() => connect("localhost:4242")).toThrow(/^url: expected an address like/);
});

it("does not wait for ever for a server that takes a question and does not answer", async () => {
  const patience = new AbortController();
  const timeout = vi.spyOn(AbortSignal, "timeout").mockReturnValue(patience.signal);
  const mute = createHttpServer().listen(0, "127.0.0.1");
  await once(mute, "listening");
  mute.on("upgrade", (_request, socket) => socket.destroy());
  const asked = once(mute, "request");
  const { port } = mute.address() as AddressInfo;
  const answer = connect(`http://127.0.0.1:${port}`).sessions();
  await asked;
  expect(timeout.mock.calls[0]?.[0]).toBeLessThanOrEqual(10_000);
  patience.abort();
  await expect(answer).rejects.toMatchObject({ code: "unreachable" });
  timeout.mockRestore();
  mute.closeAllConnections();
  mute.close();
});

it("takes a gap for an error, unless it is told what to do with it", async () => {
  write(0, 10);
  session.forget(4);
  const remote = connect(gateway.url, { token: TOKEN });
  const first = (onGap?: (gap: { fromSeq: number; toSeq: number; reason: string }) => void) =>
    firstValueFrom(
      remote.samples("train/loss", { from: { seq: 0 }, ...(onGap === undefined ? {} : { onGap }) }),
    );
  await expect(first()).rejects.toMatchObject({ code: "retention" });
  const gaps: unknown[] = [];
  const sample: RemoteSample<unknown> = await first(({ fromSeq, toSeq, reason }) =>
    gaps.push([fromSeq, toSeq, reason]),
  );
  expect(sample.seq).toBe(4);
  expect(gaps).toEqual([[0, 3, "retention"]]);
});

it("gives the newest of each channel, also of one whose newest lies among what was left out of another", async () => {
  write(0, 3);
  session.append({ channel: "train/weights", step: 2, value: new Float32Array([1]) });
  write(3, 9);
  session.end("finished");
  const gaps: unknown[] = [];
  const newest = connect(gateway.url, { token: TOKEN }).samples(["train/loss", "train/weights"], {
    session: session.header.id,
    mode: "latest",
    onGap: ({ fromSeq, toSeq, count }) => gaps.push([fromSeq, toSeq, count]),
  });
  const got = await lastValueFrom(newest.pipe(toArray()));
  expect(got.map(({ seq }) => seq)).toEqual([3, 9]);
  expect(gaps).toEqual([[0, 8, 8]]);
});
