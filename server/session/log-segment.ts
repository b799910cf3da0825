/** One file of a log while it is being written: begun, appended to, closed, and given its final form. */
import { open as openFolder, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SessionHeader } from "../../shared/header.ts";
import { BlockFile } from "../recording/block-file.ts";
import type { Chunk } from "../recording/chunk-builder.ts";
import { compactRecording } from "../recording/compact.ts";
import type { LogFileHandle, OpenLogFile } from "../recording/log-file-handle.ts";
import { type Closing, McapWriter } from "../recording/mcap-writer.ts";
import { MemoryHandle } from "../recording/memory-handle.ts";
import { type Part, partPath } from "../recording/part.ts";
import type { Segment } from "../recording/segments.ts";
import { SPAN_BYTES } from "../recording/span-index.ts";
import type { Carried } from "./keyframe-groups.ts";

/** Where a segment lies: a recording's part, a nameless file that dies with the process, or memory. */
export type SegmentPlace =
  | { readonly kind: "recording"; readonly path: string; readonly part: Part | null }
  | { readonly kind: "temporary"; readonly folder: string; readonly number: number }
  | { readonly kind: "memory" };

/** From here on a file of small chunks is certain to be compacted, and its chunks are no longer indexed one by one. */
const MANY_CHUNKS = 4096;
const SMALL_CHUNK_BYTES = SPAN_BYTES / 4;

export class LogSegment implements Segment {
  readonly place: SegmentPlace;
  readonly firstSeq: number;
  /** What its first weights messages need of segments before it that may be gone. */
  readonly carried: Carried;
  readonly #header: SessionHeader;
  readonly #open: OpenLogFile;
  readonly #writer: McapWriter;
  #file: BlockFile;
  #closing: Closing | null = null;

  private constructor(
    options: {
      header: SessionHeader;
      open: OpenLogFile;
      place: SegmentPlace;
      firstSeq: number;
      carried: Carried;
    },
    file: BlockFile,
    writer: McapWriter,
  ) {
    this.place = options.place;
    this.firstSeq = options.firstSeq;
    this.carried = options.carried;
    this.#header = options.header;
    this.#open = options.open;
    this.#file = file;
    this.#writer = writer;
  }

  /** Rejects with the system's error, and leaves nothing behind. */
  static async begin(options: {
    readonly header: SessionHeader;
    readonly open: OpenLogFile;
    readonly place: SegmentPlace;
    readonly firstSeq: number;
    readonly carried: Carried;
  }): Promise<LogSegment> {
    const { header, open, place } = options;
    const path = pathOf(place, header.id);
    const handle: LogFileHandle = place.kind === "memory" ? new MemoryHandle() : await open(path, "wx+");
    try {
      // Without a name from the start: whatever ends this process, the space is freed.
      if (place.kind === "temporary") await unlink(path);
      const part = place.kind === "recording" ? place.part : null;
      const writer = await McapWriter.create(handle, header, part);
      if (place.kind === "recording") await syncFolder(dirname(path));
      return new LogSegment(options, new BlockFile(path, handle), writer);
    } catch (cause) {
      await handle.close();
      if (place.kind === "recording") await unlink(path);
      throw cause;
    }
  }

  get file(): BlockFile {
    return this.#file;
  }

  get byteLength(): number {
    return this.#writer.position;
  }

  /** Rejects with the system's error; the file then ends with the chunk before. */
  async append(chunk: Chunk): Promise<void> {
    const writer = this.#writer;
    const offset = await writer.appendChunk(chunk);
    const { firstSeq, lastSeq, maxStep, bytes } = chunk;
    this.#file.spans.add({ offset, length: bytes.byteLength, firstSeq, lastSeq, maxStep });
    if (writer.chunkCount > MANY_CHUNKS && writer.position / writer.chunkCount < SMALL_CHUNK_BYTES) {
      writer.dropChunkIndexes();
    }
  }

  /** Survives a power cut after this. */
  sync(): Promise<void> {
    return this.#file.handle.datasync();
  }

  /** Says why there is no more, on stable storage. */
  async seal(closing: Closing): Promise<void> {
    // The next one could not be begun then, and is tried again.
    if (this.#closing !== null) return;
    await this.#writer.appendClosing(closing);
    this.#closing = closing;
    await this.sync();
  }

  /**
   * Gives a sealed recording its summary: in place where its chunks are large, else by way of a copy with large ones, which takes the
   * file's place under the readers. If there is no room for the copy, in place.
   */
  async finish(): Promise<void> {
    const { place } = this;
    if (place.kind !== "recording" || this.#closing === null) return;
    const wholeChunks = Math.ceil(this.#writer.position / SPAN_BYTES);
    if (this.#writer.hasChunkIndexes && this.#writer.chunkCount <= 2 * wholeChunks)
      return this.#finishInPlace();
    const before = this.#file;
    try {
      await this.#replaceByCompact(place.part, this.#closing);
    } catch (cause) {
      if (!this.#writer.hasChunkIndexes || this.#file !== before) throw cause;
      await this.#finishInPlace();
    }
  }

  /** As if it had never been begun. */
  async discard(): Promise<void> {
    await this.#file.close();
    if (this.place.kind === "recording") await unlink(this.#file.path).catch(() => undefined);
  }

  async #finishInPlace(): Promise<void> {
    await this.#writer.finish();
    await this.#file.handle.sync();
  }

  async #replaceByCompact(part: Part | null, closing: Closing): Promise<void> {
    const { path } = this.#file;
    const temporaryPath = `${path}.tmp`;
    const frame = { header: this.#header, part, closing };
    const compact = await compactRecording(this.#file, frame, temporaryPath, this.#open);
    try {
      await rename(temporaryPath, path);
    } catch (cause) {
      await compact.handle.close();
      await unlink(temporaryPath);
      throw cause;
    }
    const old = this.#file;
    this.#file = new BlockFile(path, compact.handle, compact.spans);
    await old.close();
    await syncFolder(dirname(path));
  }
}

function pathOf(place: SegmentPlace, id: string): string {
  switch (place.kind) {
    case "recording":
      return partPath(place.path, place.part?.part ?? 1);
    case "temporary":
      return join(place.folder, `thalweg-${id}-${place.number}.mcap`);
    case "memory":
      return "memory";
  }
}

/** Makes a new or renamed file's name survive a power cut, on systems that know how to. */
async function syncFolder(path: string): Promise<void> {
  const folder = await openFolder(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
