/** The IDX format of the MNIST files: a magic number, the sizes of each dimension, bytes. */
import { open } from "node:fs/promises";
import { basename } from "node:path";

export type IdxResult =
  | { readonly ok: true; readonly shape: readonly number[]; readonly bytes: Uint8Array }
  | {
      readonly ok: false;
      readonly code: "dataset-missing" | "dataset-cut" | "dataset-foreign";
      /** One sentence that names the file, what was expected and what was found. */
      readonly message: string;
    };

/** 0, 0, 8 (unsigned bytes), number of dimensions. */
const UNSIGNED_BYTES = 0x0000_0800;

/** Far above every data set of this format, far below what would exhaust memory. */
const MOST_BYTES = 2 ** 31;

/**
 * The whole file, which must be exactly as long as its header says.
 * @param rank  dimensions expected: 1 for labels, 3 for images.
 */
export async function readIdx(path: string, rank: 1 | 3): Promise<IdxResult> {
  const name = basename(path);
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, "r");
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return fail("dataset-missing", `${name}: expected an IDX file at ${path}, found none (${why})`);
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile())
      return fail("dataset-missing", `${name}: expected an IDX file at ${path}, found a folder`);
    const headerBytes = 4 + 4 * rank;
    if (stats.size < headerBytes) return cut(path, `at least ${headerBytes}`, stats.size);
    const header = Buffer.alloc(headerBytes);
    await file.read(header, 0, headerBytes, 0);
    const magic = header.readUInt32BE(0);
    if (magic !== UNSIGNED_BYTES + rank) {
      return fail(
        "dataset-foreign",
        `${name}: expected magic number ${UNSIGNED_BYTES + rank}, found ${magic} (${path})`,
      );
    }
    const shape = Array.from({ length: rank }, (_, i) => header.readUInt32BE(4 + 4 * i));
    const size = shape.reduce((product, length) => product * length, 1);
    if (size > MOST_BYTES) {
      return fail(
        "dataset-foreign",
        `${name}: expected at most ${MOST_BYTES} values, found sizes ${shape.join(" × ")} (${path})`,
      );
    }
    if (stats.size < headerBytes + size) return cut(path, String(headerBytes + size), stats.size);
    if (stats.size > headerBytes + size) {
      return fail(
        "dataset-foreign",
        `${name}: expected ${headerBytes + size} bytes, found ${stats.size} (${path})`,
      );
    }
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await file.read(bytes, filled, size - filled, headerBytes + filled);
      if (bytesRead === 0) return cut(path, String(headerBytes + size), headerBytes + filled);
      filled += bytesRead;
    }
    return { ok: true, shape, bytes };
  } finally {
    await file.close();
  }
}

function cut(path: string, expected: string, found: number): IdxResult {
  return fail("dataset-cut", `${basename(path)}: expected ${expected} bytes, found ${found} (${path})`);
}

function fail(code: "dataset-missing" | "dataset-cut" | "dataset-foreign", message: string): IdxResult {
  return { ok: false, code, message };
}
