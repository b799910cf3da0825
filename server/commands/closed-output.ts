/** A terminal or a pipe that is closed while something is still said to it. */
import { closeSync } from "node:fs";

/**
 * From now on that is no reason to end.
 * @returns to be called right before the process exits. Node gives terminals their settings back then, and aborts where one is gone, but
 * not where it is closed.
 */
export function outliveClosedOutput(): () => void {
  let isClosed = false;
  for (const output of [process.stdout, process.stderr]) {
    output.on("error", () => {
      isClosed = true;
    });
  }
  return () => {
    if (isClosed) for (const standard of [0, 1, 2]) closeSync(standard);
  };
}
