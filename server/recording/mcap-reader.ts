/** Finds what is intact in a recording: finished, cut, damaged or still being written. Keeps the exact prefix before the first bad byte. */
import type { EndReason, SessionHeader } from "../../shared/header.ts";
import { chunkFault, MessageWalk } from "./block.ts";
import { type FileRecord, FileWindow, readBody, recordAtOffset } from "./file-window.ts";
import type { LogFileHandle } from "./log-file-handle.ts";
import { CHUNK_HEADER_BYTES, MESSAGE_HEADER_BYTES, OPCODE, RECORD_HEADER_BYTES } from "./mcap-records.ts";
import { END_METADATA } from "./mcap-writer.ts";
import { openMessage } from "./message.ts";
import { endOf, readMetadata, TITLE_METADATA, titled } from "./metadata.ts";
import { CONTINUED_METADATA, firstPartOf, type Part } from "./part.ts";
import { RecordingError } from "./recording-error.ts";
import { readFront } from "./session-front.ts";
import { SpanIndex } from "./span-index.ts";
import { isKeyframe } from "./weight-codec.ts";
import { WeightIndex, type WeightIndexes } from "./weight-index.ts";

export interface RecordingScan {
  /** With the title that it has been given since, if any, for its name. */
  readonly header: SessionHeader;
  /** null: the first part of the recording, or the only one. */
  readonly part: Part | null;
  readonly spans: SpanIndex;
  readonly weights: WeightIndexes;
  /** -1: no event. */
  readonly headSeq: number;
  readonly lastStep: number;
  /** Null when the writing process did not come to the end. */
  readonly endReason: EndReason | null;
  /** The file that goes on where this one was full. */
  readonly next: string | null;
  /** What ended the scan before the end of the data: null for a finished file. */
  readonly fault: string | null;
  readonly intactBytes: number;
}

/**
 * @param size  bytes to look at: what the file holds now.
 * @param wanted  which part the file is expected to be.
 * @throws {RecordingError} when not even the session's header is there: `not-a-recording`, `newer-version`, `later-part`, `cut`, `damaged`.
 */
export async function scanRecording(
  handle: LogFileHandle,
  path: string,
  size: number,
  wanted: "first" | "later" = "first",
): Promise<RecordingScan> {
  const window = new FileWindow(handle, path, size);
  const { header, part, end } = await readFront(window, path);
  if ((part === null) === (wanted === "first")) return new Scan(window, header, part).run(end);
  const got = part === null ? "the first" : `part ${part.part}`;
  const advice = wanted === "later" ? "" : `; open ${firstPartOf(path) ?? "the first"}`;
  throw new RecordingError(
    "later-part",
    `${path}: expected the ${wanted} part of a recording, got ${got}${advice}`,
  );
}

class Scan {
  readonly #window: FileWindow;
  readonly #header: SessionHeader;
  readonly #part: Part | null;
  readonly #spans = new SpanIndex();
  readonly #weights = new Map<number, WeightIndex>();
  #headSeq: number;
  #lastStep = -1;
  #title: string | null = null;
  #end: { readonly reason: EndReason; readonly lastSeq: number } | null = null;
  #next: string | null = null;

  constructor(window: FileWindow, header: SessionHeader, part: Part | null) {
    this.#window = window;
    this.#header = header;
    this.#part = part;
    this.#headSeq = (part?.firstSeq ?? 0) - 1;
    header.channels.forEach(({ encoding }, channel) => {
      if (encoding === "f32") this.#weights.set(channel, new WeightIndex());
    });
  }

  async run(start: number): Promise<RecordingScan> {
    let offset = start;
    let fault: string | null = null;
    for (;;) {
      const record = await recordAtOffset(this.#window, offset);
      if (typeof record === "string") {
        fault = `${record} at byte ${offset}`;
        break;
      }
      if (record.opcode === OPCODE.dataEnd) {
        // A bent opcode can say so, too: only after a closing record is it meant.
        if (this.#end === null && this.#next === null)
          fault = `the end of the data inside the session at byte ${offset}`;
        break;
      }
      fault = await this.#take(record);
      if (fault !== null) {
        fault = `${fault} at byte ${offset}`;
        break;
      }
      offset = record.end;
    }
    const isComplete = this.#end !== null && this.#end.lastSeq === this.#headSeq;
    if (this.#end !== null && !isComplete)
      fault ??= `an end after seq ${this.#end.lastSeq}, and ${this.#headSeq} is the last there is`;
    return {
      header: titled(this.#header, this.#title),
      part: this.#part,
      spans: this.#spans,
      weights: this.#weights,
      headSeq: this.#headSeq,
      lastStep: this.#lastStep,
      endReason: isComplete ? (this.#end?.reason ?? null) : null,
      next: this.#next,
      fault,
      intactBytes: offset,
    };
  }

  async #take(record: FileRecord): Promise<string | null> {
    switch (record.opcode) {
      case OPCODE.chunk:
        return this.#takeChunk(record);
      case OPCODE.metadata:
        return this.#takeMetadata(await readBody(this.#window, record));
      case OPCODE.schema:
      case OPCODE.channel:
      case OPCODE.messageIndex:
      case OPCODE.attachment:
        return null;
      default:
        // From 0x80 on, opcodes are private: to be passed over.
        return record.opcode >= 0x80 ? null : `an unexpected record 0x${record.opcode.toString(16)}`;
    }
  }

  async #takeChunk({ offset, bodyBytes, end }: FileRecord): Promise<string | null> {
    const bytes = await this.#window.read(offset, RECORD_HEADER_BYTES + bodyBytes);
    const fault = chunkFault(bytes);
    if (fault !== null) return fault;
    const firstSeq = this.#headSeq + 1;
    const walk = new MessageWalk({ bytes, firstSeq, lastSeq: Number.MAX_SAFE_INTEGER });
    const weights: [channel: number, seq: number, step: number, isKeyframe: boolean][] = [];
    let maxStep = -1;
    let walked = CHUNK_HEADER_BYTES;
    while (walk.next()) {
      const descriptor = this.#header.channels[walk.channel];
      if (descriptor === undefined) return `a message of unknown channel ${walk.channel}`;
      if (walk.storedSequence !== walk.seq % 2 ** 32)
        return `sequence ${walk.storedSequence} in place of ${walk.seq}`;
      const message = openMessage(descriptor.encoding, bytes, walk.start, walk.end);
      if (message === null) return `a message that is not ${descriptor.encoding}`;
      maxStep = Math.max(maxStep, message.step);
      if (descriptor.encoding === "f32") {
        const isKey = isKeyframe(bytes.subarray(message.start, message.end));
        weights.push([walk.channel, walk.seq, message.step, isKey]);
      }
      walked += MESSAGE_HEADER_BYTES + walk.end - walk.start;
    }
    if (walked !== bytes.byteLength) return "a chunk that does not consist of messages";
    if (walk.seq < firstSeq) return null;
    for (const [channel, ...entry] of weights) this.#weights.get(channel)?.add(...entry);
    this.#spans.add({ offset, length: end - offset, firstSeq, lastSeq: walk.seq, maxStep });
    this.#headSeq = walk.seq;
    this.#lastStep = Math.max(this.#lastStep, maxStep);
    return null;
  }

  #takeMetadata(body: Buffer): string | null {
    const metadata = readMetadata(body);
    if (metadata === null) return null;
    const { name, entries } = metadata;
    if (name === TITLE_METADATA) this.#title = entries["title"] ?? this.#title;
    if (name === CONTINUED_METADATA) {
      this.#next = entries["next"] ?? null;
      const isWhole = this.#next !== null && Number(entries["last_seq"]) === this.#headSeq;
      return isWhole ? null : "a continuation that cannot be read";
    }
    if (name !== END_METADATA) return null;
    const end = endOf(metadata);
    if (end === null) return "an end record that cannot be read";
    this.#end = end;
    return null;
  }
}
