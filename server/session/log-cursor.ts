/** A reader of a log at a position of its own. A read that begins below the earliest held seq begins there. */
import type { StreamDescriptor } from "../../shared/stream.ts";
import { type Block, MessageWalk } from "../recording/block.ts";
import { RecordingError } from "../recording/recording-error.ts";
import type { EventSource } from "./event-source.ts";
import type { Cursor, CursorOptions, SessionEvent } from "./session.ts";
import { ThetaReader } from "./theta-reader.ts";

/** A stretch without a chosen event after which `read` returns, so that its caller can do something else. */
const FRUITLESS_BYTES = 4 * 2 ** 20;

export interface ReadLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

export class LogCursor implements Cursor {
  readonly #source: EventSource;
  readonly #options: CursorOptions;
  readonly #thetas = new Map<number, ThetaReader>();
  #position: number;
  /** Stands on the message before `#position`, or before the block's first; null when the next read looks for its block. */
  #walk: { readonly block: Block; readonly walk: MessageWalk } | null = null;
  #isReading = false;
  #isClosed = false;
  /** Counts seeks: a read under way then keeps its hands off. */
  #generation = 0;

  constructor(source: EventSource, options: CursorOptions) {
    if (!Number.isInteger(options.from) || options.from < 0) {
      throw new RangeError(`from: expected an integer ≥ 0, got ${options.from}`);
    }
    if (options.every !== undefined && !(Number.isInteger(options.every) && options.every > 0)) {
      throw new RangeError(`every: expected an integer ≥ 1, got ${options.every}`);
    }
    this.#source = source;
    this.#options = options;
    this.#position = options.from;
  }

  get position(): number {
    return this.#position;
  }

  seek(seq: number): void {
    if (!Number.isInteger(seq) || seq < 0) throw new RangeError(`seq: expected an integer ≥ 0, got ${seq}`);
    this.#position = seq;
    this.#walk = null;
    this.#generation++;
  }

  rest(): void {
    this.#walk = null;
    this.#thetas.clear();
    this.#generation++;
  }

  close(): void {
    this.#isClosed = true;
    this.rest();
  }

  async read(limits: ReadLimits): Promise<readonly SessionEvent[]> {
    if (this.#isReading) throw new Error("read: the previous read of this cursor is still under way");
    this.#isReading = true;
    try {
      return await this.#read(limits);
    } finally {
      this.#isReading = false;
    }
  }

  async #read({ maxEvents, maxBytes }: ReadLimits): Promise<readonly SessionEvent[]> {
    const events: SessionEvent[] = [];
    const generation = this.#generation;
    let eventBytes = 0;
    let passedBytes = 0;
    this.#position = Math.max(this.#position, this.#source.earliestSeq);
    const from = this.#position;
    while (
      !this.#isClosed &&
      events.length < maxEvents &&
      (events.length > 0 || passedBytes < FRUITLESS_BYTES)
    ) {
      if (this.#walk === null) {
        const hole = this.#source.holeAt(this.#position);
        // Only a read that begins at a hole passes it, so that its caller can see it before.
        if (hole !== undefined && this.#position > from) break;
        if (hole !== undefined) this.#position = hole.toSeq + 1;
      }
      const place = this.#walk ?? (await this.#open());
      if (generation !== this.#generation) return [];
      if (place === null) break;
      this.#walk = place;
      const { walk, block } = place;
      if (this.#position > block.lastSeq) {
        this.#walk = null;
        passedBytes += block.bytes.byteLength;
        continue;
      }
      if (!walk.skipTo(this.#position)) {
        throw new RecordingError(
          "damaged",
          `seq ${this.#position}: expected in its block, got seq ${walk.seq} last`,
        );
      }
      if (this.#isChosen(walk)) {
        const size = this.#sizeOf(walk);
        if (events.length > 0 && eventBytes + size > maxBytes) break;
        const event = await this.#event(walk);
        if (generation !== this.#generation) return [];
        if (event === null) break;
        events.push(event);
        eventBytes += size;
      }
      this.#position++;
    }
    return events;
  }

  async #open(): Promise<{ block: Block; walk: MessageWalk } | null> {
    const { earliestSeq, headSeq } = this.#source;
    // Below the earliest: dropped during this read. The next one begins anew, so that its caller can see the hole.
    if (this.#position < earliestSeq || this.#position > headSeq) return null;
    const block = await this.#source.block(this.#position);
    return block === undefined ? null : { block, walk: new MessageWalk(block) };
  }

  #isChosen(walk: MessageWalk): boolean {
    const { channels, every } = this.#options;
    if (!channels.has(walk.channel)) return false;
    const descriptor = this.#descriptor(walk);
    return (
      every === undefined || descriptor.name.startsWith("run/") || walk.open(descriptor).step % every === 0
    );
  }

  #sizeOf(walk: MessageWalk): number {
    const isTheta = this.#descriptor(walk).encoding === "f32";
    return isTheta ? 4 * this.#source.header.parameterCount : walk.end - walk.start;
  }

  /** The event on which the walk stands; null when what it needs has been dropped meanwhile. */
  async #event(walk: MessageWalk): Promise<SessionEvent | null> {
    const { channel, seq } = walk;
    const descriptor = this.#descriptor(walk);
    const { step, start, end } = walk.open(descriptor);
    const common = { seq, channel, step, wallTimeMs: walk.wallTimeMs };
    if (descriptor.encoding === "json") return { ...common, json: walk.bytes.toString("utf8", start, end) };
    const bytes = walk.bytes.subarray(start, end);
    if (descriptor.encoding === "bytes") return { ...common, data: Uint8Array.from(bytes) };
    const data = await this.#thetaReader(channel).read(seq, bytes);
    if (data !== undefined) return { ...common, data };
    if (seq < this.#source.earliestSeq) return null;
    throw new RecordingError("damaged", `seq ${seq}: expected a keyframe before these weights, got none`);
  }

  #descriptor(walk: MessageWalk): StreamDescriptor {
    return this.#source.header.channels[walk.channel] as StreamDescriptor;
  }

  #thetaReader(channel: number): ThetaReader {
    let reader = this.#thetas.get(channel);
    if (reader === undefined) {
      reader = new ThetaReader(this.#source, channel);
      this.#thetas.set(channel, reader);
    }
    return reader;
  }
}
