/** A file's records, read in order through one window of bounded size. */
import { readFully } from "./block-file.ts";
import type { LogFileHandle } from "./log-file-handle.ts";
import { RECORD_HEADER_BYTES } from "./mcap-records.ts";

const WINDOW_BYTES = 4 * 2 ** 20;
/** More than any chunk that a session can write; a length beyond it is a damaged length. */
const LONGEST_RECORD_BYTES = 2 ** 30;

/** The file's bytes through one window; a larger request gets a buffer of its own, never larger than what the file still holds. */
export class FileWindow {
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

export interface FileRecord {
  readonly opcode: number;
  readonly offset: number;
  readonly bodyBytes: number;
  readonly end: number;
}

/** The record at this place, or in words why there is none. */
export async function recordAtOffset(window: FileWindow, offset: number): Promise<FileRecord | string> {
  const left = window.size - offset;
  if (left === 0) return "the end of the file";
  if (left < RECORD_HEADER_BYTES) return "the end of the file inside a record";
  const head = await window.read(offset, RECORD_HEADER_BYTES);
  const bodyBytes = Number(head.readBigUInt64LE(1));
  if (bodyBytes > left - RECORD_HEADER_BYTES) return "the end of the file inside a record";
  if (bodyBytes > LONGEST_RECORD_BYTES) return `a record of ${bodyBytes} bytes`;
  return { opcode: head[0] as number, offset, bodyBytes, end: offset + RECORD_HEADER_BYTES + bodyBytes };
}

export async function readBody(window: FileWindow, { offset, bodyBytes }: FileRecord): Promise<Buffer> {
  return window.read(offset + RECORD_HEADER_BYTES, bodyBytes);
}

/** The strings at the start of `bytes`: all of them, a map's keys and values in turn, or the first `count`. null when a length lies. */
export function readStrings(bytes: Buffer, count = Number.POSITIVE_INFINITY): string[] | null {
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
