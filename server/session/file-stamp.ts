/** Whether a file is as it was, without reading it. */
import { stat } from "node:fs/promises";

/** Of one recording, as far as the disk can tell. */
export interface Stamp {
  readonly parts: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly inode: number;
}

/** null when the first is gone, or no file. */
export async function stampOf(paths: readonly string[]): Promise<Stamp | null> {
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  const [first] = found;
  if (first === null || first === undefined || !first.isFile()) return null;
  const there = found.filter((each) => each !== null);
  return {
    parts: there.length,
    sizeBytes: there.reduce((sum, { size }) => sum + size, 0),
    modifiedMs: Math.max(...there.map(({ mtimeMs }) => mtimeMs)),
    inode: first.ino,
  };
}

export function isSame(a: Stamp, b: Stamp): boolean {
  return (
    a.parts === b.parts && a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs && a.inode === b.inode
  );
}
