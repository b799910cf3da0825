/** What metadata records say of a session: why it ended, and which title it was given later. */
import { EndReason, legible, type SessionHeader } from "../../shared/header.ts";
import { readStrings } from "./file-window.ts";

/** Metadata record after all others: `title`. The last one counts. */
export const TITLE_METADATA = "thalweg.title";

export interface Metadata {
  readonly name: string;
  readonly entries: Readonly<Record<string, string>>;
}

/** null when a length in it lies. */
export function readMetadata(body: Buffer): Metadata | null {
  const name = readStrings(body, 1)?.[0];
  if (name === undefined) return null;
  const texts = readStrings(body.subarray(4 + Buffer.byteLength(name) + 4));
  if (texts === null) return null;
  const keys = texts.filter((_text, at) => at % 2 === 0);
  return { name, entries: Object.fromEntries(keys.map((key, at) => [key, texts[2 * at + 1] ?? ""])) };
}

/** Of a `thalweg.end` record; null when it cannot be. */
export function endOf({
  entries,
}: Metadata): { readonly reason: EndReason; readonly lastSeq: number } | null {
  const reason = EndReason.safeParse(entries["reason"]);
  const lastSeq = Number(entries["last_seq"]);
  return reason.success && Number.isInteger(lastSeq) ? { reason: reason.data, lastSeq } : null;
}

export function titled(header: SessionHeader, title: string | null): SessionHeader {
  return title === null ? header : { ...header, name: legible(title) };
}
