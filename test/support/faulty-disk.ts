/** Real files beneath a recorder, on a disk that can be made to fail the way disks do: at one operation, until it is healed. */
import { type LogFileHandle, type OpenLogFile, openLogFile } from "../../server/recording/log-file-handle.ts";

export type DiskFault =
  /** One write takes half of what it is given, and says so. */
  | "short-write"
  /** A write takes half and fails; no file takes anything any more. */
  | "ENOSPC"
  /** A write fails, as does every one after it. */
  | "EIO"
  /** A sync fails, once: the next one says that all is well. */
  | "fsync-EIO";

export class FaultyDisk {
  readonly #fault: DiskFault | null;
  readonly #at: number;
  /** Writes and syncs so far: what can fail. */
  operations = 0;
  isSick = false;
  hasFailed = false;

  /** @param at  the operation that fails: of the right kind, the first from this one on. */
  constructor(fault: DiskFault | null = null, at = 0) {
    this.#fault = fault;
    this.#at = at;
  }

  heal(): void {
    this.isSick = false;
  }

  readonly open: OpenLogFile = async (path, flags) => this.#wrap(await openLogFile(path, flags));

  #wrap(real: LogFileHandle): LogFileHandle {
    const sync = async (run: () => Promise<void>) => {
      if (this.#isDue("fsync-EIO")) throw systemError("EIO");
      this.operations++;
      await run();
    };
    return {
      read: real.read.bind(real) as LogFileHandle["read"],
      truncate: (length) => real.truncate(length),
      close: () => real.close(),
      datasync: () => sync(() => real.datasync()),
      sync: () => sync(() => real.sync()),
      write: async (bytes, offset, length, position) => {
        const half = Math.floor(length / 2);
        if (this.#isDue("short-write") && half > 0) return real.write(bytes, offset, half, position);
        if (this.#isDue("EIO")) throw systemError("EIO");
        if (this.#isDue("ENOSPC")) {
          if (half > 0) await real.write(bytes, offset, half, position);
          throw systemError("ENOSPC");
        }
        this.operations++;
        return real.write(bytes, offset, length, position);
      },
    };
  }

  #isDue(fault: DiskFault): boolean {
    if (this.#fault !== fault) return false;
    if (this.isSick) return true;
    if (this.hasFailed || this.operations < this.#at) return false;
    this.hasFailed = true;
    this.isSick = fault === "ENOSPC" || fault === "EIO";
    return true;
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: of the test's making`), { code });
}
