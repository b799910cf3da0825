/** Turns a recording that was cut or damaged into a whole one: the longest prefix that is intact, with an end and a summary. */
import { stat, unlink } from "node:fs/promises";
import { basename } from "node:path";
import type { EndReason, SessionHeader } from "../../shared/header.ts";
import type { StreamDescriptor } from "../../shared/stream.ts";
import { MessageWalk } from "./block.ts";
import { ChunkBuilder } from "./chunk-builder.ts";
import { type LogFileHandle, openLogFile } from "./log-file-handle.ts";
import { type Closing, McapWriter } from "./mcap-writer.ts";
import { openParts } from "./open-parts.ts";
import { type Part, partPath } from "./part.ts";
import { recordingErrorOf } from "./recording-error.ts";
import type { Segment } from "./segments.ts";
import { SPAN_BYTES } from "./span-index.ts";

export interface Recovered {
  readonly events: number;
  /** -1: none. */
  readonly lastSeq: number;
  readonly lastStep: number;
  /** Why what came after was left out, and how many bytes that was; null for a recording that is whole. */
  readonly dropped: { readonly fault: string; readonly bytes: number } | null;
  /** Where it lies now; empty for a recording that is whole: nothing is written then. */
  readonly files: readonly string[];
}

/**
 * @param out  the file to write, and names of further parts; must not be there yet.
 * @throws {RecordingError} as for opening a recording; `exists` when `out` is there; `disk-full`, … Leaves nothing behind then.
 */
export async function recoverRecording(path: string, out: string): Promise<Recovered> {
  const { scan, segments } = await openParts(path);
  try {
    const events = segments.reduce((sum, segment, i) => sum + eventsOf(segment, segments[i + 1]), 0);
    const found = { events, lastSeq: scan.headSeq, lastStep: scan.lastStep };
    if (scan.fault === null && scan.endReason !== null) return { ...found, dropped: null, files: [] };
    const files = await copyTo(out, scan.header, segments, scan.endReason ?? "interrupted");
    const { size } = await stat(segments.at(-1)?.file.path ?? path);
    const fault = scan.fault ?? "no end was written";
    return { ...found, dropped: { fault, bytes: size - scan.intactBytes }, files };
  } catch (cause) {
    throw recordingErrorOf(cause, out);
  } finally {
    await Promise.all(segments.map(({ file }) => file.close()));
  }
}

function lastSeqOf({ file }: Segment, next: Segment | undefined): number {
  return Math.min(file.spans.lastSeq, (next?.firstSeq ?? Number.POSITIVE_INFINITY) - 1);
}

function eventsOf(segment: Segment, next: Segment | undefined): number {
  return Math.max(0, lastSeqOf(segment, next) - segment.firstSeq + 1);
}

/** All parts become one, but where events are missing between two. */
async function copyTo(
  out: string,
  header: SessionHeader,
  segments: readonly Segment[],
  reason: EndReason,
): Promise<string[]> {
  const files: string[] = [];
  let copy: Copy | null = null;
  try {
    for (const [i, segment] of segments.entries()) {
      const from = copy?.lastSeq ?? -1;
      if (copy === null || segment.firstSeq > from + 1) {
        const number = files.length + 1;
        const at = partPath(out, number);
        await copy?.close({ next: basename(at), lastSeq: from });
        const gap = { fromSeq: from + 1, code: "unrecorded" };
        const part = number === 1 ? null : { part: number, firstSeq: segment.firstSeq, gap };
        copy = await Copy.begin(at, header, part);
        files.push(at);
      }
      await copy.add(segment, lastSeqOf(segment, segments[i + 1]));
    }
    await copy?.close({ reason, lastSeq: copy.lastSeq });
    return files;
  } catch (cause) {
    await copy?.abandon();
    for (const file of files) await unlink(file).catch(() => undefined);
    throw cause;
  }
}

class Copy {
  readonly #handle: LogFileHandle;
  readonly #writer: McapWriter;
  readonly #channels: readonly StreamDescriptor[];
  #builder: ChunkBuilder;
  #lastSeq: number;

  private constructor(handle: LogFileHandle, writer: McapWriter, header: SessionHeader, firstSeq: number) {
    this.#handle = handle;
    this.#writer = writer;
    this.#channels = header.channels;
    this.#builder = new ChunkBuilder(firstSeq);
    this.#lastSeq = firstSeq - 1;
  }

  static async begin(path: string, header: SessionHeader, part: Part | null): Promise<Copy> {
    const handle = await openLogFile(path, "wx+");
    try {
      return new Copy(handle, await McapWriter.create(handle, header, part), header, part?.firstSeq ?? 0);
    } catch (cause) {
      await handle.close();
      await unlink(path);
      throw cause;
    }
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  async add({ file }: Segment, lastSeq: number): Promise<void> {
    for (const span of file.spans) {
      const block = await file.read(span);
      const walk = new MessageWalk(block);
      while (walk.next() && walk.seq <= lastSeq) {
        if (walk.seq <= this.#lastSeq) continue;
        const { channel, seq, nanos } = walk;
        const { step } = walk.open(this.#channels[channel] as StreamDescriptor);
        const data = block.bytes.subarray(walk.start, walk.end);
        this.#builder.add({ channel, seq, step, nanos }, (to) => to.raw(data), null);
        this.#lastSeq = seq;
        if (this.#builder.byteLength >= SPAN_BYTES) await this.#flush();
      }
    }
  }

  async close(closing: Closing): Promise<void> {
    await this.#flush();
    await this.#writer.appendClosing(closing);
    await this.#writer.finish();
    await this.#handle.sync();
    await this.#handle.close();
  }

  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
  }

  async #flush(): Promise<void> {
    if (this.#builder.isEmpty) return;
    await this.#writer.appendChunk(this.#builder.close());
    this.#builder = new ChunkBuilder(this.#lastSeq + 1);
  }
}
