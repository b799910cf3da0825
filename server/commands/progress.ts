/** What the terminal says while a run goes on: one line that moves, or on a pipe the turning points only. */
import { auditTime } from "rxjs";
import { whole } from "../../shared/number-words.ts";
import type { Session } from "../session/session.ts";

const EVERY_MS = 1000;

export function reportProgress({ status$, header }: Session): void {
  const moving = process.stdout.isTTY;
  let state = "running";
  status$.pipe(auditTime(EVERY_MS)).subscribe({
    next(status) {
      const at = `step ${whole(status.step)} of ${whole(header.steps)}`;
      if (moving) process.stdout.write(`\r\u001b[K${at}, ${status.state}`);
      else if (status.state !== state) console.log(`${at}: ${status.state}`);
      state = status.state;
    },
    complete() {
      if (moving) process.stdout.write("\r\u001b[K");
      console.log(`run ${header.name} has ended; it can still be looked at until Ctrl-C.`);
    },
  });
}

/** One line on stderr that tells how far a command is; silent where nobody is watching. */
export interface ProgressLine {
  show(text: string): void;
  clear(): void;
}

export function progressLine(): ProgressLine {
  const moving = process.stderr.isTTY;
  const write = (text: string) => moving && process.stderr.write(`\r\u001b[K${text}`);
  return { show: write, clear: () => write("") };
}
