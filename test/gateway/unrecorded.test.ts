/** What clients are told when the disk takes nothing. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { firstValueFrom } from "rxjs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { buildHeader } from "../support/build-header.ts";
import { FaultyDisk } from "../support/faulty-disk.ts";
import { testGateway } from "../support/test-gateway.ts";
import { appendSteps } from "../support/write-steps.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-unrecorded-"));
  path = join(folder, "a.mcap");
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

it("a full disk is told with the session's state, and so is its end", async () => {
  const disk = new FaultyDisk("ENOSPC", 4);
  const log = await SessionLog.create({ header: buildHeader(), path, open: disk.open, retryMs: 1 });
  const gateway = await testGateway([log]);
  const client = await gateway.connect();
  client.send({ op: "subscribe", id: 1, session: "live", channels: ["train/loss"] });
  expect(await client.next("state")).not.toHaveProperty("trouble");
  const recovered = firstValueFrom(log.recovery$);
  await appendSteps(log, 30);
  const trouble = { code: "disk-full", message: `${path}: no space is left on the disk`, isKept: true };
  expect(await client.next("state")).toMatchObject({ state: "running", trouble });
  client.send({ op: "describe", session: "live" });
  expect(await client.next("session")).toMatchObject({ trouble, watermarks: log.watermarks });
  disk.heal();
  await recovered;
  expect(await client.next("state")).toMatchObject({ state: "running", trouble: null });
  await log.flush();
  await client.until(() => client.samples(1).length === 30);
  await log.close();
  await client.close();
  await gateway.close();
});

it("a recording with a hole is replayed with a gap of exactly its size", async () => {
  const disk = new FaultyDisk("ENOSPC", 4);
  const log = await SessionLog.create({
    header: buildHeader(),
    path,
    open: disk.open,
    retryMs: 1,
    onFailure: "continue",
  });
  await appendSteps(log, 30);
  disk.heal();
  while (log.status.trouble !== null) await Promise.all([appendSteps(log, 5), setImmediate()]);
  await appendSteps(log, 5);
  await log.finish("finished");
  await log.close();

  const recorded = await openRecording(path);
  const gateway = await testGateway([recorded]);
  const client = await gateway.connect();
  const channels = ["train/loss", "hessian/eigenvalues", "run/*", "train/weights", "train/state"];
  client.send({ op: "subscribe", id: 1, session: recorded.header.id, channels });
  const { lastSeq } = await client.next("end");
  const [gap, ...others] = client.received.filter((message) => message.op === "gap");
  expect(others).toEqual([]);
  expect(gap).toMatchObject({ reason: "unrecorded", ...recorded.holeAt(gap?.fromSeq ?? -1) });
  const seqs = new Set([
    ...client.samples(1).map(({ seq }) => seq),
    ...client.received.flatMap((message) => (message.op === "binary" ? [message.frame.seq] : [])),
  ]);
  for (let seq = 0; seq <= lastSeq; seq++) {
    const isMissing = gap !== undefined && seq >= gap.fromSeq && seq <= gap.toSeq;
    expect(seqs.has(seq)).toBe(!isMissing);
  }

  // Also where nothing of what was asked for lies before it.
  const before = (gap?.fromSeq ?? 0) - 1;
  const isBefore = client.samples(1).some(({ seq, channel }) => seq === before && channel === "train/loss");
  client.send({
    op: "subscribe",
    id: 2,
    session: recorded.header.id,
    channels: isBefore ? ["hessian/eigenvalues", "run/*"] : ["train/loss"],
    from: { seq: before },
  });
  await client.next("end");
  const seen = client.received.filter((message) => message.op === "gap" && message.id === 2);
  expect(seen).toEqual([{ ...gap, id: 2 }]);

  // Of the newest, too: before it lies one delivery, and another one behind it.
  client.send({ op: "subscribe", id: 3, session: recorded.header.id, channels, mode: "latest" });
  await client.next("end");
  const told = client.received.flatMap((message): { isHole?: true; count: number; of: number[] }[] => {
    if (message.op === "gap" && message.id === 3) {
      const { reason, count, fromSeq, toSeq } = message;
      return [{ ...(reason === "unrecorded" ? { isHole: true } : {}), count, of: [fromSeq, toSeq] }];
    }
    if (message.op === "samples" && message.id === 3)
      return [{ count: message.samples.length, of: message.samples.map(({ seq }) => seq) }];
    if (message.op === "binary" && message.frame.subscription === 3)
      return [{ count: 1, of: [message.frame.seq] }];
    return [];
  });
  expect(told.filter(({ isHole }) => isHole)).toMatchObject([{ of: [gap?.fromSeq, gap?.toSeq] }]);
  expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(lastSeq + 1);
  const hole = told.findIndex(({ isHole }) => isHole);
  for (const [at, { of }] of told.entries())
    for (const seq of at === hole ? [] : of) expect(seq < (gap?.fromSeq ?? 0)).toBe(at < hole);

  const part = (query: string) => gateway.get(`/v1/sessions/${recorded.header.id}/recording.mcap${query}`);
  for (const [query, file] of [
    ["", "a.mcap"],
    ["?part=1", "a.mcap"],
    ["?part=2", "a.2.mcap"],
  ] as const) {
    const response = await part(query);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(await readFile(join(folder, file)));
  }
  expect(await (await part("?part=3")).json()).toMatchObject({ error: { code: "no-recording" } });
  expect((await part("?part=zwei")).status).toBe(400);
  await client.close();
  await gateway.close();
  await recorded.close();
});
