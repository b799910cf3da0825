/** Our files in the hands of the reference reader. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { McapIndexedReader, McapStreamReader, type McapTypes } from "@mcap/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SessionLog } from "../../server/session/log.ts";
import type { SessionEvent } from "../../server/session/session.ts";
import { nanosOfMs } from "../../shared/frame.ts";
import { buildHeader, testChannels } from "../support/build-header.ts";
import { readAll } from "../support/read-all.ts";
import { appendSteps } from "../support/write-steps.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-mcap-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

class Readable implements McapTypes.IReadable {
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  async size(): Promise<bigint> {
    return BigInt(this.#bytes.byteLength);
  }
  async read(offset: bigint, size: bigint): Promise<Uint8Array> {
    return this.#bytes.subarray(Number(offset), Number(offset + size));
  }
}

/** Both kinds of final file: rewritten from small chunks, and finished in place. */
async function record(
  kind: "compacted" | "in place",
): Promise<{ bytes: Uint8Array; events: SessionEvent[] }> {
  const path = join(folder, `${kind}.mcap`);
  const log = await SessionLog.create({ header: buildHeader(), path });
  if (kind === "compacted") await appendSteps(log, 60);
  else
    for (let step = 0; step < 8; step++) log.append(2, step, { bytes: new Uint8Array(400_000).fill(step) });
  await log.finish("finished");
  const events = await readAll(log);
  await log.close();
  return { bytes: await readFile(path), events };
}

/** What MCAP says about an event of ours. */
function asMessage({ seq, channel, wallTimeMs }: SessionEvent): Partial<McapTypes.Message> {
  const nanos = nanosOfMs(wallTimeMs);
  return { channelId: channel, sequence: seq, logTime: nanos, publishTime: nanos };
}

function expectPayload({ step, json }: SessionEvent, data: Uint8Array): void {
  if (json !== undefined)
    expect(JSON.parse(Buffer.from(data).toString())).toEqual({ step, value: JSON.parse(json) });
  else expect(new DataView(data.buffer, data.byteOffset).getUint32(0, true)).toBe(step);
}

describe.each(["compacted", "in place"] as const)("a finished recording (%s)", (kind) => {
  test("is read by the indexed reader: messages in order, channels, schemas, header, end, statistics", async () => {
    const { bytes, events } = await record(kind);
    const reader = await McapIndexedReader.Initialize({ readable: new Readable(bytes) });
    expect(reader.header).toEqual({ type: "Header", profile: "thalweg", library: "thalweg 0.1.0" });
    const messages: McapTypes.Message[] = [];
    for await (const message of reader.readMessages())
      messages.push({ ...message, data: message.data.slice() });
    expect(messages).toHaveLength(events.length);
    messages.forEach((message, i) => {
      const event = events[i] as SessionEvent;
      expect(message).toMatchObject(asMessage(event));
      expectPayload(event, message.data);
    });
    expect(
      [...reader.channelsById.values()].map(({ topic, messageEncoding }) => [topic, messageEncoding]),
    ).toEqual([
      ["train/loss", "json"],
      ["train/weights", "thalweg.weights.v1"],
      ["train/state", "thalweg.bytes.v1"],
      ["hessian/eigenvalues", "json"],
      ["run/status", "json"],
      ["run/overhead", "json"],
    ]);
    for (const { topic, schemaId, messageEncoding } of reader.channelsById.values()) {
      const schema = reader.schemasById.get(schemaId);
      expect(schema?.name).toBe(messageEncoding === "json" ? topic : undefined);
      if (schema === undefined) continue;
      expect(schema.encoding).toBe("jsonschema");
      expect(JSON.parse(Buffer.from(schema.data).toString())).toMatchObject({ required: ["step", "value"] });
    }
    const perChannel = new Map<number, bigint>(testChannels.map((_, channel) => [channel, 0n]));
    for (const { channel } of events) perChannel.set(channel, (perChannel.get(channel) ?? 0n) + 1n);
    expect(reader.statistics).toMatchObject({
      messageCount: BigInt(events.length),
      schemaCount: 4,
      channelCount: 6,
      attachmentCount: 1,
      metadataCount: 1,
      chunkCount: reader.chunkIndexes.length,
      messageStartTime: nanosOfMs(events[0]?.wallTimeMs ?? 0),
      messageEndTime: nanosOfMs(events.at(-1)?.wallTimeMs ?? 0),
      channelMessageCounts: perChannel,
    });
    const attachments: McapTypes.Attachment[] = [];
    for await (const attachment of reader.readAttachments()) attachments.push(attachment);
    expect(attachments.map(({ name }) => name)).toEqual(["thalweg.session.json"]);
    expect(JSON.parse(Buffer.from(attachments[0]?.data ?? []).toString())).toEqual(buildHeader());
    const metadata: McapTypes.Metadata[] = [];
    for await (const record of reader.readMetadata()) metadata.push(record);
    expect(metadata).toMatchObject([
      {
        name: "thalweg.end",
        metadata: new Map([
          ["reason", "finished"],
          ["last_seq", String(events.length - 1)],
        ]),
      },
    ]);
  });

  test("finds one channel's messages through the message indexes", async () => {
    const { bytes, events } = await record(kind);
    const reader = await McapIndexedReader.Initialize({ readable: new Readable(bytes) });
    const sequences: number[] = [];
    for await (const message of reader.readMessages({ topics: ["train/state"] }))
      sequences.push(message.sequence);
    expect(sequences).toEqual(events.filter(({ channel }) => channel === 2).map(({ seq }) => seq));
    const startTime = nanosOfMs(events.at(-3)?.wallTimeMs ?? 0);
    const late: number[] = [];
    for await (const message of reader.readMessages({ startTime })) late.push(message.sequence);
    expect(late).toEqual(
      events.filter(({ wallTimeMs }) => nanosOfMs(wallTimeMs) >= startTime).map(({ seq }) => seq),
    );
  });

  test("is read by the stream reader to its last record, with every checksum right", async () => {
    const { bytes, events } = await record(kind);
    const reader = new McapStreamReader({ validateCrcs: true });
    reader.append(bytes);
    const types = new Map<string, number>();
    for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
      types.set(record.type, (types.get(record.type) ?? 0) + 1);
    }
    expect(reader.done()).toBe(true);
    expect(types.get("Message")).toBe(events.length);
    expect(types.get("Footer")).toBe(1);
  });
});

test("small chunks are merged when a recording is finished", async () => {
  const { bytes } = await record("compacted");
  const reader = await McapIndexedReader.Initialize({ readable: new Readable(bytes) });
  expect(reader.chunkIndexes).toHaveLength(1);
});
