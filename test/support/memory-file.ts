/** A file in memory that can be made to fail the way disks do. */
import type { LogFileHandle } from "../../server/recording/log-file-handle.ts";

export interface Faults {
  /** The most that one write takes. */
  readonly shortWrite?: number;
  /** The n-th write (from 0) takes half of what it is given, then fails with this code, as do all after it. */
  readonly write?: { readonly call: number; readonly code: string };
  /** Code with which each sync fails. */
  readonly sync?: string;
}

export class MemoryFile implements LogFileHandle {
  bytes: Buffer<ArrayBufferLike>;
  readonly #faults: Faults;
  writeCalls = 0;
  largestRead = 0;
  isClosed = false;

  constructor(bytes: Uint8Array = new Uint8Array(), faults: Faults = {}) {
    this.bytes = Buffer.from(bytes);
    this.#faults = faults;
  }

  async write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }> {
    const { shortWrite = Number.POSITIVE_INFINITY, write: fault } = this.#faults;
    const call = this.writeCalls++;
    const isFailing = fault !== undefined && call >= fault.call;
    const bytesWritten = isFailing ? Math.floor(length / 2) : Math.min(length, shortWrite);
    const end = position + bytesWritten;
    if (end > this.bytes.byteLength)
      this.bytes = Buffer.concat([this.bytes, new Uint8Array(end - this.bytes.byteLength)]);
    this.bytes.set(bytes.subarray(offset, offset + bytesWritten), position);
    if (isFailing) throw systemError(fault.code);
    return { bytesWritten };
  }

  // The overloads of a FileHandle's read are of no use here: one form is called.
  read = (async (buffer: Uint8Array, offset: number, length: number, position: number) => {
    this.largestRead = Math.max(this.largestRead, length);
    const chunk = this.bytes.subarray(position, position + length);
    buffer.set(chunk, offset);
    return { bytesRead: chunk.byteLength, buffer };
  }) as LogFileHandle["read"];

  async truncate(length = 0): Promise<void> {
    this.bytes = this.bytes.subarray(0, length);
  }

  async datasync(): Promise<void> {
    if (this.#faults.sync !== undefined) throw systemError(this.#faults.sync);
  }

  async sync(): Promise<void> {
    await this.datasync();
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: of the test's making`), { code });
}
