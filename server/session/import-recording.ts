/** A recording from elsewhere into a folder: whole, checked, and under a name of ours; or not at all. */
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { SessionSummary } from "../../shared/header.ts";
import { recordingFileName } from "../recording/file-name.ts";
import { openLaterPart, whyNotNext } from "../recording/open-parts.ts";
import { partPath } from "../recording/part.ts";
import { RecordingError, recordingErrorOf } from "../recording/recording-error.ts";
import { openRecording } from "./recorded-session.ts";
import { summarise } from "./session.ts";

export interface ImportBounds {
  /** Of all parts together. */
  readonly maxBytes: number;
  /** Ids that are here already: a session is one recording. */
  readonly known: ReadonlySet<string>;
  /** Where the recording of a session lies that is here, for a later part that comes after it. */
  readonly placeOf?: (id: string) => Promise<string | undefined>;
}

/**
 * A recording that was cut off is taken as far as it is intact; what follows stays in the file.
 *
 * @param parts  its files, in their order. A later part alone goes to the recording that it belongs to, if that one lacks just this part.
 * @throws {RecordingError} `too-large`, `exists`, `later-part`, what `openRecording` finds wrong, what the disk answers. The folder is then
 * as before.
 */
export async function importRecording(
  parts: readonly AsyncIterable<Uint8Array>[],
  folder: string,
  { maxBytes, known, placeOf }: ImportBounds,
): Promise<SessionSummary> {
  await mkdir(folder, { recursive: true });
  const temporaryPath = join(folder, `.import-${randomBytes(8).toString("hex")}.mcap`);
  const written: string[] = [];
  try {
    let leftBytes = maxBytes;
    for (const bytes of parts) {
      const path = partPath(temporaryPath, written.length + 1);
      written.push(path);
      leftBytes -= await write(bytes, path, leftBytes, maxBytes);
    }
    const later = await openLaterPart(temporaryPath);
    return later !== null && placeOf !== undefined
      ? await append(temporaryPath, later, await placeOf(later.id))
      : await take(temporaryPath, written.length, folder, known);
  } catch (cause) {
    for (const path of written) await unlink(path).catch(() => undefined);
    throw named(recordingErrorOf(cause, temporaryPath), temporaryPath);
  }
}

async function take(
  temporaryPath: string,
  partCount: number,
  folder: string,
  known: ReadonlySet<string>,
): Promise<SessionSummary> {
  const session = await openRecording(temporaryPath);
  await session.close();
  const { header } = session;
  if (known.has(header.id)) {
    throw new RecordingError(
      "exists",
      `recording: expected a session that is not here yet, got ${header.id}`,
    );
  }
  // As old as what it holds: nobody is writing it.
  await utimes(temporaryPath, new Date(), new Date(header.startedAtMs));
  const path = join(folder, recordingFileName(header));
  // The first part first: whatever interrupts this leaves a recording that is cut, and no part without a first.
  for (let number = 1; number <= partCount; number++)
    await rename(partPath(temporaryPath, number), partPath(path, number));
  return summarise(session);
}

async function append(
  temporaryPath: string,
  { id, part }: { readonly id: string; readonly part: number },
  path: string | undefined,
): Promise<SessionSummary> {
  const refused = (why: string): RecordingError => new RecordingError("later-part", `recording: ${why}`);
  if (path === undefined) throw refused(`expected the first part of session ${id}, got part ${part}`);
  const to = partPath(path, part);
  if ((await stat(to).catch(() => null)) !== null)
    throw new RecordingError("exists", `recording: expected a part that is not here yet, got part ${part}`);
  const refusal = await whyNotNext(path, temporaryPath);
  if (refusal !== null) throw refused(refusal);
  await rename(temporaryPath, to);
  const session = await openRecording(path);
  await session.close();
  return summarise(session);
}

/** Returns how many bytes came. */
async function write(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  leftBytes: number,
  maxBytes: number,
): Promise<number> {
  const file = await open(path, "wx");
  try {
    let size = 0;
    for await (const chunk of whole(bytes)) {
      size += chunk.byteLength;
      if (size > leftBytes) {
        throw new RecordingError("too-large", `recording: expected at most ${maxBytes} bytes, got more`);
      }
      await file.writeFile(chunk);
    }
    await file.sync();
    return size;
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
