/** Reads blocks of a file by seq, for many readers at once, while one writer may append to it. */
import type { Block } from "./block.ts";
import { verifyChunks } from "./block.ts";
import type { LogFileHandle } from "./log-file-handle.ts";
import { RecordingError, recordingErrorOf } from "./recording-error.ts";
import type { Span } from "./span-index.ts";
import { SpanIndex } from "./span-index.ts";

export class BlockFile {
  readonly path: string;
  readonly handle: LogFileHandle;
  readonly spans: SpanIndex;
  #readsUnderWay = 0;
  #isClosing = false;

  constructor(path: string, handle: LogFileHandle, spans = new SpanIndex()) {
    this.path = path;
    this.handle = handle;
    this.spans = spans;
  }

  /** The span that holds this seq, checked against its checksums; undefined when none does. */
  async block(seq: number): Promise<Block | undefined> {
    const span = this.spans.find(seq);
    return span === undefined || this.#isClosing ? undefined : this.read(span);
  }

  async read(span: Span): Promise<Block> {
    this.#readsUnderWay++;
    try {
      const bytes = Buffer.allocUnsafe(span.length);
      await readFully(this.handle, this.path, bytes, span.offset);
      verifyChunks(bytes, this.path);
      return { bytes, firstSeq: span.firstSeq, lastSeq: span.lastSeq };
    } catch (cause) {
      throw recordingErrorOf(cause, this.path);
    } finally {
      this.#readsUnderWay--;
      if (this.#isClosing && this.#readsUnderWay === 0) await this.handle.close();
    }
  }

  /** Lets reads under way finish; the last of them closes the file. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#readsUnderWay === 0) await this.handle.close();
  }
}

/** read() may read less than it was asked for. */
export async function readFully(
  handle: LogFileHandle,
  path: string,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesRead } = await handle.read(bytes, done, bytes.byteLength - done, position + done);
    if (bytesRead === 0) {
      const expected = position + bytes.byteLength;
      throw new RecordingError("cut", `${path}: expected at least ${expected} bytes, got ${position + done}`);
    }
    done += bytesRead;
  }
}
