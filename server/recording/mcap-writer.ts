/** Appends an MCAP file: what the session is, its chunks, why it ended, the summary. One writer at a time. */
import { crc32 } from "node:zlib";
import { nanosOfMs } from "../../shared/frame.ts";
import type { EndReason, SessionHeader } from "../../shared/header.ts";
import type { StreamDescriptor } from "../../shared/stream.ts";
import type { Chunk } from "./chunk-builder.ts";
import type { LogFileHandle } from "./log-file-handle.ts";
import { ByteWriter, CHUNK_HEADER_BYTES, MCAP_MAGIC, OPCODE } from "./mcap-records.ts";
import { MESSAGE_ENCODING } from "./message.ts";
import { encodeSummary } from "./summary.ts";

export const PROFILE = "thalweg";
/** The session header, as an attachment: of the records that may stand first, the one with a checksum. */
export const HEADER_ATTACHMENT = "thalweg.session.json";
/** Metadata record after the last chunk: `reason`, `last_seq`. */
export const END_METADATA = "thalweg.end";

/** A place in the file, for the index at its end. */
interface Place {
  readonly offset: number;
  readonly length: number;
}

export class McapWriter {
  readonly #file: LogFileHandle;
  readonly #header: SessionHeader;
  readonly #attachment: Place & { readonly dataSize: number };
  readonly #counts: number[];
  #position: number;
  #end: Place | null = null;
  #chunkCount = 0;
  #startNanos = 0n;
  #endNanos = 0n;
  #chunkIndexes: ByteWriter | null = new ByteWriter();

  private constructor(file: LogFileHandle, header: SessionHeader, front: Front) {
    this.#file = file;
    this.#header = header;
    this.#attachment = front.attachment;
    this.#position = front.bytes.byteLength;
    this.#counts = header.channels.map(() => 0);
  }

  /** Begins an empty file. */
  static async create(file: LogFileHandle, header: SessionHeader): Promise<McapWriter> {
    const front = encodeFront(header);
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

  async appendEnd(reason: EndReason, lastSeq: number): Promise<void> {
    const out = new ByteWriter();
    out.record(OPCODE.metadata, () => out.string(END_METADATA).map({ reason, last_seq: String(lastSeq) }));
    const place = { offset: this.#position, length: out.length };
    await this.#append(out.bytes);
    this.#end = place;
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
        .u32(1)
        .u32(this.#end === null ? 0 : 1)
        .u32(this.#chunkCount);
      out.u64(this.#startNanos).u64(this.#endNanos);
      out.u32(10 * this.#counts.length);
      this.#counts.forEach((count, channel) => {
        out.u16(channel).u64(count);
      });
    });
  }

  #encodeAttachmentIndex(out: ByteWriter): void {
    const { offset, length, dataSize } = this.#attachment;
    const nanos = nanosOfMs(this.#header.startedAtMs);
    out.record(OPCODE.attachmentIndex, () => {
      out.u64(offset).u64(length).u64(nanos).u64(nanos).u64(dataSize);
      out.string(HEADER_ATTACHMENT).string("application/json");
    });
  }

  #encodeMetadataIndex(out: ByteWriter): void {
    const end = this.#end;
    if (end === null) return;
    out.record(OPCODE.metadataIndex, () => out.u64(end.offset).u64(end.length).string(END_METADATA));
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

interface Front {
  readonly bytes: Uint8Array;
  readonly attachment: Place & { readonly dataSize: number };
}

function encodeFront(header: SessionHeader): Front {
  const out = new ByteWriter();
  out.raw(MCAP_MAGIC);
  const library = `thalweg ${header.versions["thalweg"] ?? "of an unnamed version"}`;
  out.record(OPCODE.header, () => out.string(PROFILE).string(library));
  const data = Buffer.from(JSON.stringify(header));
  const nanos = nanosOfMs(header.startedAtMs);
  const offset = out.record(OPCODE.attachment, () => {
    const start = out.length;
    out.u64(nanos).u64(nanos).string(HEADER_ATTACHMENT).string("application/json");
    out.u64(data.byteLength).raw(data);
    out.u32(crc32(out.bytes.subarray(start)));
  });
  const attachment = { offset, length: out.length - offset, dataSize: data.byteLength };
  encodeSchemas(out, header.channels);
  encodeChannels(out, header.channels);
  return { bytes: out.bytes, attachment };
}

/** A schema's id is its channel's number + 1: 0 means "none", which is what binary channels have. */
function schemaIds(channels: readonly StreamDescriptor[]): number[] {
  return channels.flatMap(({ encoding }, channel) => (encoding === "json" ? [channel + 1] : []));
}

function encodeSchemas(out: ByteWriter, channels: readonly StreamDescriptor[]): void {
  for (const id of schemaIds(channels)) {
    const { name, title, unit } = channels[id - 1] as StreamDescriptor;
    const schema = Buffer.from(
      JSON.stringify({
        type: "object",
        title: name,
        properties: {
          step: { type: "integer", minimum: 0, description: "Optimizer updates before this sample." },
          value: {
            description: `${title} [${unit}]. NaN and ±Infinity are the strings "NaN", "Infinity", "-Infinity".`,
          },
        },
        required: ["step", "value"],
      }),
    );
    out.record(OPCODE.schema, () => {
      out.u16(id).string(name).string("jsonschema").u32(schema.byteLength).raw(schema);
    });
  }
}

function encodeChannels(out: ByteWriter, channels: readonly StreamDescriptor[]): void {
  channels.forEach(({ name, encoding, title, about, unit }, channel) => {
    out.record(OPCODE.channel, () => {
      out.u16(channel).u16(encoding === "json" ? channel + 1 : 0);
      out.string(name).string(MESSAGE_ENCODING[encoding]).map({ title, about, unit });
    });
  });
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
