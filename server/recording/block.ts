/** A piece of a log as it lies on disk, and the walk through its messages. */
import { crc32 } from "node:zlib";
import { msOfNanos } from "../../shared/frame.ts";
import type { StreamDescriptor } from "../../shared/stream.ts";
import {
  CHUNK_HEADER_BYTES,
  MESSAGE_HEADER_BYTES,
  OPCODE,
  type RecordPlace,
  recordAt,
} from "./mcap-records.ts";
import { type OpenedMessage, openMessage } from "./message.ts";
import { RecordingError } from "./recording-error.ts";

/** Whole records, chunks among them, whose messages have the seqs [firstSeq, lastSeq] without a hole. */
export interface Block {
  readonly bytes: Buffer;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/**
 * Why these bytes are no intact chunk record, or null. Whatever its fields claim, nothing outside `bytes` is read.
 *
 * @param bytes  one whole chunk record.
 */
export function chunkFault(bytes: Buffer): string | null {
  if (bytes.byteLength < CHUNK_HEADER_BYTES) return `a chunk of ${bytes.byteLength} bytes`;
  if (bytes.readUInt32LE(37) !== 0) return "a compressed chunk";
  const records = bytes.subarray(CHUNK_HEADER_BYTES);
  const sizes = [Number(bytes.readBigUInt64LE(25)), Number(bytes.readBigUInt64LE(41))];
  if (sizes.some((size) => size !== records.byteLength)) return `a chunk whose size is ${sizes.join(" or ")}`;
  if (crc32(records) !== bytes.readUInt32LE(33)) return "a chunk whose checksum differs";
  return null;
}

/** Throws unless every chunk among these whole records is as it was written. */
export function verifyChunks(bytes: Buffer, path: string): void {
  for (let at = 0; at < bytes.byteLength; ) {
    const record = recordAt(bytes, at, bytes.byteLength);
    const fault = record === null ? "half a record" : chunkFaultOf(record, bytes, at);
    if (record === null || fault !== null) {
      throw new RecordingError("damaged", `${path}: expected the chunks that were read before, got ${fault}`);
    }
    at = record.end;
  }
}

function chunkFaultOf(record: RecordPlace, bytes: Buffer, at: number): string | null {
  return record.opcode === OPCODE.chunk ? chunkFault(bytes.subarray(at, record.end)) : null;
}

/** Goes through a block message by message. The fields describe the message that `next` last stopped at. */
export class MessageWalk {
  readonly #bytes: Buffer;
  readonly #lastSeq: number;
  #at = 0;
  #chunkEnd = 0;
  channel = -1;
  seq: number;
  /** Of the message's data, in the block's bytes. */
  start = 0;
  end = 0;

  constructor(block: Block) {
    this.#bytes = block.bytes;
    this.#lastSeq = block.lastSeq;
    this.seq = block.firstSeq - 1;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** False after the last message. */
  next(): boolean {
    if (this.seq >= this.#lastSeq) return false;
    for (;;) {
      const isInChunk = this.#at < this.#chunkEnd;
      const record = recordAt(this.#bytes, this.#at, isInChunk ? this.#chunkEnd : this.#bytes.byteLength);
      if (record === null) return false;
      if (record.opcode === OPCODE.chunk && !isInChunk) {
        this.#chunkEnd = record.end;
        this.#at += CHUNK_HEADER_BYTES;
        continue;
      }
      const at = this.#at;
      this.#at = record.end;
      if (record.opcode !== OPCODE.message || !isInChunk) continue;
      if (record.end - at < MESSAGE_HEADER_BYTES) return false;
      this.channel = this.#bytes.readUInt16LE(record.start);
      this.seq++;
      this.start = at + MESSAGE_HEADER_BYTES;
      this.end = record.end;
      return true;
    }
  }

  /** Moves on to the message of this seq, which must not lie behind. */
  skipTo(seq: number): boolean {
    while (this.seq < seq) if (!this.next()) return false;
    return this.seq === seq;
  }

  /** Low 32 bits of the seq, as stored. */
  get storedSequence(): number {
    return this.#bytes.readUInt32LE(this.start - 20);
  }

  get nanos(): bigint {
    return this.#bytes.readBigUInt64LE(this.start - 16);
  }

  get wallTimeMs(): number {
    return msOfNanos(this.nanos);
  }

  /** Throws on what a scan would have refused. */
  open(descriptor: StreamDescriptor): OpenedMessage {
    const message = openMessage(descriptor.encoding, this.#bytes, this.start, this.end);
    if (message === null) {
      throw new RecordingError(
        "damaged",
        `seq ${this.seq}: expected a ${descriptor.encoding} message of ${descriptor.name}`,
      );
    }
    return message;
  }
}
