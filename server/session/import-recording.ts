/** A recording from elsewhere into a folder: whole, checked, and under a name of ours; or not at all. */
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { SessionSummary } from "../../shared/header.ts";
import { recordingFileName } from "../recording/file-name.ts";
import { RecordingError, recordingErrorOf } from "../recording/recording-error.ts";
import { openRecording } from "./recorded-session.ts";
import { summarise } from "./session.ts";

export interface ImportBounds {
  readonly maxBytes: number;
  /** Ids that are here already: a session is one recording. */
  readonly known: ReadonlySet<string>;
}

/**
 * A recording that was cut off is taken as far as it is intact; what follows stays in the file.
 *
 * @throws {RecordingError} `too-large`, `exists`, what `openRecording` finds wrong, what the disk answers. The folder is then as before.
 */
export async function importRecording(
  bytes: AsyncIterable<Uint8Array>,
  folder: string,
  { maxBytes, known }: ImportBounds,
): Promise<SessionSummary> {
  await mkdir(folder, { recursive: true });
  const temporaryPath = join(folder, `.import-${randomBytes(8).toString("hex")}.tmp`);
  try {
    await write(bytes, temporaryPath, maxBytes);
    const session = await openRecording(temporaryPath);
    await session.close();
    const { header } = session;
    if (known.has(header.id)) {
      throw new RecordingError(
        "exists",
        `recording: expected a session that is not here yet, got ${header.id}`,
      );
    }
    await rename(temporaryPath, join(folder, recordingFileName(header)));
    return summarise(session);
  } catch (cause) {
    await unlink(temporaryPath).catch(() => undefined);
    throw named(recordingErrorOf(cause, temporaryPath), temporaryPath);
  }
}

async function write(bytes: AsyncIterable<Uint8Array>, path: string, maxBytes: number): Promise<void> {
  const file = await open(path, "wx");
  try {
    let size = 0;
    for await (const chunk of whole(bytes)) {
      size += chunk.byteLength;
      if (size > maxBytes) {
        throw new RecordingError("too-large", `recording: expected at most ${maxBytes} bytes, got more`);
      }
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whose bytes stop coming is not the disk's fault. */
async function* whole(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    throw new RecordingError("cut", "recording: expected all of its bytes, got a part", { cause });
  }
}

/** The temporary name means nothing to anybody. */
function named({ code, message }: RecordingError, path: string): RecordingError {
  return new RecordingError(
    code,
    message.replaceAll(path, "recording").replace("recording: recording:", "recording:"),
  );
}
