import { afterEach, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import { TestClient } from "../support/test-client.ts";
import { type TestGateway, TOKEN, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;

afterEach(() => gateway.close());

/** Reproducible: a test that fails once must fail again. */
function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

it("a client cut off at random points, inside frames too, resumes without gap or duplicate", async () => {
  const session = new MemorySession(
    sessionHeader({
      channels: [descriptor("train/loss"), descriptor("train/weights", { encoding: "f32", heavy: true })],
    }),
  );
  gateway = await testGateway([session]);
  const random = lcg(7);
  const total = 3_000;
  let written = 0;
  const write = (count: number) => {
    const samples = Array.from({ length: Math.min(count, total - written) }, () => {
      const step = written++;
      const isHeavy = step % 5 === 0;
      return {
        channel: isHeavy ? "train/weights" : "train/loss",
        step,
        value: isHeavy ? new Float32Array(500).fill(step) : step / 3,
      };
    });
    if (samples.length > 0) session.append(...samples);
    if (written === total && session.status.state !== "ended") session.end("finished");
  };
  write(100);

  const got: number[] = [];
  let cuts = 0;
  for (let isOver = false; !isOver; ) {
    const client = await TestClient.open(gateway.url, { token: TOKEN });
    const bytesUntilCut = Math.floor(random() * 40_000);
    let bytes = 0;
    let isCut = false;
    // Below the frames: the cut falls where it falls.
    const { _socket: raw } = client.socket as unknown as { _socket: import("node:net").Socket };
    raw.prependListener("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesUntilCut && !isCut) {
        isCut = true;
        raw.destroy();
      }
    });
    client.send({
      op: "subscribe",
      id: 1,
      session: session.header.id,
      channels: ["train/loss", "train/weights"],
      from: { seq: (got.at(-1) ?? -1) + 1 },
    });
    write(Math.floor(random() * 40));
    const isEnded = () => client.received.some(({ op }) => op === "end");
    const hasAll = () => session.status.state !== "ended" && client.samples(1).at(-1)?.seq === written - 1;
    // Cut below, at the head, or there to the end.
    await client.until(() => isEnded() || hasAll()).catch(() => {});
    isOver = isEnded();
    for (const { seq, step, value } of client.samples(1)) {
      got.push(seq);
      expect(value).toEqual(step % 5 === 0 ? new Float32Array(500).fill(step) : step / 3);
    }
    if (isCut) cuts++;
    await client.close();
    write(5);
  }
  expect(got).toEqual(Array.from({ length: total }, (_, seq) => seq));
  expect(cuts).toBeGreaterThan(20);
  await eventually(() => session.openCursors).toBe(0);
});
