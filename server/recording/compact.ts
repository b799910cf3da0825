/** Rewrites a recording of many small chunks as one of few large ones, with a summary. Not a bit of a message changes. */
import { unlink } from "node:fs/promises";
import type { SessionHeader } from "../../shared/header.ts";
import type { StreamDescriptor } from "../../shared/stream.ts";
import { MessageWalk } from "./block.ts";
import type { BlockFile } from "./block-file.ts";
import { ChunkBuilder } from "./chunk-builder.ts";
import type { LogFileHandle, OpenLogFile } from "./log-file-handle.ts";
import { type Closing, McapWriter } from "./mcap-writer.ts";
import type { Part } from "./part.ts";
import { SPAN_BYTES, SpanIndex } from "./span-index.ts";

/** What the copy says of itself, beside its events. */
export interface CompactFrame {
  readonly header: SessionHeader;
  readonly part: Part | null;
  readonly closing: Closing;
}

export interface CompactFile {
  readonly handle: LogFileHandle;
  readonly spans: SpanIndex;
}

/** @returns the new file, on stable storage and open. Leaves nothing behind when it fails. */
export async function compactRecording(
  source: BlockFile,
  frame: CompactFrame,
  path: string,
  open: OpenLogFile,
): Promise<CompactFile> {
  const handle = await open(path, "w+");
  try {
    const spans = await copy(source, frame, handle);
    await handle.sync();
    return { handle, spans };
  } catch (cause) {
    await handle.close();
    await unlink(path);
    throw cause;
  }
}

async function copy(
  source: BlockFile,
  { header, part, closing }: CompactFrame,
  handle: LogFileHandle,
): Promise<SpanIndex> {
  const writer = await McapWriter.create(handle, header, part);
  const spans = new SpanIndex();
  let builder = new ChunkBuilder(part?.firstSeq ?? 0);
  const flush = async (): Promise<void> => {
    if (builder.isEmpty) return;
    const chunk = builder.close();
    const { bytes, firstSeq, lastSeq, maxStep } = chunk;
    const offset = await writer.appendChunk(chunk);
    spans.add({ offset, length: bytes.byteLength, firstSeq, lastSeq, maxStep });
    builder = new ChunkBuilder(lastSeq + 1);
  };
  for (const span of source.spans) {
    const block = await source.read(span);
    const walk = new MessageWalk(block);
    while (walk.next()) {
      const { channel, seq, nanos } = walk;
      const { step } = walk.open(header.channels[channel] as StreamDescriptor);
      const data = block.bytes.subarray(walk.start, walk.end);
      builder.add({ channel, seq, step, nanos }, (out) => out.raw(data), null);
      if (builder.byteLength >= SPAN_BYTES) await flush();
    }
  }
  await flush();
  await writer.appendClosing(closing);
  await writer.finish();
  return spans;
}
