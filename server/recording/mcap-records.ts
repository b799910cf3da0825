/** MCAP's records as bytes (https://mcap.dev/spec): u8 opcode, u64 length, body; everything little-endian. */

export const MCAP_MAGIC = Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a);
export const RECORD_HEADER_BYTES = 9;
/** Of a chunk record without compression, before its records; of a message record, before its data. */
export const CHUNK_HEADER_BYTES = RECORD_HEADER_BYTES + 40;
export const MESSAGE_HEADER_BYTES = RECORD_HEADER_BYTES + 22;

export const OPCODE = {
  header: 0x01,
  footer: 0x02,
  schema: 0x03,
  channel: 0x04,
  message: 0x05,
  chunk: 0x06,
  messageIndex: 0x07,
  chunkIndex: 0x08,
  attachment: 0x09,
  attachmentIndex: 0x0a,
  statistics: 0x0b,
  metadata: 0x0c,
  metadataIndex: 0x0d,
  summaryOffset: 0x0e,
  dataEnd: 0x0f,
} as const;

const FIRST_ALLOCATION_BYTES = 4096;

/** Bytes that grow at their end. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(FIRST_ALLOCATION_BYTES);
  #view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.byteLength);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes so far: a view, valid until the next write. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: number | bigint): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.byteLength);
    this.#buffer.set(bytes, at);
    return this;
  }

  /** UTF-8 without a length before it. */
  text(text: string): this {
    const at = this.#grow(Buffer.byteLength(text));
    this.#buffer.write(text, at);
    return this;
  }

  string(text: string): this {
    return this.u32(Buffer.byteLength(text)).text(text);
  }

  map(entries: Readonly<Record<string, string>>): this {
    const start = this.#length;
    this.u32(0);
    for (const [key, value] of Object.entries(entries)) this.string(key).string(value);
    this.#view.setUint32(start, this.#length - start - 4, true);
    return this;
  }

  /** A whole record around what `body` writes. Returns where it starts. */
  record(opcode: number, body: () => void): number {
    const start = this.#length;
    this.u8(opcode).u64(0);
    body();
    this.#view.setBigUint64(start + 1, BigInt(this.#length - start - RECORD_HEADER_BYTES), true);
    return start;
  }

  /** The bytes for keeping: copied when much of the buffer would be kept for nothing. */
  finish(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#length);
    return this.#buffer.byteLength > 1.25 * this.#length ? Buffer.from(bytes) : bytes;
  }

  /** The patches overwrite a place already written. */
  patchU8(at: number, value: number): void {
    this.#view.setUint8(at, value);
  }

  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  patchU64(at: number, value: number | bigint): void {
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  /** May replace the buffer: take the place first, then write. */
  #grow(byteLength: number): number {
    const at = this.#length;
    this.#length += byteLength;
    if (this.#length > this.#buffer.byteLength) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, 2 * this.#buffer.byteLength));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer, larger.byteOffset, larger.byteLength);
    }
    return at;
  }
}

export interface RecordPlace {
  readonly opcode: number;
  /** Of the body, in the given bytes. */
  readonly start: number;
  readonly end: number;
}

/** The record at `at`, or null when it does not lie whole before `limit`. */
export function recordAt(bytes: Buffer, at: number, limit: number): RecordPlace | null {
  if (at + RECORD_HEADER_BYTES > limit) return null;
  const start = at + RECORD_HEADER_BYTES;
  const length = Number(bytes.readBigUInt64LE(at + 1));
  if (length > limit - start) return null;
  return { opcode: bytes[at] as number, start, end: start + length };
}
