/**
 * A long recording lies in several files, its parts: x.mcap, x.2.mcap, x.3.mcap. Each is a whole MCAP file with the session's header; all
 * but the first say which part they are, in an attachment, which has a checksum.
 */
import * as z from "zod/mini";
import { RecordingError } from "./recording-error.ts";

export const PART_ATTACHMENT = "thalweg.part.json";
/** Metadata record at the end of a part that another one follows: `next`, `last_seq`. */
export const CONTINUED_METADATA = "thalweg.continued";

const Part = z.object({
  /** From 2. */
  part: z.int().check(z.gte(2)),
  firstSeq: z.int().check(z.nonnegative()),
  /** Why events before it are in no part, and from where on that may be. */
  gap: z.nullable(z.object({ fromSeq: z.int().check(z.nonnegative()), code: z.string() })),
});
export type Part = z.infer<typeof Part>;

const EXTENSION = ".mcap";

/** @param number  from 1. */
export function partPath(path: string, number: number): string {
  if (number === 1) return path;
  const stem = path.endsWith(EXTENSION) ? path.slice(0, -EXTENSION.length) : path;
  return `${stem}.${number}${EXTENSION}`;
}

/** Does a file of this name look like a later part, of the recording whose name this returns? */
export function firstPartOf(path: string): string | undefined {
  const found = /^(.+)\.([2-9]|[1-9]\d+)\.mcap$/s.exec(path);
  return found === null ? undefined : `${found[1]}${EXTENSION}`;
}

/** @throws {RecordingError} `damaged`. */
export function parsePart(data: Buffer, path: string): Part {
  let raw: unknown;
  try {
    raw = JSON.parse(data.toString("utf8"));
  } catch {
    raw = undefined;
  }
  const part = Part.safeParse(raw);
  if (part.success) return part.data;
  throw new RecordingError("damaged", `${path}: expected ${PART_ATTACHMENT} to say which part this is`);
}
