/** The part of a file handle that recordings need: node:fs/promises' FileHandle is one, and tests make ones that fail. */
import { type FileHandle, open } from "node:fs/promises";

export type LogFileHandle = Pick<FileHandle, "read" | "datasync" | "sync" | "truncate" | "close"> & {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>;
};

export type OpenLogFile = (path: string, flags: string) => Promise<LogFileHandle>;

export const openLogFile: OpenLogFile = (path, flags) => open(path, flags);
