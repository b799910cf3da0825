/** Chunks on disk and how they are found again: one file for a recording, a row of bounded segments for a temporary log. */
import { open as openFolder, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { EndReason, SessionHeader } from "../../shared/header.ts";
import type { Block } from "../recording/block.ts";
import { BlockFile } from "../recording/block-file.ts";
import type { Chunk, StoredWeights } from "../recording/chunk-builder.ts";
import { compactRecording } from "../recording/compact.ts";
import type { OpenLogFile } from "../recording/log-file-handle.ts";
import { McapWriter } from "../recording/mcap-writer.ts";
import { SPAN_BYTES, type Span } from "../recording/span-index.ts";
import { WeightIndex } from "../recording/weight-index.ts";
import type { EventSource } from "./event-source.ts";
import { Tail } from "./tail.ts";

/** What a temporary log may hold; it is kept in segments, the oldest of which is dropped. */
export interface TemporaryBound {
  readonly boundBytes: number;
  readonly segmentBytes: number;
}

export interface StoreOptions {
  readonly header: SessionHeader;
  readonly open: OpenLogFile;
  /** The recording, or the folder of a temporary log. */
  readonly path: string;
  readonly temporary: TemporaryBound | null;
}

/** Encoded θ, by seq. */
type Carried = ReadonlyMap<number, Uint8Array>;

interface Segment {
  file: BlockFile;
  readonly writer: McapWriter;
  readonly firstSeq: number;
  /** What its first weights messages need of segments before it. */
  readonly carried: Carried;
}

/** In units of the length at which a segment is full. */
const LONGEST_SEGMENT = 1.5;
/** From here on a file of small chunks is certain to be compacted, and its chunks are no longer indexed one by one. */
const MANY_CHUNKS = 4096;
const SMALL_CHUNK_BYTES = SPAN_BYTES / 4;

export class LogStore implements EventSource {
  readonly header: SessionHeader;
  readonly #options: StoreOptions;
  readonly #tail = new Tail();
  readonly #segments: Segment[] = [];
  readonly #weights = new Map<number, WeightIndex>();
  /** Of a temporary log, by channel: the encoded θ since the last keyframe. */
  readonly #groups = new Map<number, Map<number, Uint8Array>>();
  #segmentCount = 0;
  #headSeq = -1;
  #isClosed = false;

  private constructor(options: StoreOptions) {
    this.header = options.header;
    this.#options = options;
    options.header.channels.forEach(({ encoding }, channel) => {
      if (encoding === "f32") this.#weights.set(channel, new WeightIndex());
    });
  }

  static async create(options: StoreOptions): Promise<LogStore> {
    const store = new LogStore(options);
    await store.#beginSegment(new Map());
    return store;
  }

  get headSeq(): number {
    return this.#headSeq;
  }

  get earliestSeq(): number {
    return this.#segments[0]?.firstSeq ?? 0;
  }

  get weights(): ReadonlyMap<number, WeightIndex> {
    return this.#weights;
  }

  async block(seq: number): Promise<Block | undefined> {
    if (seq < this.earliestSeq || this.#isClosed) return undefined;
    return (
      this.#tail.find(seq) ?? this.#segments.findLast(({ firstSeq }) => firstSeq <= seq)?.file.block(seq)
    );
  }

  carried(seq: number): Uint8Array | undefined {
    return this.#segments[0]?.carried.get(seq);
  }

  spanReaching(step: number): Span | undefined {
    for (const { file } of this.#segments) {
      const span = file.spans.reaching(step);
      if (span !== undefined) return span;
    }
    return undefined;
  }

  /** Rejects with the system's error; the log then ends with the chunk before, and takes no more. */
  async write(chunk: Chunk): Promise<void> {
    const { temporary } = this.#options;
    if (temporary !== null) await this.#rotate(chunk, temporary.segmentBytes);
    const { writer, file } = this.#newest;
    const offset = await writer.appendChunk(chunk);
    const { firstSeq, lastSeq, minStep, maxStep, bytes } = chunk;
    file.spans.add({ offset, length: bytes.byteLength, firstSeq, lastSeq, minStep, maxStep });
    for (const weights of chunk.weights) this.#indexWeights(weights, bytes);
    this.#tail.add({ bytes, firstSeq, lastSeq });
    this.#headSeq = lastSeq;
    if (writer.chunkCount > MANY_CHUNKS && writer.position / writer.chunkCount < SMALL_CHUNK_BYTES) {
      writer.dropChunkIndexes();
    }
    if (temporary !== null) await this.#dropOldest(temporary.boundBytes);
  }

  /** Survives a power cut after this. */
  async sync(): Promise<void> {
    await this.#newest.file.handle.datasync();
  }

  async end(reason: EndReason): Promise<void> {
    const { writer, file } = this.#newest;
    await writer.appendEnd(reason, this.#headSeq);
    await file.handle.datasync();
  }

  /**
   * Gives an ended recording its summary: in place where its chunks are large, else by way of a copy with large ones, which takes the
   * file's place under the readers. If there is no room for the copy, in place.
   */
  async finish(reason: EndReason): Promise<void> {
    const { writer, file } = this.#newest;
    const wholeChunks = Math.ceil(writer.position / SPAN_BYTES);
    const isCoarse = writer.hasChunkIndexes && writer.chunkCount <= 2 * wholeChunks;
    if (isCoarse) {
      await writer.finish();
      await file.handle.sync();
      return;
    }
    try {
      await this.#replaceByCompact(reason);
    } catch (cause) {
      if (!writer.hasChunkIndexes || this.#newest.file !== file) throw cause;
      await writer.finish();
      await file.handle.sync();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#tail.clear();
    await Promise.all(this.#segments.map(({ file }) => file.close()));
  }

  get #newest(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  async #replaceByCompact(reason: EndReason): Promise<void> {
    const { open, path } = this.#options;
    const segment = this.#newest;
    const temporaryPath = `${path}.tmp`;
    const compact = await compactRecording(segment.file, this.header, reason, temporaryPath, open);
    try {
      await rename(temporaryPath, path);
    } catch (cause) {
      await compact.handle.close();
      await unlink(temporaryPath);
      throw cause;
    }
    const old = segment.file;
    segment.file = new BlockFile(path, compact.handle, compact.spans);
    await old.close();
    await syncFolder(dirname(path));
  }

  /** A full segment is followed by the next one where a keyframe begins; if that takes too long, anywhere, and what decoding needs is carried. */
  async #rotate(chunk: Chunk, segmentBytes: number): Promise<void> {
    const { position } = this.#newest.writer;
    if (position < segmentBytes) return;
    const carried = new Map<number, Uint8Array>();
    for (const [channel, group] of this.#groups) {
      const next = chunk.weights.find((weights) => weights.channel === channel);
      if (next?.isKeyframe === true) continue;
      for (const [seq, bytes] of group) carried.set(seq, bytes);
    }
    if (carried.size === 0 || position >= LONGEST_SEGMENT * segmentBytes) await this.#beginSegment(carried);
  }

  async #beginSegment(carried: Carried): Promise<void> {
    const { header, open, path, temporary } = this.#options;
    const name = `thalweg-${header.id}-${this.#segmentCount++}.mcap`;
    const filePath = temporary === null ? path : join(path, name);
    const handle = await open(filePath, "wx+");
    let writer: McapWriter;
    try {
      // Without a name from the start: whatever ends this process, the space is freed.
      if (temporary !== null) await unlink(filePath);
      writer = await McapWriter.create(handle, header);
    } catch (cause) {
      await handle.close();
      if (temporary === null) await unlink(filePath);
      throw cause;
    }
    if (temporary === null) await syncFolder(dirname(filePath));
    this.#segments.push({
      file: new BlockFile(filePath, handle),
      writer,
      firstSeq: this.#headSeq + 1,
      carried,
    });
  }

  #indexWeights({ channel, seq, step, isKeyframe, start, end }: StoredWeights, bytes: Buffer): void {
    this.#weights.get(channel)?.add(seq, step, isKeyframe);
    if (this.#options.temporary === null) return;
    const group = (isKeyframe ? undefined : this.#groups.get(channel)) ?? new Map<number, Uint8Array>();
    group.set(seq, Uint8Array.from(bytes.subarray(start, end)));
    this.#groups.set(channel, group);
  }

  async #dropOldest(boundBytes: number): Promise<void> {
    const dropped: Segment[] = [];
    while (this.#segments.length > 1 && this.#heldBytes > boundBytes)
      dropped.push(...this.#segments.splice(0, 1));
    if (dropped.length === 0) return;
    const { firstSeq, carried } = this.#segments[0] as Segment;
    for (const index of this.#weights.values()) index.dropBelow(Math.min(firstSeq, ...carried.keys()));
    await Promise.all(dropped.map(({ file }) => file.close()));
  }

  get #heldBytes(): number {
    return this.#segments.reduce((sum, { writer }) => sum + writer.position, 0);
  }
}

/** Makes a new or renamed file's name survive a power cut, on systems that know how to. */
async function syncFolder(path: string): Promise<void> {
  const folder = await openFolder(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
