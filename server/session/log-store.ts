/** Chunks in segments, and how they are found again: the parts of a recording, or a row of bounded segments for a temporary log. */
import { basename } from "node:path";
import type { EndReason, SessionHeader } from "../../shared/header.ts";
import type { Block } from "../recording/block.ts";
import type { Chunk } from "../recording/chunk-builder.ts";
import type { OpenLogFile } from "../recording/log-file-handle.ts";
import { type Part, partPath } from "../recording/part.ts";
import { blockIn, type Hole, holeIn, spanReachingIn } from "../recording/segments.ts";
import type { Span } from "../recording/span-index.ts";
import { WeightIndex } from "../recording/weight-index.ts";
import type { EventSource } from "./event-source.ts";
import { type Carried, KeyframeGroups } from "./keyframe-groups.ts";
import { LogSegment, type SegmentPlace } from "./log-segment.ts";
import { TAIL_BYTES, Tail } from "./tail.ts";

/** What a log of several segments may hold before the oldest of them is dropped, and from where on a segment is full. */
export interface Bound {
  readonly boundBytes: number;
  readonly segmentBytes: number;
}

export interface StoreOptions {
  readonly header: SessionHeader;
  readonly open: OpenLogFile;
  /** The recording, or the folder of a temporary log. */
  readonly path: string;
  /** Null: a recording, of which nothing is dropped. */
  readonly temporary: Bound | null;
  /** From where on a part of a recording is full. */
  readonly partBytes: number;
}

/** In units of the length at which a segment is full. */
const LONGEST_SEGMENT = 1.5;
/** Of what is kept for readers while the disk takes nothing. */
const IN_MEMORY: Bound = { boundBytes: 64 * 2 ** 20, segmentBytes: 8 * 2 ** 20 };

export class LogStore implements EventSource {
  readonly header: SessionHeader;
  readonly #options: StoreOptions;
  readonly #tail = new Tail();
  readonly #segments: LogSegment[] = [];
  readonly #weights = new Map<number, WeightIndex>();
  readonly #groups = new KeyframeGroups();
  #segmentCount = 0;
  #writtenSeq = -1;
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
    store.#segments.push(await store.#begin(store.#nextPlace(null), 0, new Map()));
    store.#segmentCount++;
    return store;
  }

  /** What readers may see: see {@link publish}. */
  get headSeq(): number {
    return this.#headSeq;
  }

  get writtenSeq(): number {
    return this.#writtenSeq;
  }

  get earliestSeq(): number {
    return this.#segments[0]?.firstSeq ?? 0;
  }

  get weights(): ReadonlyMap<number, WeightIndex> {
    return this.#weights;
  }

  async block(seq: number): Promise<Block | undefined> {
    if (seq < this.earliestSeq || this.#isClosed) return undefined;
    return this.#tail.find(seq) ?? blockIn(this.#segments, seq);
  }

  holeAt(seq: number): Hole | undefined {
    if (this.#tail.find(seq) !== undefined) return undefined;
    const hole = holeIn(this.#segments, seq);
    const { firstSeq } = this.#tail;
    return hole === undefined || firstSeq <= seq
      ? hole
      : { ...hole, toSeq: Math.min(hole.toSeq, firstSeq - 1) };
  }

  carried(seq: number): Uint8Array | undefined {
    return this.#segments.find(({ carried }) => carried.has(seq))?.carried.get(seq);
  }

  spanReaching(step: number): Span | undefined {
    return spanReachingIn(this.#segments, step);
  }

  /** Is the newest segment only waiting for a chunk with which the next can begin? */
  get isFull(): boolean {
    return this.#newest.byteLength >= this.#bound.segmentBytes;
  }

  /** Can everything from this chunk on be decoded without what came before? */
  isSelfContained(chunk: Chunk): boolean {
    return [...this.#weights].every(([channel, index]) => {
      const next = chunk.weights.find((weights) => weights.channel === channel);
      return index.isEmpty || next?.isKeyframe === true;
    });
  }

  /** Rejects with the system's error; the log then ends with the chunk before. */
  async write(chunk: Chunk): Promise<void> {
    if (this.isFull) await this.#rotate(chunk);
    await this.#newest.append(chunk);
    this.#take(chunk);
    await this.#dropOldest();
  }

  /** Shows readers what has been written. */
  publish(): void {
    this.#headSeq = this.#writtenSeq;
  }

  /** Survives a power cut after this. */
  sync(): Promise<void> {
    return this.#newest.sync();
  }

  /** Goes on in a new file, which begins with this chunk, on stable storage. Rejects with the system's error, and has then changed nothing. */
  async goOnWith(chunk: Chunk, gap: Part["gap"]): Promise<void> {
    const { firstSeq } = chunk;
    const place = this.#nextPlace({ firstSeq, gap });
    const segment = await this.#begin(place, firstSeq, this.#groups.carriedInto(chunk));
    try {
      await segment.append(chunk);
      await segment.sync();
    } catch (cause) {
      await segment.discard();
      throw cause;
    }
    this.#segmentCount++;
    this.#segments.push(segment);
    this.#take(chunk);
  }

  /** The disk takes nothing: the newest events stay readable from memory. */
  async goOnInMemory(): Promise<void> {
    this.#groups.clear();
    this.#segments.push(await this.#begin({ kind: "memory" }, this.#writtenSeq + 1, new Map()));
  }

  async end(reason: EndReason): Promise<void> {
    if (this.#newest.place.kind === "recording") await this.#newest.seal({ reason, lastSeq: this.#headSeq });
  }

  /** Gives all parts of an ended recording their final form. */
  async finish(): Promise<void> {
    for (const segment of this.#segments) await segment.finish();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#tail.clear();
    await Promise.all(this.#segments.map(({ file }) => file.close()));
  }

  get #newest(): LogSegment {
    return this.#segments.at(-1) as LogSegment;
  }

  get #bound(): Bound {
    const { temporary, partBytes } = this.#options;
    if (this.#newest.place.kind === "memory") return IN_MEMORY;
    return temporary ?? { segmentBytes: partBytes, boundBytes: Number.POSITIVE_INFINITY };
  }

  #nextPlace(from: Omit<Part, "part"> | null): SegmentPlace {
    const { path, temporary } = this.#options;
    const number = this.#segmentCount + 1;
    if (temporary !== null) return { kind: "temporary", folder: path, number };
    return { kind: "recording", path, part: from === null ? null : { part: number, ...from } };
  }

  #begin(place: SegmentPlace, firstSeq: number, carried: Carried): Promise<LogSegment> {
    const { header, open } = this.#options;
    return LogSegment.begin({ header, open, place, firstSeq, carried });
  }

  #take(chunk: Chunk): void {
    const { bytes, firstSeq, lastSeq } = chunk;
    // Written a second time, into a file that can be relied on.
    if (lastSeq <= this.#writtenSeq) return;
    const mayBeDropped = this.#newest.place.kind !== "recording";
    for (const weights of chunk.weights) {
      this.#weights.get(weights.channel)?.add(weights.seq, weights.step, weights.isKeyframe);
      if (mayBeDropped) this.#groups.add(weights, bytes);
    }
    this.#tail.add({ bytes, firstSeq, lastSeq });
    this.#writtenSeq = lastSeq;
  }

  /** A full segment is followed by the next one where a keyframe begins; if that takes too long, anywhere, and what decoding needs is carried. */
  async #rotate(chunk: Chunk): Promise<void> {
    const old = this.#newest;
    if (!this.isSelfContained(chunk) && old.byteLength < LONGEST_SEGMENT * this.#bound.segmentBytes) return;
    const { kind } = old.place;
    if (kind === "recording") {
      const next = basename(partPath(this.#options.path, this.#segmentCount + 1));
      await old.seal({ next, lastSeq: this.#writtenSeq });
    }
    const place: SegmentPlace =
      kind === "memory" ? { kind } : this.#nextPlace({ firstSeq: chunk.firstSeq, gap: null });
    this.#segments.push(await this.#begin(place, chunk.firstSeq, this.#groups.carriedInto(chunk)));
    if (kind !== "memory") this.#segmentCount++;
  }

  async #dropOldest(): Promise<void> {
    const { kind } = this.#newest.place;
    if (kind !== "memory" && this.#newest.byteLength > TAIL_BYTES) {
      for (const segment of this.#segments.filter(({ place }) => place.kind === "memory"))
        await this.#drop(segment);
    }
    if (kind === "recording") return;
    const held = this.#segments.filter(({ place }) => place.kind === kind);
    let bytes = held.reduce((sum, { byteLength }) => sum + byteLength, 0);
    for (const oldest of held.slice(0, -1)) {
      if (bytes <= this.#bound.boundBytes) return;
      bytes -= oldest.byteLength;
      await this.#drop(oldest);
    }
  }

  async #drop(dropped: LogSegment): Promise<void> {
    const at = this.#segments.indexOf(dropped);
    this.#segments.splice(at, 1);
    const next = this.#segments[at] as LogSegment;
    const fromSeq = Math.min(dropped.firstSeq, ...dropped.carried.keys());
    const beforeSeq = Math.min(next.firstSeq, ...next.carried.keys());
    for (const index of this.#weights.values()) index.drop(at === 0 ? 0 : fromSeq, beforeSeq);
    await dropped.file.close();
  }
}
