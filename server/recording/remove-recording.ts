/** A recording gone for good, all its parts. */
import { unlink } from "node:fs/promises";
import { partPath } from "./part.ts";
import { recordingErrorOf } from "./recording-error.ts";

/** The last part first: whatever interrupts this leaves a recording that is cut, and no part without a first. */
export async function removeRecording(path: string, partCount: number): Promise<void> {
  for (let number = partCount; number >= 1; number--) {
    const part = partPath(path, number);
    await unlink(part).catch((cause: unknown) => {
      throw recordingErrorOf(cause, part);
    });
  }
}
