/** The summary at the end of a finished MCAP file (https://mcap.dev/spec#summary-section), read without the data before it, and written. */
import { crc32 } from "node:zlib";
import type { FileWindow } from "./file-window.ts";
import { type ByteWriter, MCAP_MAGIC, OPCODE, RECORD_HEADER_BYTES, recordAt } from "./mcap-records.ts";

const FOOTER_BYTES = RECORD_HEADER_BYTES + 20;
const END_BYTES = FOOTER_BYTES + MCAP_MAGIC.byteLength;
const DATA_END_BYTES = RECORD_HEADER_BYTES + 4;
/** More than the indexes of any recording take; a place beyond it is a damaged one. */
const LONGEST_SUMMARY_BYTES = 2 ** 26;

export interface SummaryRecord {
  readonly opcode: number;
  readonly body: Buffer;
}

export interface Summary {
  /** Where the data ends, and a further record of it would begin. */
  readonly dataEnd: number;
  readonly records: readonly SummaryRecord[];
}

/** null: the file has none, or not one that its checksum vouches for. */
export async function readSummary(window: FileWindow): Promise<Summary | null> {
  const { size } = window;
  if (size < 2 * MCAP_MAGIC.byteLength + DATA_END_BYTES + FOOTER_BYTES) return null;
  const end = Buffer.from(await window.read(size - END_BYTES, END_BYTES));
  const isFooter = end[0] === OPCODE.footer && end.readBigUInt64LE(1) === 20n;
  if (!isFooter || !end.subarray(FOOTER_BYTES).equals(MCAP_MAGIC)) return null;
  const start = Number(end.readBigUInt64LE(RECORD_HEADER_BYTES));
  const dataEnd = start - DATA_END_BYTES;
  const isPlausible = dataEnd > MCAP_MAGIC.byteLength && start <= size - END_BYTES;
  if (!isPlausible || size - start > LONGEST_SUMMARY_BYTES) return null;
  const bytes = Buffer.from(await window.read(start, size - MCAP_MAGIC.byteLength - start));
  const crcAt = bytes.byteLength - 4;
  if (crc32(bytes.subarray(0, crcAt)) !== bytes.readUInt32LE(crcAt)) return null;
  const opcode = (await window.read(dataEnd, 1))[0];
  return opcode === OPCODE.dataEnd ? { dataEnd, records: recordsOf(bytes) } : null;
}

/** Those that say something: without the offsets, which follow from the rest, and the footer. */
function recordsOf(bytes: Buffer): SummaryRecord[] {
  const records: SummaryRecord[] = [];
  for (let at = 0; ; ) {
    const record = recordAt(bytes, at, bytes.byteLength);
    if (record === null || record.opcode === OPCODE.summaryOffset || record.opcode === OPCODE.footer)
      return records;
    records.push({ opcode: record.opcode, body: bytes.subarray(record.start, record.end) });
    at = record.end;
  }
}

/**
 * What follows the data: its end, the summary, the footer. `out` is empty, and will lie at `position`.
 *
 * @param groups  of records of one kind each, in their order.
 */
export function encodeSummary(
  out: ByteWriter,
  position: number,
  groups: readonly (readonly [opcode: number, write: () => void])[],
): void {
  // 0: no checksum of the whole data section. Every chunk has its own.
  out.record(OPCODE.dataEnd, () => out.u32(0));
  const summaryAt = out.length;
  const places = groups.flatMap(([opcode, write]) => {
    const start = out.length;
    write();
    return out.length > start ? [{ opcode, start: position + start, length: out.length - start }] : [];
  });
  const offsetsAt = out.length;
  for (const { opcode, start, length } of places) {
    out.record(OPCODE.summaryOffset, () => out.u8(opcode).u64(start).u64(length));
  }
  out.record(OPCODE.footer, () => {
    out.u64(position + summaryAt).u64(position + offsetsAt);
    // The footer's length is not known to `record` yet, but is part of what the checksum covers.
    const covered = Buffer.from(out.bytes.subarray(summaryAt));
    covered.writeBigUInt64LE(20n, covered.byteLength - 24);
    out.u32(crc32(covered));
  });
  out.raw(MCAP_MAGIC);
}
