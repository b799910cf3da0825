/** The folder that a log is written into. */
import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { RecordingError, recordingErrorOf } from "../recording/recording-error.ts";

/**
 * Could a log be begun here? Nothing is made: of a folder that is not there yet, the nearest one above it is asked.
 * @throws {RecordingError} `not-found` where there is a file in the way, `unreadable`, `disk-error`.
 */
export async function expectWritable(folder: string): Promise<void> {
  let at = resolve(folder);
  for (;;) {
    try {
      if (!(await stat(at)).isDirectory()) throw notAFolder(at);
      await access(at, constants.W_OK | constants.X_OK);
      return;
    } catch (cause) {
      if (!isAbsent(cause) || dirname(at) === at) throw recordingErrorOf(cause, at);
      at = dirname(at);
    }
  }
}

/** @throws {RecordingError} `not-found` where there is a file of this name. Rejects with the system's error for anything else. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw codeOf(cause) === "EEXIST" ? notAFolder(path, cause) : cause;
  }
}

/** Not there itself, or not below a folder: then that is said of the one above. */
function isAbsent(cause: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(codeOf(cause) ?? "");
}

function codeOf(cause: unknown): string | undefined {
  return (cause as NodeJS.ErrnoException).code;
}

function notAFolder(path: string, cause?: unknown): RecordingError {
  return new RecordingError("not-found", `${path}: expected a folder, got a file`, { cause });
}
