/** Finds what is intact in a recording: finished, cut, damaged or still being written. Keeps the exact prefix before the first bad byte. */
import { crc32 } from "node:zlib";
import { EndReason, SessionHeader } from "../../shared/header.ts";
import { chunkFault, MessageWalk } from "./block.ts";
import { readFully } from "./block-file.ts";
import type { LogFileHandle } from "./log-file-handle.ts";
import {
  CHUNK_HEADER_BYTES,
  MCAP_MAGIC,
  MESSAGE_HEADER_BYTES,
  OPCODE,
  RECORD_HEADER_BYTES,
} from "./mcap-records.ts";
import { END_METADATA, HEADER_ATTACHMENT, PROFILE } from "./mcap-writer.ts";
import { openMessage } from "./message.ts";
import { RecordingError } from "./recording-error.ts";
import { SpanIndex } from "./span-index.ts";
import { isKeyframe } from "./weight-codec.ts";
import { WeightIndex, type WeightIndexes } from "./weight-index.ts";

export interface RecordingScan {
  readonly header: SessionHeader;
  readonly spans: SpanIndex;
  readonly weights: WeightIndexes;
  /** -1: no event. */
  readonly headSeq: number;
  readonly lastStep: number;
  /** Null when the writing process did not come to the end. */
  readonly endReason: EndReason | null;
  /** What ended the scan before the end of the data: null for a finished file. */
  readonly fault: string | null;
  readonly intactBytes: number;
}

const WINDOW_BYTES = 4 * 2 ** 20;
/** More than any chunk that a session can write; a length beyond it is a damaged length. */
const LONGEST_RECORD_BYTES = 2 ** 30;

/** The file's bytes through one window; a larger request gets a buffer of its own, never larger than what the file still holds. */
class Window {
  readonly size: number;
  readonly #handle: LogFileHandle;
  readonly #path: string;
  readonly #buffer: Buffer;
  #start = 0;
  #end = 0;

  constructor(handle: LogFileHandle, path: string, size: number) {
    this.size = size;
    this.#handle = handle;
    this.#path = path;
    this.#buffer = Buffer.allocUnsafe(Math.min(size, WINDOW_BYTES));
  }

  /** A view, valid until the next call. [offset, offset + length) lies in the file. */
  async read(offset: number, length: number): Promise<Buffer> {
    if (offset < this.#start || offset + length > this.#end) {
      if (length > this.#buffer.byteLength) {
        const bytes = Buffer.allocUnsafe(length);
        await readFully(this.#handle, this.#path, bytes, offset);
        return bytes;
      }
      this.#start = offset;
      this.#end = Math.min(this.size, offset + this.#buffer.byteLength);
      await readFully(this.#handle, this.#path, this.#buffer.subarray(0, this.#end - offset), offset);
    }
    return this.#buffer.subarray(offset - this.#start, offset - this.#start + length);
  }
}

interface FileRecord {
  readonly opcode: number;
  readonly offset: number;
  readonly bodyBytes: number;
  readonly end: number;
}

/**
 * @param size  bytes to look at: what the file holds now.
 * @throws {RecordingError} when not even the session's header is there: `not-a-recording`, `newer-version`, `cut`, `damaged`.
 */
export async function scanRecording(
  handle: LogFileHandle,
  path: string,
  size: number,
): Promise<RecordingScan> {
  const window = new Window(handle, path, size);
  await checkMagic(window, path);
  let offset = MCAP_MAGIC.byteLength;
  const first = await recordAtOffset(window, offset);
  if (typeof first === "string")
    throw new RecordingError("cut", `${path}: expected a session header, got ${first}`);
  await checkProfile(window, first, path);
  offset = first.end;
  const second = await recordAtOffset(window, offset);
  if (typeof second === "string")
    throw new RecordingError("cut", `${path}: expected a session header, got ${second}`);
  const header = await readHeader(window, second, path);
  return new Scan(window, header).run(second.end);
}

class Scan {
  readonly #window: Window;
  readonly #header: SessionHeader;
  readonly #spans = new SpanIndex();
  readonly #weights = new Map<number, WeightIndex>();
  #headSeq = -1;
  #lastStep = -1;
  #end: { readonly reason: EndReason; readonly lastSeq: number } | null = null;

  constructor(window: Window, header: SessionHeader) {
    this.#window = window;
    this.#header = header;
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
      if (record.opcode === OPCODE.dataEnd) break;
      fault = await this.#take(record);
      if (fault !== null) {
        fault = `${fault} at byte ${offset}`;
        break;
      }
      offset = record.end;
    }
    const isComplete = this.#end !== null && this.#end.lastSeq === this.#headSeq;
    return {
      header: this.#header,
      spans: this.#spans,
      weights: this.#weights,
      headSeq: this.#headSeq,
      lastStep: this.#lastStep,
      endReason: isComplete ? (this.#end?.reason ?? null) : null,
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
    let minStep = Number.POSITIVE_INFINITY;
    let maxStep = -1;
    let walked = CHUNK_HEADER_BYTES;
    while (walk.next()) {
      const descriptor = this.#header.channels[walk.channel];
      if (descriptor === undefined) return `a message of unknown channel ${walk.channel}`;
      if (walk.storedSequence !== walk.seq % 2 ** 32)
        return `sequence ${walk.storedSequence} in place of ${walk.seq}`;
      const message = openMessage(descriptor.encoding, bytes, walk.start, walk.end);
      if (message === null) return `a message that is not ${descriptor.encoding}`;
      minStep = Math.min(minStep, message.step);
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
    this.#spans.add({ offset, length: end - offset, firstSeq, lastSeq: walk.seq, minStep, maxStep });
    this.#headSeq = walk.seq;
    this.#lastStep = Math.max(this.#lastStep, maxStep);
    return null;
  }

  #takeMetadata(body: Buffer): string | null {
    if (readStrings(body, 1)?.[0] !== END_METADATA) return null;
    const entries = readStrings(body.subarray(4 + END_METADATA.length + 4)) ?? [];
    const reason = EndReason.safeParse(entries[entries.indexOf("reason") + 1]);
    const lastSeq = Number(entries[entries.indexOf("last_seq") + 1]);
    if (!reason.success || !Number.isInteger(lastSeq)) return "an end record that cannot be read";
    this.#end = { reason: reason.data, lastSeq };
    return null;
  }
}

async function recordAtOffset(window: Window, offset: number): Promise<FileRecord | string> {
  const left = window.size - offset;
  if (left === 0) return "the end of the file";
  if (left < RECORD_HEADER_BYTES) return "the end of the file inside a record";
  const head = await window.read(offset, RECORD_HEADER_BYTES);
  const bodyBytes = Number(head.readBigUInt64LE(1));
  if (bodyBytes > left - RECORD_HEADER_BYTES) return "the end of the file inside a record";
  if (bodyBytes > LONGEST_RECORD_BYTES) return `a record of ${bodyBytes} bytes`;
  return { opcode: head[0] as number, offset, bodyBytes, end: offset + RECORD_HEADER_BYTES + bodyBytes };
}

async function readBody(window: Window, { offset, bodyBytes }: FileRecord): Promise<Buffer> {
  return window.read(offset + RECORD_HEADER_BYTES, bodyBytes);
}

async function checkMagic(window: Window, path: string): Promise<void> {
  const start = await window.read(0, Math.min(window.size, MCAP_MAGIC.byteLength));
  if (!start.equals(MCAP_MAGIC.subarray(0, start.byteLength)) || start.byteLength === 0) {
    const got = start.byteLength === 0 ? "an empty file" : `a file that begins with ${start.toString("hex")}`;
    throw new RecordingError("not-a-recording", `${path}: expected a recording (MCAP), got ${got}`);
  }
  if (start.byteLength < MCAP_MAGIC.byteLength) {
    throw new RecordingError(
      "cut",
      `${path}: expected a session header, got a file of ${start.byteLength} bytes`,
    );
  }
}

async function checkProfile(window: Window, record: FileRecord, path: string): Promise<void> {
  const strings = record.opcode === OPCODE.header ? readStrings(await readBody(window, record)) : null;
  if (strings?.[0] === PROFILE) return;
  const got = strings === null ? "no MCAP header" : `profile "${strings[0] ?? ""}"`;
  throw new RecordingError(
    "not-a-recording",
    `${path}: expected an MCAP file of profile "${PROFILE}", got ${got}`,
  );
}

async function readHeader(window: Window, record: FileRecord, path: string): Promise<SessionHeader> {
  const body = record.opcode === OPCODE.attachment ? await readBody(window, record) : null;
  const nameAt = 16;
  const strings = body === null ? null : readStrings(body.subarray(nameAt), 2);
  if (body === null || strings === null || strings[0] !== HEADER_ATTACHMENT) {
    throw new RecordingError("damaged", `${path}: expected ${HEADER_ATTACHMENT} first, got another record`);
  }
  const dataAt = nameAt + 8 + Buffer.byteLength(strings.join("")) + 8;
  const crcAt = body.byteLength - 4;
  if (crcAt < dataAt || crc32(body.subarray(0, crcAt)) !== body.readUInt32LE(crcAt)) {
    throw new RecordingError(
      "damaged",
      `${path}: expected ${HEADER_ATTACHMENT} intact, got another checksum`,
    );
  }
  return parseHeader(body.toString("utf8", dataAt, crcAt), path);
}

function parseHeader(text: string, path: string): SessionHeader {
  const raw: unknown = parseJson(text);
  const version =
    typeof raw === "object" && raw !== null && "formatVersion" in raw ? raw.formatVersion : undefined;
  if (typeof version === "number" && version > 1) {
    throw new RecordingError(
      "newer-version",
      `${path}: expected format version 1, got ${version}; update thalweg to read it`,
    );
  }
  const header = SessionHeader.safeParse(raw);
  if (header.success) return header.data;
  const issue = header.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? "header" : issue.path.join(".");
  throw new RecordingError(
    "not-a-recording",
    `${path}: ${where}: ${issue?.message ?? "not a session header"}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The strings at the start of `bytes`: all of them, a map's keys and values in turn, or the first `count`. null when a length lies. */
function readStrings(bytes: Buffer, count = Number.POSITIVE_INFINITY): string[] | null {
  const strings: string[] = [];
  for (let at = 0; at < bytes.byteLength && strings.length < count; ) {
    if (at + 4 > bytes.byteLength) return null;
    const length = bytes.readUInt32LE(at);
    if (length > bytes.byteLength - at - 4) return null;
    strings.push(bytes.toString("utf8", at + 4, at + 4 + length));
    at += 4 + length;
  }
  return strings;
}
