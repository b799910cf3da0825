/** A recording from elsewhere into a folder: whole, checked, and under a name of ours; or not at all. */
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { SessionSummary } from "../../shared/header.ts";
import { recordingFileName } from "../recording/file-name.ts";
import { openLaterPart, whyNotNext } from "../recording/open-parts.ts";
import { partPath } from "../recording/part.ts";
import { RecordingError, recordingErrorOf } from "../recording/recording-error.ts";
import { alone } from "./alone.ts";
import { openRecording } from "./recorded-session.ts";
import { summarise } from "./session.ts";

export interface ImportBounds {
  /** Of all parts together. */
  readonly maxBytes: number;
  /** Is this session here already? Asked when all of it has come, and nobody else puts anything into the folder: a session is one recording. */
  readonly isKnown: (id: string) => Promise<boolean>;
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
  { maxBytes, isKnown, placeOf }: ImportBounds,
): Promise<SessionSummary> {
  await mkdir(folder, { recursive: true });
  const temporaryPath = join(folder, `.import-${randomBytes(8).toString("hex")}.mcap`);
  const files: string[] = [];
  try {
    let leftBytes = maxBytes;
    for (const bytes of parts) {
      const path = partPath(temporaryPath, files.length + 1);
      files.push(path);
      leftBytes -= await write(bytes, path, leftBytes, maxBytes);
    }
    return await alone(folder, async () => {
      const later = await openLaterPart(temporaryPath);
      return later !== null && placeOf !== undefined
        ? await append(files, later, await placeOf(later.id))
        : await take(files, folder, isKnown);
    });
  } catch (cause) {
    // Wherever they lie by now; no part without a first, whatever interrupts this.
    for (const path of files.toReversed()) await unlink(path).catch(() => undefined);
    throw named(recordingErrorOf(cause, temporaryPath), temporaryPath);
  }
}

/** @param files  of which each says where it lies, also when this fails half-way. */
async function take(
  files: string[],
  folder: string,
  isKnown: ImportBounds["isKnown"],
): Promise<SessionSummary> {
  const [temporaryPath = ""] = files;
  const session = await openRecording(temporaryPath);
  await session.close();
  const { header } = session;
  if (await isKnown(header.id)) {
    throw new RecordingError(
      "exists",
      `recording: expected a session that is not here yet, got ${header.id}`,
    );
  }
  // As old as what it holds: nobody is writing it.
  await utimes(temporaryPath, new Date(), new Date(header.startedAtMs));
  const path = join(folder, recordingFileName(header));
  // The first part first: whatever interrupts this leaves a recording that is cut, and no part without a first.
  for (let number = 1; number <= files.length; number++)
    await move(files, number - 1, partPath(path, number));
  return summarise(session);
}

/** @param files  the part alone. */
async function append(
  files: string[],
  { id, part }: { readonly id: string; readonly part: number },
  path: string | undefined,
): Promise<SessionSummary> {
  const refused = (why: string): RecordingError => new RecordingError("later-part", `recording: ${why}`);
  if (path === undefined) throw refused(`expected the first part of session ${id}, got part ${part}`);
  const [temporaryPath = ""] = files;
  const to = partPath(path, part);
  if ((await stat(to).catch(() => null)) !== null)
    throw new RecordingError("exists", `recording: expected a part that is not here yet, got part ${part}`);
  const refusal = await whyNotNext(path, temporaryPath);
  if (refusal !== null) throw refused(refusal);
  await move(files, 0, to);
  const session = await openRecording(path);
  await session.close();
  return summarise(session);
}

/** Over nothing: what lies there under this name is somebody's, though no recording of this session that can be read. */
async function move(files: string[], at: number, to: string): Promise<void> {
  if ((await stat(to).catch(() => null)) !== null)
    throw new RecordingError("exists", `${to}: expected no file of that name yet, got one`);
  await rename(files[at] as string, to);
  files[at] = to;
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
