/** The IDX format of the MNIST files: a magic number, the sizes of each dimension, bytes. As it is, or compressed by gzip. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

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
 * The whole file, which must be exactly as long as its header says; where there is none, the same with `.gz` behind its name.
 * Memory is taken for what the header says, and a compressed file that holds more is not read further.
 * @param rank  dimensions expected: 1 for labels, 3 for images.
 */
export async function readIdx(path: string, rank: 1 | 3): Promise<IdxResult> {
  const found = await findIdx(path);
  return found.ok ? read(found.path, rank, found.fileBytes) : found;
}

/** Where it is, plain or compressed; nothing of it is read. `fileBytes` is null where only reading tells. */
export async function findIdx(
  path: string,
): Promise<
  | { readonly ok: true; readonly path: string; readonly fileBytes: number | null }
  | Extract<IdxResult, { ok: false }>
> {
  const plain = await sizeOf(path);
  if (typeof plain === "number") return { ok: true, path, fileBytes: plain };
  const packed = plain === "ENOENT" ? await sizeOf(`${path}.gz`) : plain;
  if (typeof packed === "number") return { ok: true, path: `${path}.gz`, fileBytes: null };
  const found = plain === "folder" ? "a folder" : `none (${plain})`;
  return fail("dataset-missing", `${basename(path)}: expected an IDX file at ${path}, found ${found}`);
}

/** In bytes, or why there is none. */
async function sizeOf(path: string): Promise<number | string> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats.size : "folder";
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code ?? String(cause);
  }
}

/** @param fileBytes  what the file holds; null where only reading tells. */
async function read(path: string, rank: 1 | 3, fileBytes: number | null): Promise<IdxResult> {
  const headerBytes = 4 + 4 * rank;
  const header = Buffer.alloc(headerBytes);
  let shape: readonly number[] = [];
  let bytes: Uint8Array | null = null;
  let refusal: IdxResult | null = null;
  let found = 0;

  /** Once the header is whole: is it one of ours, and is there as much as it says? */
  const open = () => {
    refusal = headerProblem(header, rank, path);
    if (refusal !== null) return;
    shape = sizesIn(header, rank);
    const size = shape.reduce((product, length) => product * length, 1);
    if (fileBytes !== null && fileBytes !== headerBytes + size) {
      refusal = wrongLength(path, headerBytes + size, fileBytes);
    } else bytes = new Uint8Array(size);
  };
  const take = (chunk: Buffer) => {
    const forHeader = Math.min(chunk.length, Math.max(0, headerBytes - found));
    chunk.copy(header, found, 0, forHeader);
    if (forHeader > 0 && found + forHeader === headerBytes) open();
    const rest = chunk.subarray(forHeader);
    const at = found + forHeader - headerBytes;
    if (bytes !== null && at + rest.length <= bytes.length) bytes.set(rest, Math.max(0, at));
    found += chunk.length;
    if (bytes !== null && found > headerBytes + bytes.length) {
      refusal = wrongLength(path, headerBytes + bytes.length, found);
    }
  };

  try {
    const consume = async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        take(chunk);
        if (refusal !== null) return;
      }
    };
    if (fileBytes === null) await pipeline(createReadStream(path), createGunzip(), consume);
    else await pipeline(createReadStream(path), consume);
  } catch (cause) {
    // A refusal ends the reading early, and the unpacking with an error of its own.
    if (refusal !== null) return refusal;
    const { code, message } = cause as NodeJS.ErrnoException;
    return fail("dataset-cut", `${basename(path)}: cannot be read to its end (${code ?? message}) (${path})`);
  }
  if (refusal !== null) return refusal;
  const whole = bytes as Uint8Array | null;
  if (whole === null) return cut(path, `at least ${headerBytes}`, found);
  if (found < headerBytes + whole.length) return cut(path, String(headerBytes + whole.length), found);
  return { ok: true, shape, bytes: whole };
}

function sizesIn(header: Buffer, rank: number): number[] {
  return Array.from({ length: rank }, (_, i) => header.readUInt32BE(4 + 4 * i));
}

function headerProblem(header: Buffer, rank: number, path: string): IdxResult | null {
  const name = basename(path);
  const magic = header.readUInt32BE(0);
  if (magic !== UNSIGNED_BYTES + rank) {
    return fail(
      "dataset-foreign",
      `${name}: expected magic number ${UNSIGNED_BYTES + rank}, found ${magic} (${path})`,
    );
  }
  const shape = sizesIn(header, rank);
  if (shape.reduce((product, length) => product * length, 1) <= MOST_BYTES) return null;
  return fail(
    "dataset-foreign",
    `${name}: expected at most ${MOST_BYTES} values, found sizes ${shape.join(" × ")} (${path})`,
  );
}

function wrongLength(path: string, expected: number, found: number): IdxResult {
  if (found < expected) return cut(path, String(expected), found);
  return fail("dataset-foreign", `${basename(path)}: expected ${expected} bytes, found ${found} (${path})`);
}

function cut(path: string, expected: string, found: number): IdxResult {
  return fail("dataset-cut", `${basename(path)}: expected ${expected} bytes, found ${found} (${path})`);
}

function fail(
  code: "dataset-missing" | "dataset-cut" | "dataset-foreign",
  message: string,
): Extract<IdxResult, { ok: false }> {
  return { ok: false, code, message };
}
