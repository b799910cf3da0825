/** Another title for a finished recording: one record more at its end. Not a byte of what was recorded changes. */
import { randomBytes } from "node:crypto";
import { constants, copyFile, rename, stat, unlink } from "node:fs/promises";
import { FileWindow } from "./file-window.ts";
import { openLogFile } from "./log-file-handle.ts";
import { ByteWriter, OPCODE } from "./mcap-records.ts";
import { writeFully } from "./mcap-writer.ts";
import { TITLE_METADATA } from "./metadata.ts";
import { RecordingError, recordingErrorOf } from "./recording-error.ts";
import { encodeSummary, readSummary, type Summary } from "./summary.ts";

/** Where a Statistics record counts the metadata records. */
const METADATA_COUNT_AT = 8 + 2 + 4 + 4;

/**
 * The file keeps its name and id. It is written beside and takes the old one's place when it is on stable storage, so that a power cut, or
 * a full disk, leaves one or the other. Of two at a time the last one stands: each writes a file of its own.
 *
 * @throws {RecordingError} `not-finished` for a recording without a summary; what the disk answers.
 */
export async function retitleRecording(path: string, title: string): Promise<void> {
  const temporaryPath = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    await copyFile(path, temporaryPath, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    try {
      await appendTitle(temporaryPath, path, title);
      await rename(temporaryPath, path);
    } catch (cause) {
      await unlink(temporaryPath).catch(() => undefined);
      throw cause;
    }
  } catch (cause) {
    throw recordingErrorOf(cause, path);
  }
}

async function appendTitle(temporaryPath: string, path: string, title: string): Promise<void> {
  const { size } = await stat(temporaryPath);
  const handle = await openLogFile(temporaryPath, "r+");
  try {
    const summary = await readSummary(new FileWindow(handle, path, size));
    if (summary === null) {
      throw new RecordingError(
        "not-finished",
        `${path}: expected a finished recording, got one without an end`,
      );
    }
    const bytes = encodeTail(summary, title);
    await writeFully(handle, bytes, summary.dataEnd);
    await handle.truncate(summary.dataEnd + bytes.byteLength);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What takes the place of everything after the data. */
function encodeTail({ dataEnd, records }: Summary, title: string): Uint8Array {
  const record = new ByteWriter();
  record.record(OPCODE.metadata, () => record.string(TITLE_METADATA).map({ title }));
  const metadata = Buffer.from(record.bytes);
  const kinds = [...new Set([...records.map(({ opcode }) => opcode), OPCODE.metadataIndex])];
  const tail = new ByteWriter();
  encodeSummary(
    tail,
    dataEnd + metadata.byteLength,
    kinds.map((opcode) => [
      opcode,
      () => {
        for (const { body } of records.filter((each) => each.opcode === opcode)) {
          tail.record(opcode, () => tail.raw(opcode === OPCODE.statistics ? withOneMore(body) : body));
        }
        if (opcode === OPCODE.metadataIndex) {
          tail.record(opcode, () => tail.u64(dataEnd).u64(metadata.byteLength).string(TITLE_METADATA));
        }
      },
    ]),
  );
  return Buffer.concat([metadata, tail.bytes]);
}

function withOneMore(statistics: Buffer): Buffer {
  const counted = Buffer.from(statistics);
  counted.writeUInt32LE(counted.readUInt32LE(METADATA_COUNT_AT) + 1, METADATA_COUNT_AT);
  return counted;
}
