/** What a list says of a recording, from its two ends: the list of a thousand recordings must not read them all. */
import { stat } from "node:fs/promises";
import type { EndReason, SessionHeader } from "../../shared/header.ts";
import { chunkFault, MessageWalk } from "./block.ts";
import { FileWindow, readBody, readStrings, recordAtOffset } from "./file-window.ts";
import { openLogFile } from "./log-file-handle.ts";
import { OPCODE, RECORD_HEADER_BYTES } from "./mcap-records.ts";
import { END_METADATA } from "./mcap-writer.ts";
import { endOf, readMetadata, TITLE_METADATA, titled } from "./metadata.ts";
import { openParts } from "./open-parts.ts";
import { recordingErrorOf } from "./recording-error.ts";
import { readFront } from "./session-front.ts";
import { readSummary, type Summary } from "./summary.ts";

export interface Glance {
  readonly header: SessionHeader;
  /** -1: no event. */
  readonly headSeq: number;
  readonly lastStep: number;
  /** Null: its process did not come to the end. */
  readonly endReason: EndReason | null;
}

/**
 * Believes the summary of a finished recording; opening it is what checks every chunk. One without a summary, or in several parts, is read
 * whole, as far as it is intact.
 *
 * @throws {RecordingError} as `openRecording` does.
 */
export async function glanceAt(path: string): Promise<Glance> {
  return (await fromItsEnds(path)) ?? (await fromAllOfIt(path));
}

async function fromItsEnds(path: string): Promise<Glance | null> {
  try {
    const { size } = await stat(path);
    const handle = await openLogFile(path, "r");
    try {
      const window = new FileWindow(handle, path, size);
      const { header, part } = await readFront(window, path);
      const summary = part === null ? await readSummary(window) : null;
      return summary === null ? null : await fromSummary(window, header, summary);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw recordingErrorOf(cause, path);
  }
}

async function fromAllOfIt(path: string): Promise<Glance> {
  const { scan, segments } = await openParts(path);
  await Promise.all(segments.map(({ file }) => file.close()));
  const { header, headSeq, lastStep, endReason } = scan;
  return { header, headSeq, lastStep, endReason };
}

/** null when the summary leaves something open, or says what is not there. */
async function fromSummary(
  window: FileWindow,
  header: SessionHeader,
  { records }: Summary,
): Promise<Glance | null> {
  let end: ReturnType<typeof endOf> = null;
  let title: string | null = null;
  for (const { body } of records.filter(({ opcode }) => opcode === OPCODE.metadataIndex)) {
    const name = readStrings(body.subarray(16), 1)?.[0];
    if (name !== END_METADATA && name !== TITLE_METADATA) continue;
    const metadata = await metadataAt(window, Number(body.readBigUInt64LE(0)));
    if (metadata === null) return null;
    if (name === END_METADATA) end = endOf(metadata);
    else title = metadata.entries["title"] ?? title;
  }
  const counted = records.find(({ opcode }) => opcode === OPCODE.statistics);
  if (end === null || counted === undefined) return null;
  const headSeq = Number(counted.body.readBigUInt64LE(0)) - 1;
  if (headSeq !== end.lastSeq) return null;
  const last = records.filter(({ opcode }) => opcode === OPCODE.chunkIndex).at(-1);
  const lastStep = last === undefined ? -1 : await newestStep(window, header, last.body);
  if (lastStep === null) return null;
  return { header: titled(header, title), headSeq, lastStep, endReason: end.reason };
}

async function metadataAt(window: FileWindow, offset: number) {
  if (offset > window.size) return null;
  const record = await recordAtOffset(window, offset);
  if (typeof record === "string" || record.opcode !== OPCODE.metadata) return null;
  return readMetadata(await readBody(window, record));
}

/** Of the last chunk; null when it is not intact. */
async function newestStep(window: FileWindow, header: SessionHeader, index: Buffer): Promise<number | null> {
  const offset = Number(index.readBigUInt64LE(16));
  const record = offset > window.size ? "beyond the file" : await recordAtOffset(window, offset);
  if (typeof record === "string" || record.opcode !== OPCODE.chunk) return null;
  const bytes = await window.read(offset, RECORD_HEADER_BYTES + record.bodyBytes);
  if (chunkFault(bytes) !== null) return null;
  const walk = new MessageWalk({ bytes, firstSeq: 0, lastSeq: Number.MAX_SAFE_INTEGER });
  let newest = -1;
  while (walk.next()) {
    const descriptor = header.channels[walk.channel];
    if (descriptor === undefined) return null;
    newest = Math.max(newest, walk.open(descriptor).step);
  }
  return newest;
}
