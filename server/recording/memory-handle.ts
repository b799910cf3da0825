/** A file in memory: where a log goes on while its disk takes nothing. */
import type { LogFileHandle } from "./log-file-handle.ts";

const FIRST_ALLOCATION_BYTES = 2 ** 20;

export class MemoryHandle implements LogFileHandle {
  #bytes = Buffer.alloc(0);
  #length = 0;

  async write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }> {
    const end = position + length;
    if (end > this.#bytes.byteLength) {
      const larger = Buffer.alloc(Math.max(end, 2 * this.#bytes.byteLength, FIRST_ALLOCATION_BYTES));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(offset, offset + length), position);
    this.#length = Math.max(this.#length, end);
    return { bytesWritten: length };
  }

  // Of the overloads of a FileHandle's read, the one that recordings use.
  read = (async (buffer: Uint8Array, offset: number, length: number, position: number) => {
    const found = this.#bytes.subarray(position, Math.min(position + length, this.#length));
    buffer.set(found, offset);
    return { bytesRead: found.byteLength, buffer };
  }) as LogFileHandle["read"];

  async truncate(length = 0): Promise<void> {
    this.#length = Math.min(this.#length, length);
  }

  async datasync(): Promise<void> {}

  async sync(): Promise<void> {}

  async close(): Promise<void> {
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
  }
}
