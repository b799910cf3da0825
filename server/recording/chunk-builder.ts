/** Messages on their way to disk: gathered into one MCAP chunk with its message indexes, in one piece of memory. */
import { crc32 } from "node:zlib";
import {
  ByteWriter,
  CHUNK_HEADER_BYTES,
  MESSAGE_HEADER_BYTES,
  OPCODE,
  RECORD_HEADER_BYTES,
} from "./mcap-records.ts";

/** A θ in the log: what {@link WeightIndex} keeps, and where its encoded bytes lie in the chunk. */
export interface StoredWeights {
  readonly channel: number;
  readonly seq: number;
  readonly step: number;
  readonly isKeyframe: boolean;
  readonly start: number;
  readonly end: number;
}

/** A stretch of events and the bytes that hold them. */
export interface Extent {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly maxStep: number;
}

export interface Chunk extends Extent {
  /** The chunk record, then one message index record for each channel in it. */
  readonly bytes: Buffer;
  /** Of the chunk record alone. */
  readonly chunkBytes: number;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  /** By channel: how many messages, and where its message index lies in `bytes`. */
  readonly channels: ReadonlyMap<number, { readonly count: number; readonly indexAt: number }>;
  readonly weights: readonly StoredWeights[];
}

export interface MessagePlace {
  readonly channel: number;
  readonly seq: number;
  readonly step: number;
  readonly nanos: bigint;
}

export class ChunkBuilder {
  readonly #out = new ByteWriter();
  readonly #entries = new Map<number, { nanos: bigint; offset: number }[]>();
  readonly #weights: StoredWeights[] = [];
  readonly #firstSeq: number;
  #lastSeq: number;
  #maxStep = -1;
  #startNanos = 0n;
  #endNanos = 0n;

  constructor(firstSeq: number) {
    this.#firstSeq = firstSeq;
    this.#lastSeq = firstSeq - 1;
    this.#out.raw(new Uint8Array(CHUNK_HEADER_BYTES));
  }

  get byteLength(): number {
    return this.#out.length;
  }

  get isEmpty(): boolean {
    return this.#lastSeq < this.#firstSeq;
  }

  /**
   * One message; seqs come without a hole.
   *
   * @param isKeyframe  of a weights message; null for others.
   * @param codecOffset  of the codec's bytes in the data that `writeData` writes.
   */
  add(
    place: MessagePlace,
    writeData: (out: ByteWriter) => void,
    isKeyframe: boolean | null,
    codecOffset = 4,
  ): void {
    const { channel, seq, step, nanos } = place;
    const out = this.#out;
    const offset = out.length - CHUNK_HEADER_BYTES;
    out.record(OPCODE.message, () => {
      out.u16(channel);
      out.u32(seq % 2 ** 32);
      out.u64(nanos);
      out.u64(nanos);
      writeData(out);
    });
    if (isKeyframe !== null) {
      const start = CHUNK_HEADER_BYTES + offset + MESSAGE_HEADER_BYTES + codecOffset;
      this.#weights.push({ channel, seq, step, isKeyframe, start, end: out.length });
    }
    const entries = this.#entries.get(channel);
    if (entries === undefined) this.#entries.set(channel, [{ nanos, offset }]);
    else entries.push({ nanos, offset });
    if (this.isEmpty) this.#startNanos = nanos;
    this.#endNanos = nanos;
    this.#lastSeq = seq;
    this.#maxStep = Math.max(this.#maxStep, step);
  }

  close(): Chunk {
    const out = this.#out;
    const chunkBytes = out.length;
    const records = out.bytes.subarray(CHUNK_HEADER_BYTES);
    out.patchU8(0, OPCODE.chunk);
    out.patchU64(1, chunkBytes - RECORD_HEADER_BYTES);
    out.patchU64(9, this.#startNanos);
    out.patchU64(17, this.#endNanos);
    out.patchU64(25, records.byteLength);
    out.patchU32(33, crc32(records));
    out.patchU32(37, 0);
    out.patchU64(41, records.byteLength);
    const channels = new Map<number, { count: number; indexAt: number }>();
    for (const [channel, entries] of this.#entries) {
      const indexAt = out.record(OPCODE.messageIndex, () => {
        out.u16(channel);
        out.u32(16 * entries.length);
        for (const { nanos, offset } of entries) out.u64(nanos).u64(offset);
      });
      channels.set(channel, { count: entries.length, indexAt });
    }
    return {
      bytes: out.finish(),
      chunkBytes,
      firstSeq: this.#firstSeq,
      lastSeq: this.#lastSeq,
      maxStep: this.#maxStep,
      startNanos: this.#startNanos,
      endNanos: this.#endNanos,
      channels,
      weights: this.#weights,
    };
  }
}
