/** Appends an MCAP file: what the session is, its chunks, why it ended, the summary. One writer at a time. */
import { nanosOfMs } from "../../shared/frame.ts";
import type { EndReason, SessionHeader } from "../../shared/header.ts";
import type { Chunk } from "./chunk-builder.ts";
import type { LogFileHandle } from "./log-file-handle.ts";
import {
  type AttachmentPlace,
  encodeChannels,
  encodeFront,
  encodeSchemas,
  type Front,
  type Place,
  schemaIds,
} from "./mcap-front.ts";
import { ByteWriter, CHUNK_HEADER_BYTES, OPCODE } from "./mcap-records.ts";
import { CONTINUED_METADATA, type Part } from "./part.ts";
import { encodeSummary } from "./summary.ts";

/** Metadata record after the last chunk: `reason`, `last_seq`. */
export const END_METADATA = "thalweg.end";

/** How a file ends: the session did, or another part follows. */
export type Closing =
  | { readonly reason: EndReason; readonly lastSeq: number }
  /** The next part's file name. */
  | { readonly next: string; readonly lastSeq: number };

export class McapWriter {
  readonly #file: LogFileHandle;
  readonly #header: SessionHeader;
  readonly #attachments: readonly AttachmentPlace[];
  readonly #counts: number[];
  #position: number;
  #closing: (Place & { readonly name: string }) | null = null;
  #chunkCount = 0;
  #startNanos = 0n;
  #endNanos = 0n;
  #chunkIndexes: ByteWriter | null = new ByteWriter();

  private constructor(file: LogFileHandle, header: SessionHeader, front: Front) {
    this.#file = file;
    this.#header = header;
    this.#attachments = front.attachments;
    this.#position = front.bytes.byteLength;
    this.#counts = header.channels.map(() => 0);
  }

  /** Begins an empty file. @param part  null: the first, or the only one. */
  static async create(
    file: LogFileHandle,
    header: SessionHeader,
    part: Part | null = null,
  ): Promise<McapWriter> {
    const front = encodeFront(header, part);
    await writeFully(file, front.bytes, 0);
    return new McapWriter(file, header, front);
  }

  /** Where the next record will lie. */
  get position(): number {
    return this.#position;
  }

  get chunkCount(): number {
    return this.#chunkCount;
  }

  /** Can `finish` list the chunks? Not after {@link dropChunkIndexes}. */
  get hasChunkIndexes(): boolean {
    return this.#chunkIndexes !== null;
  }

  /** Gives up the summary: the index of very many small chunks is not worth its memory. */
  dropChunkIndexes(): void {
    this.#chunkIndexes = null;
  }

  /** @returns where the chunk lies. Rejects with the system's error; the file then ends with the chunk before. */
  async appendChunk(chunk: Chunk): Promise<number> {
    const offset = this.#position;
    await this.#append(chunk.bytes);
    if (this.#chunkCount === 0) this.#startNanos = chunk.startNanos;
    this.#endNanos = chunk.endNanos;
    this.#chunkCount++;
    for (const [channel, { count }] of chunk.channels)
      this.#counts[channel] = (this.#counts[channel] ?? 0) + count;
    if (this.#chunkIndexes !== null) encodeChunkIndex(this.#chunkIndexes, chunk, offset);
    return offset;
  }

  /** The last record before the summary: why the file ends. */
  async appendClosing(closing: Closing): Promise<void> {
    const name = "reason" in closing ? END_METADATA : CONTINUED_METADATA;
    const said = "reason" in closing ? { reason: closing.reason } : { next: closing.next };
    const out = new ByteWriter();
    out.record(OPCODE.metadata, () => out.string(name).map({ ...said, last_seq: String(closing.lastSeq) }));
    const place = { name, offset: this.#position, length: out.length };
    await this.#append(out.bytes);
    this.#closing = place;
  }

  /** The summary section and the footer; nothing can be appended after them. */
  async finish(): Promise<void> {
    if (this.#chunkIndexes === null) throw new Error("finish: the chunk indexes have been dropped");
    const out = new ByteWriter();
    encodeSummary(out, this.#position, [
      [OPCODE.schema, () => encodeSchemas(out, this.#header.channels)],
      [OPCODE.channel, () => encodeChannels(out, this.#header.channels)],
      [OPCODE.statistics, () => this.#encodeStatistics(out)],
      [OPCODE.chunkIndex, () => out.raw(this.#chunkIndexes?.bytes ?? new Uint8Array())],
      [OPCODE.attachmentIndex, () => this.#encodeAttachmentIndex(out)],
      [OPCODE.metadataIndex, () => this.#encodeMetadataIndex(out)],
    ]);
    await this.#append(out.bytes);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    try {
      await writeFully(this.#file, bytes, this.#position);
    } catch (cause) {
      // A torn record at the end would be refused by strict readers. If this fails too, ours still stops before it.
      await this.#file.truncate(this.#position).catch(() => undefined);
      throw cause;
    }
    this.#position += bytes.byteLength;
  }

  #encodeStatistics(out: ByteWriter): void {
    const { channels } = this.#header;
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    out.record(OPCODE.statistics, () => {
      out.u64(total).u16(schemaIds(channels).length).u32(channels.length);
      out
        .u32(this.#attachments.length)
        .u32(this.#closing === null ? 0 : 1)
        .u32(this.#chunkCount);
      out.u64(this.#startNanos).u64(this.#endNanos);
      out.u32(10 * this.#counts.length);
      this.#counts.forEach((count, channel) => {
        out.u16(channel).u64(count);
      });
    });
  }

  #encodeAttachmentIndex(out: ByteWriter): void {
    const nanos = nanosOfMs(this.#header.startedAtMs);
    for (const { name, offset, length, dataSize } of this.#attachments) {
      out.record(OPCODE.attachmentIndex, () => {
        out.u64(offset).u64(length).u64(nanos).u64(nanos).u64(dataSize);
        out.string(name).string("application/json");
      });
    }
  }

  #encodeMetadataIndex(out: ByteWriter): void {
    const closing = this.#closing;
    if (closing === null) return;
    out.record(OPCODE.metadataIndex, () => out.u64(closing.offset).u64(closing.length).string(closing.name));
  }
}

/** write() may write less than it was given. */
export async function writeFully(file: LogFileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, position + done);
    if (bytesWritten === 0) throw Object.assign(new Error("write: no byte was taken"), { code: "EIO" });
    done += bytesWritten;
  }
}

function encodeChunkIndex(out: ByteWriter, chunk: Chunk, offset: number): void {
  const recordsBytes = chunk.chunkBytes - CHUNK_HEADER_BYTES;
  out.record(OPCODE.chunkIndex, () => {
    out.u64(chunk.startNanos).u64(chunk.endNanos).u64(offset).u64(chunk.chunkBytes);
    out.u32(10 * chunk.channels.size);
    for (const [channel, { indexAt }] of chunk.channels) out.u16(channel).u64(offset + indexAt);
    out.u64(chunk.bytes.byteLength - chunk.chunkBytes).string("");
    out.u64(recordsBytes).u64(recordsBytes);
  });
}
