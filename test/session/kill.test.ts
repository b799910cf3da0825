import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRecording } from "../../server/session/recorded-session.ts";
import { readAll } from "../support/read-all.ts";
import { thetaAt } from "../support/write-steps.ts";

const child = fileURLToPath(new URL("../support/kill-child.ts", import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-kill-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Runs the writer until it has said `lines` times how far it is, and kills it there. Returns the last that it said. */
async function killAfter(lines: number, path: string): Promise<number> {
  const writer = spawn(process.execPath, ["--import", "tsx", child, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(writer, "close");
  let said = -1;
  let count = 0;
  for await (const line of createInterface({ input: writer.stdout })) {
    said = Number(line);
    if (++count === lines) writer.kill("SIGKILL");
  }
  const [, signal] = await closed;
  expect(signal).toBe("SIGKILL");
  return said;
}

test("after kill -9 a recording holds everything that its log had reported as written", async () => {
  for (const lines of [2, 9, 40]) {
    const path = join(folder, `${lines}.mcap`);
    const said = await killAfter(lines, path);
    expect(said).toBeGreaterThan(-1);
    const session = await openRecording(path);
    expect(session.status).toMatchObject({ state: "ended", reason: "interrupted" });
    expect(session.status.headSeq).toBeGreaterThanOrEqual(said);
    const events = await readAll(session);
    expect(events).toHaveLength(session.status.headSeq + 1);
    for (const { seq, channel, step, json, data } of events) {
      expect([channel, step]).toEqual([seq % 2, Math.floor(seq / 2)]);
      if (channel === 0) expect(json).toBe(String(step));
      else expect(Buffer.compare(bytesOf(data), bytesOf(thetaAt(step, 300)))).toBe(0);
    }
    await session.close();
  }
});

function bytesOf(data: Float32Array | Uint8Array | undefined): Uint8Array {
  return new Uint8Array(data?.buffer ?? new ArrayBuffer(0), data?.byteOffset ?? 0, data?.byteLength ?? 0);
}
